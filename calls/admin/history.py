"""What telephone work tells of a person, a project or a pair: what happened, and what is to come."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from calls.choices import Scope
from calls.models import CallSession, TerminalLift, TerminalSession
from config.kernel import clock
from config.kernel.admin import cells
from config.kernel.admin.pages import Section, add_section
from config.kernel.admin.scope import visible
from crm.admin import timelines
from crm.models import ProjectContact
from crm.reports.audit import Place, earlier
from crm.reports.timelines import Entry, Subject, timeline_sources

COMING = 8


def called(subject: Subject, *, user: Any, limit: int, before: Place | None) -> Iterable[Entry]:
    """Calls with their outcome and what was noted."""
    calls = CallSession.objects.visible_to(user).filter(_about(subject), earlier(before, moment="initiated_at"))
    for call in calls.select_related("rep", "now__disposition").order_by("-initiated_at", "-id")[:limit]:
        ended = call.now.disposition.name if call.now.disposition else call.now.get_status_display()
        lasted = cells.duration(call.now.duration)
        title = f"{call.get_direction_display()} call: {ended}" + (f", {lasted}" if lasted else "")
        kind = "breach" if call.outside_gate else "call"
        yield Entry(call.initiated_at, str(call.pk), kind, title, call.now.notes, str(call.rep or ""),
                    "calls.callsession", call.pk)  # fmt: skip


def closed(subject: Subject, *, user: Any, limit: int, before: Place | None) -> Iterable[Entry]:
    """What was closed for calls, and what was opened again."""
    about = _about(subject) | Q(scope=Scope.PAIR) & _about(subject, "pair__")
    sessions = TerminalSession.objects.visible_to(user).filter(about)
    for row in sessions.filter(earlier(before)).select_related("by").order_by("-at", "-id")[:limit]:
        until = f" until {cells.local(row.until):%-d %b %Y}" if row.until else " for ever"
        title = f"{row.get_scope_display()} closed for calls{until}"
        yield Entry(
            row.at, str(row.pk), "closed", title, row.reason, str(row.by or ""), "calls.terminalsession", row.pk
        )
    lifts = TerminalLift.objects.filter(earlier(before), session__in=sessions).select_related("by", "session")
    for lift in lifts.order_by("-at", "-id")[:limit]:
        title = f"{lift.session.get_scope_display()} opened again for calls"
        yield Entry(lift.at, str(lift.pk), "opened", title, lift.reason, str(lift.by or ""), "calls.terminalsession",
                    lift.session_id)  # fmt: skip


def _about(subject: Subject, path: str = "") -> Q:
    named = {f"{path}contact": subject.contact, f"{path}project": subject.project}
    return Q(**{name: row for name, row in named.items() if row is not None})


def coming(request: HttpRequest, row: Any) -> Section | None:
    """Promised callbacks and what ends by itself; only where there is something."""
    found = sorted(_coming(request, row), key=lambda one: one[0])[:COMING]
    rows = [[cells.exact(at), cells.moment(at), what, who] for at, what, who in found]
    return Section(title="Coming up", place=2, headers=["When", "", "What", "Who"], rows=rows) if rows else None


def _coming(request: HttpRequest, row: Any) -> Iterator[tuple[Any, Any, Any]]:
    at = clock.now()
    whose = {row._meta.model_name: row} if row._meta.model_name != "projectcontact" else {"pk": row.pk}
    pairs = visible(ProjectContact.objects.filter(callback_at__gt=at, **whose), request.user)
    for pair in pairs.select_related("contact", "project", "callback_by").order_by("callback_at")[:COMING]:
        yield pair.callback_at, cells.badges("Callback to", cells.link(pair, pair.contact)), pair.callback_by or ""
    name = "pair" if row._meta.model_name == "projectcontact" else row._meta.model_name
    ends = TerminalSession.objects.standing(at).filter(until__isnull=False, **{name: row}).select_related("by")
    for session in ends.order_by("until")[:COMING]:
        yield (
            session.until,
            cells.badges("Open for calls again:", cells.link(session, session.reason)),
            session.by or "",
        )


timeline_sources(called, closed, tells=["calls.callsession"])
timelines.teach(
    {
        "call": ("call", "info"),
        "breach": ("call", "bad"),
        "closed": ("phone_disabled", "bad"),
        "opened": ("lock_open", "good"),
    }
)
for label in ("crm.contact", "crm.project", "crm.projectcontact"):
    add_section(label, coming)
