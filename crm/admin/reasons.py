"""The gate's reasons as people say them. An app that registers rules of its own names them here with ``teach``."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.kernel.admin import cells
from config.kernel.gate import GATE_ERROR, Block
from crm.admin import phrases
from crm.choices import PointState
from crm.models import Endpoint

Evidence = Callable[[Mapping[str, Any]], str]
Shown = Callable[[Any], Any]

_NAMES: dict[str, str] = {
    GATE_ERROR: "The gate is out of order",
    "deleted": "Deleted",
    "project_suppressed": "The project must not be called",
    "do_not_call": "Asked not to be called",
    "do_not_text": "Asked not to be texted",
    "do_not_email": "Asked not to be e-mailed",
    "pair_suppressed": "Not to be called in this project",
    "no_callable_number": "No number to call",
    "wrong_person": "The number is somebody else's",
    "endpoint_suppressed": "The number must be left alone",
    "number_failed": "The line does not work",
}
_EVIDENCE: dict[str, Evidence] = {}


def _yes(value: Any) -> str:
    return "yes" if value else "no"


def _number(value: Any) -> Any:
    return phrases.line(Endpoint.objects.filter(pk=value).first())


# The facts of a receipt in the order in which people ask for them: name, and how it is shown.
_FACTS: dict[str, tuple[str, Shown]] = {
    "endpoint": ("Number or e-mail", _number),
    "point.state": ("For this person", lambda value: dict(PointState.choices).get(value, value)),
    "contact.reachable": ("Has a number that works", _yes),
    "contact.do_not_call": ("Asked not to be called", _yes),
    "contact.do_not_text": ("Asked not to be texted", _yes),
    "contact.do_not_email": ("Asked not to be e-mailed", _yes),
    "project.suppressed": ("Project not to be called", _yes),
    "pair.suppressed": ("Not in this project", _yes),
    "pair.callback_at": ("Callback promised", cells.exact),
    "endpoint.failed_until": ("Line rests until", cells.exact),
    "endpoint.suppression": ("Suppression", lambda value: cells.link_to("crm.suppression", value, "Open")),
}
_UNSAID = {"channel", "contact.here", "project.here", "pair.here", "endpoint.here"}  # true of whatever can be seen


def teach(names: Mapping[str, str], evidence: Mapping[str, Evidence] | None = None) -> None:
    """Add names of rules, and functions that put a rule's evidence into words."""
    _NAMES.update(names)
    _EVIDENCE.update(evidence or {})


def teach_facts(facts: Mapping[str, tuple[str, Shown]]) -> None:
    """Name further facts, and say how each is shown."""
    _FACTS.update(facts)


def facts_in_words(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what a decision was taken on, in words; a fact that nobody named is spelled out."""
    found = [(label, show(facts[name])) for name, (label, show) in _FACTS.items() if facts.get(name) not in (None, [])]
    others = [name for name in facts if name not in _FACTS and name not in _UNSAID]
    return found + [
        (name.replace(".", ": ").replace("_", " ").capitalize(), _plainly_shown(facts[name])) for name in others
    ]


def _plainly_shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return cells.exact(value)
    if isinstance(value, list):
        return cells.lines([_plainly_shown(item) for item in value])
    return _yes(value) if isinstance(value, bool) else value


def name_of(code: str) -> str:
    """Return the name of a rule; one that nobody has named is spelled out."""
    return _NAMES.get(code) or code.replace("_", " ").capitalize()


def in_words(block: Block) -> SafeString:
    """Return a reason with its evidence, and when it ends."""
    tell = _EVIDENCE.get(block.code)
    told = tell(block.evidence) if tell else _plainly(block.evidence)
    until = cells.badges("until", cells.exact(block.until)) if block.until else ""
    return cells.badges(
        format_html("<strong>{}</strong>", name_of(block.code)),
        format_html('<span class="cl-soft">{}</span>', told) if told else "",
        format_html('<span class="cl-soft">{}</span>', until) if until else "",
    )


def _plainly(evidence: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in evidence.items() if name != "suppression")
