"""Nothing goes to a provider but from dispatch, behind the gate (trust D14); the layers say who may speak HTTP."""

import ast
from functools import cache

from config.embedded import places

APPS = ("config", "crm", "calls", "campaigns", "integrations")
DISPATCH = "campaigns/services/dispatch/"
MAKERS = {"config/kernel/providers.py", "config/settings.py", "config/checks.py"}


@cache
def modules() -> list[tuple[str, ast.Module]]:
    """Every module but tests and adapters, which are what is called."""
    paths = [path for app in APPS for path in sorted((places.CHECKOUT / app).rglob("*.py"))]
    names = {path.relative_to(places.CHECKOUT).as_posix(): path for path in paths if "tests" not in path.parts}
    adapters = ("integrations/simulated/", "integrations/softphone/", "config/testing/")
    return [(name, ast.parse(path.read_text())) for name, path in names.items() if not name.startswith(adapters)]


def test_one_place_hands_messages_over():
    awaited = [
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Attribute) and node.value.func.attr == "send"
    ]
    assert awaited == [f"{DISPATCH}calling.py"]


def test_what_others_ask_of_an_adapter_is_its_name_and_its_channel():
    """Under whatever name, and from wherever: outside of dispatch an adapter is had for its name and what it serves."""
    for name, tree in modules():
        if name.startswith(DISPATCH) or name == "campaigns/providers.py":
            continue
        nodes = list(ast.walk(tree))
        named = {id(node.value.func) for node in nodes if _is_its_name(node)}
        asked = [node for node in nodes if isinstance(node, ast.Name) and node.id == "sender_on"]
        assert {id(node) for node in asked} <= named, name
        for node in nodes:
            aliases = [one for one in getattr(node, "names", []) if isinstance(one, ast.alias)]
            assert not [one for one in aliases if one.name == "sender_on" and one.asname], name
            assert not (isinstance(node, ast.Attribute) and node.attr == "sender_on"), name
            assert not [one for one in aliases if one.name == "campaigns.providers"], name
            assert not (isinstance(node, ast.Constant) and node.value == "sender_on"), name


def _is_its_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in {"label", "channel"} and isinstance(node.value, ast.Call)


def test_adapters_are_made_in_one_place():
    """Whoever could import one by its name would need no door."""
    made = [
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == "BACKEND"
    ]
    assert set(made) <= MAKERS


def test_one_place_dials():
    def dials(node: ast.AST) -> bool:
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "begin"
        return is_call and {word.arg for word in node.keywords} >= {"to", "extension", "reference"}

    assert [name for name, tree in modules() if any(map(dials, ast.walk(tree)))] == ["calls/services/dialing.py"]


def test_adapters_are_named_in_settings_and_imported_by_nobody():
    for name, tree in modules():
        for node in ast.walk(tree):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            assert not [
                one for one in named if one.startswith(("integrations.simulated.messages", "integrations.softphone"))
            ], name
