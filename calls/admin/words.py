"""The rules of telephone work as people say them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from calls.choices import CooldownScope, Scope
from config.kernel.admin import cells
from crm.admin import clocks, reasons
from crm.models import HoursProfile, User

_HOURS = {
    "too_early": "too early there",
    "too_late": "too late there",
    "closed_day": "no calls on this day there",
    "holiday": "a holiday there",
    "no_common_window": "the places it may ring in are never open at the same time",
    "unknown_place": "nobody knows where it rings",
    "unreadable_profile": "the place it rings in cannot be read",
}


def _cap(evidence: Mapping[str, Any]) -> str:
    return f"{evidence.get('touches')} of {evidence.get('cap')} touches"


def _hours(evidence: Mapping[str, Any]) -> str:
    said = _HOURS.get(str(evidence.get("reason")), str(evidence.get("reason", "")).replace("_", " "))
    where = str(evidence.get("zone", "")).rsplit("/", 1)[-1].replace("_", " ")
    rule = evidence.get("rule") or evidence.get("rule_id") or ""
    return ", ".join(part for part in (said, where, str(evidence.get("local", ""))[:16], str(rule)) if part)


def _lease(evidence: Mapping[str, Any]) -> str:
    name = User.objects.filter(pk=evidence["by"]).values_list("name", flat=True).first() if evidence.get("by") else ""
    return f"{name} has it" if name else "a colleague has it"


def _nothing(evidence: Mapping[str, Any]) -> str:
    return ""


reasons.teach(
    {
        "project_not_yet": "The project is not to be called yet",
        "cooldown": "Called a short while ago",
        "day_cap": "Often enough for a day",
        "week_cap": "Often enough for a week",
        "number_day_cap": "The number was used often enough for a day",
        "number_week_cap": "The number was used often enough for a week",
        "outside_hours": "Outside calling hours",
        "leased": "A colleague is with them",
        "number_leased": "A colleague is on this number",
        "terminal_everyone": "Nobody is called",
        "terminal_project": "The project is closed for calls",
        "terminal_contact": "The person is closed for calls",
        "terminal_pair": "Closed for calls in this project",
        "terminal_endpoint": "The number is closed for calls",
    },
    {
        "day_cap": _cap,
        "week_cap": _cap,
        "number_day_cap": _cap,
        "number_week_cap": _cap,
        "outside_hours": _hours,
        "leased": _lease,
        "number_leased": _lease,
        "cooldown": _nothing,
        **dict.fromkeys((f"terminal_{scope.value}" for scope in Scope), _nothing),
    },
)  # fmt: skip


def _times(value: Any) -> Any:
    return cells.lines([cells.exact(at) for at in value])


def _places(value: Any) -> Any:
    profile = HoursProfile.objects.filter(pk=value).first()
    return cells.lines(clocks.places(profile)) if profile and profile.key else "Unknown"


def _rep(value: Any) -> Any:
    return User.objects.filter(pk=value).first() or "a colleague"


def _touches(value: Any) -> str:
    return f"{value} touches"


reasons.teach_facts(
    {
        "hours.profile": ("Where it may ring", _places),
        "hours.law": ("Version of the law", str),
        "calls.contact.last": ("Last call to them", cells.exact),
        "calls.pair.last": ("Last call in this project", cells.exact),
        "touches.contact": ("Touches of the person this week", _times),
        "touches.endpoint": ("Touches of the number this week", _times),
        "policy.cooldown": ("Between two calls", lambda value: cells.length(timedelta(seconds=value))),
        "policy.scope": ("Who waits", lambda value: dict(CooldownScope.choices).get(value, value)),
        "policy.day_cap": ("Allowed in a day", _touches),
        "policy.week_cap": ("Allowed in a week", _touches),
        "number.day_cap": ("Allowed in a day, the number", _touches),
        "number.week_cap": ("Allowed in a week, the number", _touches),
        "project.not_before": ("Project not before", cells.exact),
        "lease.contact.by": ("With the person", _rep),
        "lease.contact.until": ("With the person until", cells.exact),
        "lease.endpoint.by": ("On the number", _rep),
        "lease.endpoint.until": ("On the number until", cells.exact),
    }
)
