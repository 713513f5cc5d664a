"""What a node does, and where it leads: in a few words for the picture, in full for whoever reads the graph."""

from collections.abc import Mapping
from typing import Any, Final

from campaigns.choices import SENDS, Exit, NodeType, Unit, Weekday, WhenBlocked
from campaigns.reports.settings import TYPES, asks, value_of
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode

EXITS: Final = {str(each.value): str(each.label).lower() for each in Exit}
_TONES: Final[Mapping[str, str]] = {
    NodeType.STAGE: "info", NodeType.EXIT: "plain", NodeType.WAIT: "warn", NodeType.WAIT_FOR: "warn",
    NodeType.BRANCH: "choice", NodeType.SPLIT: "choice", NodeType.JUMP: "choice",
}  # fmt: skip


def tone_of(node_type: str) -> str:
    return _TONES.get(node_type, "good")


def said(node: DrawnNode) -> str:
    """Return what a node does, in a few words; of settings that make no sense it says the type."""
    words = _WORDS.get(node.type)
    try:
        return words(node.config) if words else TYPES.get(node.type, node.type)
    except (KeyError, TypeError, ValueError):
        return TYPES.get(node.type, node.type)


def in_full(drawing: Drawing, node: DrawnNode) -> str:
    """Return what a node does with all that its settings say: consent, what becomes of what is blocked, a branch's
    questions."""
    if node.type == NodeType.BRANCH:
        return f"Asks: {'; '.join(_asked(drawing, node)) or 'nothing'}"
    parts = [said(node)]
    if node.type == NodeType.VOICEMAIL_DROP:
        parts.append(
            f"needs {(value_of('consent', node.config.get('consent')) or 'a consent that nobody chose').lower()}"
        )
    if node.type in SENDS:
        parts.append(_BLOCKED.get(str(node.config.get("when_blocked") or WhenBlocked.WAIT_OR_EXIT), _UNCLEAR))
    if node.type == NodeType.EXIT and node.config.get("reason"):
        parts.append(str(node.config["reason"]))
    return "; ".join(parts)


def in_short(drawing: Drawing, node: DrawnNode) -> str:
    """Return what a node does in the picture; of a branch what it asks."""
    return "; ".join(_asked(drawing, node)) or said(node) if node.type == NodeType.BRANCH else said(node)


def ways(drawing: Drawing, key: str) -> str:
    """Return where a node leads, in the order in which it is asked."""
    told = (f"{way(edge)} to “{_name(drawing, edge.target)}”".lstrip() for edge in drawing.leaving(key))
    return "; ".join(told) or "ends here"


def way(edge: DrawnEdge) -> str:
    """Return what stands beside the arrow of an edge: by which exit, and of a split how many."""
    label = "" if edge.label == Exit.NEXT else EXITS.get(edge.label, edge.label)
    return f"{label} {asks(edge.condition)}" if "weight" in edge.condition else label


def on_reply(drawing: Drawing) -> str:
    """Return what a reply does to whoever waits for none."""
    node = drawing.by_key.get(drawing.on_reply)
    if node is None:
        return "A reply ends the walk, but where a node waits for it."
    return f"A reply leads to “{node.name or node.key}”, but where a node waits for it."


def _name(drawing: Drawing, key: str) -> str:
    node = drawing.by_key.get(key)
    return (node and node.name) or key


def _asked(drawing: Drawing, node: DrawnNode) -> list[str]:
    return [f"{edge.label} if {asks(edge.condition)}" for edge in drawing.leaving(node.key) if edge.condition]


def _wait(config: Mapping[str, Any]) -> str:
    mode = config["mode"]
    if mode == "duration":
        return f"Wait {_amount(config)}"
    if mode == "weekday":
        days = ", ".join(Weekday(day).label for day in config["weekdays"])
        return f"Wait until {days} {config['time']}"
    if mode == "event":
        return f"Wait until {_beside(config['days'])} the event, {config['time']}"
    return f"Wait until {config['date']} {config['time']}"


def _beside(days: int) -> str:
    if not days:
        return "the day of"
    return f"{abs(days)} day{'s' * (abs(days) != 1)} {'before' if days < 0 else 'after'}"


def _amount(config: Mapping[str, Any]) -> str:
    unit = str(Unit(config["unit"]).label).lower()
    return f"{config['amount']} {unit if config['amount'] != 1 else unit.removesuffix('s')}"


def _wait_for(config: Mapping[str, Any]) -> str:
    outcomes = value_of("outcomes", config.get("outcomes"))
    what = f"{_AWAITED[config['event']]}{f' ({outcomes})' if outcomes else ''}"
    return f"Wait for {what}, at most {_amount(config)}"


_BLOCKED: Final[Mapping[str, str]] = {
    WhenBlocked.WAIT_OR_EXIT: "blocked: waits or leaves", WhenBlocked.EXIT: "blocked: leaves",
    WhenBlocked.ADVANCE: "blocked: goes on",
}  # fmt: skip
_UNCLEAR: Final = "blocked: nobody can tell"
_AWAITED: Final[Mapping[str, str]] = {"reply": "a reply", "call_outcome": "a call", "link_click": "a click"}
_WORDS: Final[Mapping[str, Any]] = {
    NodeType.STAGE: lambda config: f"Status: {config['status']}",
    NodeType.SMS_SEND: lambda config: f"SMS: {config['content']}",
    NodeType.EMAIL_SEND: lambda config: f"E-mail: {config['content']}",
    NodeType.VOICEMAIL_DROP: lambda config: f"Voicemail: {config['content']}",
    NodeType.CALL_TASK: lambda config: f"Call: {config['script']}",
    NodeType.WAIT: _wait,
    NodeType.WAIT_FOR: _wait_for,
    NodeType.JUMP: lambda config: f"Again, {config['rounds']} times at most",
}
