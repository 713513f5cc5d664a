"""Nothing goes to a provider but from dispatch, behind the gate (trust D14); the layers say who may speak HTTP."""

import ast
from functools import cache

from config.embedded import places

APPS = ("config", "crm", "calls", "campaigns", "integrations")
DISPATCH = "campaigns/services/dispatch/"


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


def test_what_others_ask_of_an_adapter_is_its_name():
    for name, tree in modules():
        calls = {
            id(node): node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sender_on"
        }
        labels = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "label"}
        assert name.startswith(DISPATCH) or calls.keys() <= labels, name


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
