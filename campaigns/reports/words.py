"""What a node does, in a few words."""

from collections.abc import Mapping
from typing import Any, Final

from campaigns.choices import NodeType, Unit, Weekday
from campaigns.rules.drawings import DrawnNode

TYPES: Final = {str(kind.value): str(kind.label) for kind in NodeType}
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


_AWAITED: Final[Mapping[str, str]] = {"reply": "a reply", "call_outcome": "a call", "link_click": "a click"}
_WORDS: Final[Mapping[str, Any]] = {
    NodeType.STAGE: lambda config: f"Status: {config['status']}",
    NodeType.SMS_SEND: lambda config: f"SMS: {config['content']}",
    NodeType.EMAIL_SEND: lambda config: f"E-mail: {config['content']}",
    NodeType.VOICEMAIL_DROP: lambda config: f"Voicemail: {config['content']}",
    NodeType.WAIT: _wait,
    NodeType.WAIT_FOR: lambda config: f"Wait for {_AWAITED[config['event']]}, at most {_amount(config)}",
    NodeType.JUMP: lambda config: f"Again, {config['rounds']} times at most",
}
