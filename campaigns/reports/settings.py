"""The settings of nodes and edges as people say them: what is asked, which consent is needed, what each is called."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import TextChoices

from campaigns.choices import AwaitedEvent, ConsentRule, NodeType, Unit, WaitMode, Weekday, WhenBlocked
from campaigns.rules.conditions import ATTRIBUTE, FACTS
from campaigns.rules.drawings import Config

_UNREADABLE: Final = "something that cannot be read"
_OPERATORS: Final[Mapping[str, str]] = {
    "equal": "is", "other": "is not", "among": "is one of", "contains": "contains", "least": "is at least",
    "most": "is at most", "empty": "is not known", "filled": "is known",
}  # fmt: skip
_FIELDS: Final[Mapping[str, str]] = {
    "start": "Everybody begins at", "on_reply": "A reply leads to", "type": "Kind", "name": "Name",
    "target": "Leads to", "condition": "If", "order": "Place among the ways out", "content": "Content",
    "when_blocked": "When it is blocked", "consent": "Needs", "script": "Script", "priority": "Priority",
    "event": "Waits for", "outcomes": "Outcomes that count", "amount": "How long", "unit": "Unit", "mode": "Waits",
    "date": "Day", "time": "Time of day", "days": "Days beside the event", "weekdays": "Weekdays",
    "rounds": "Rounds at most", "reason": "Reason", "status": "Status",
}  # fmt: skip
_OF: Final[Mapping[str, type[TextChoices]]] = {
    "type": NodeType, "when_blocked": WhenBlocked, "consent": ConsentRule, "event": AwaitedEvent, "unit": Unit,
    "mode": WaitMode, "weekdays": Weekday,
}  # fmt: skip
_CHOICES: Final = {name: {str(one.value): str(one.label) for one in kind} for name, kind in _OF.items()}
TYPES: Final = _CHOICES["type"]


def name_of(field: str) -> str:
    """Return what a field of a node ("config.content") or an edge is called."""
    plain = field.removeprefix("config.")
    return _FIELDS.get(plain, plain)


def value_of(field: str, value: Any) -> str:
    """Return the value of a field in words; "" where it has none."""
    plain = field.removeprefix("config.")
    if value in (None, "", [], {}):
        return ""
    if plain == "condition":
        return asks(value)
    known = _CHOICES.get(plain, {})
    return ", ".join(known.get(str(each), str(each)) for each in (value if isinstance(value, list) else [value]))


def asks(condition: Config) -> str:
    """Return what a condition asks, or which part of the people goes this way."""
    if "weight" in condition:
        return f"{condition['weight']} %"
    try:
        return _asked(condition)
    except (KeyError, TypeError, AttributeError):
        return _UNREADABLE


def _asked(condition: Config) -> str:
    for joined, word in (("all", " and "), ("any", " or ")):
        if joined in condition:
            parts = [
                f"({_asked(part)})" if {"all", "any"} & part.keys() else _asked(part) for part in condition[joined]
            ]
            return word.join(parts)
    fact, operator, value = condition["fact"], condition["is"], condition.get("value")
    known = FACTS.get(fact, "")
    name = f"{known[0].lower()}{known[1:]}" if known else f"“{fact.removeprefix(ATTRIBUTE)}” of the contact"
    if isinstance(value, bool):
        return f"{name}: {'yes' if value == (operator == 'equal') else 'no'}"
    words = " or ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return f"{name} {_OPERATORS[operator]} {words}".rstrip()
