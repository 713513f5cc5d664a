"""What a disposition does to our rows, and how exactly that is undone.

``foresee`` writes down, in the event itself, which flags the outcome is about to change and what they were: a
compensation restores those and no others, and only where nothing that happened since supports them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from calls.choices import Scope, TerminalKind
from calls.models import CallEvent, CallSession, Disposition, TerminalSession
from calls.services import hints, terminal
from config.kernel import clock
from crm.choices import PointState, SuppressionReason
from crm.models import Contact, Endpoint, Project, ProjectContact
from crm.services import points, suppressing

SOURCE = "call outcome"


def foresee(
    session: CallSession, disposition: Disposition, *, callback_at: datetime | None, at: datetime
) -> dict[str, Any]:
    """Return what ``apply`` will change besides rows of its own, with the values before: JSON for the event."""
    made: dict[str, Any] = {}
    contact = Contact.objects.get(pk=session.contact_id)
    if disposition.do_not_call and not contact.do_not_call:
        made["do_not_call"] = True
    if disposition.wrong_person and session.point and session.point.state == PointState.GOOD:
        made["wrong_person"] = str(session.point_id)
    if session.pair_id:
        pair = ProjectContact.objects.get(pk=session.pair_id)
        wanted = callback_at if disposition.asks_callback else None
        if pair.callback_at != wanted and (wanted or _is_due(pair.callback_at, at)):
            made["callback"] = {"was": _text(pair.callback_at), "by": _text(pair.callback_by_id), "is": _text(wanted)}
    if disposition.project_waits_for and session.project_id:
        was = Project.objects.values_list("next_call_eligible_at", flat=True).get(pk=session.project_id)
        until = at + disposition.project_waits_for
        if was is None or was < until:
            made["project_waits"] = {"was": _text(was), "is": _text(until)}
    return made


def _is_due(callback_at: datetime | None, at: datetime) -> bool:
    return callback_at is not None and callback_at <= at


def _text(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else str(value) if value else None


def apply(
    event: CallEvent, session: CallSession, disposition: Disposition, *, callback_at: datetime | None, at: datetime
) -> None:
    """Let an outcome take effect. Everything it makes carries ``event`` as its cause."""
    made = event.facts["made"]
    if disposition.retry_after and session.pair:
        _close(event, Scope.PAIR, session.pair, at, until=at + disposition.retry_after, kind=TerminalKind.RETRY)
    if disposition.terminal_scope:
        _close_as_told(event, session, disposition, at)
    if disposition.do_not_call:
        Contact.objects.filter(pk=session.contact_id).update(do_not_call=True, updated_at=clock.now())
        _suppress(event, session.endpoint, at)
    if "wrong_person" in made and session.point:
        points.mark_wrong_person(point=session.point, at=at)
    if "callback" in made:
        _set_callback(session.pair_id, made["callback"]["is"], session.rep_id)
        if callback_at and session.pair:
            _close(event, Scope.PAIR, session.pair, at, until=callback_at, kind=TerminalKind.CALLBACK)
    if "project_waits" in made:
        _set_project(session.project_id, made["project_waits"]["is"])
        hints.refresh(at=at, project_ids=[session.project_id] if session.project_id else [])
    hints.refresh(at=at, contact_ids=[session.contact_id])


def _close(
    event: CallEvent,
    scope: Scope,
    subject: terminal.Subject,
    at: datetime,
    *,
    until: datetime | None,
    kind: TerminalKind,
) -> None:
    terminal.close(
        scope=scope, subject=subject, reason=str(event.disposition), at=at, by=event.by, until=until, kind=kind,
        cause=event,
    )  # fmt: skip


def _close_as_told(event: CallEvent, session: CallSession, disposition: Disposition, at: datetime) -> None:
    subject = {
        Scope.PROJECT: session.project,
        Scope.CONTACT: session.contact,
        Scope.PAIR: session.pair,
        Scope.ENDPOINT: session.endpoint,
    }[Scope(disposition.terminal_scope)]
    if subject is not None:  # a call without a project or a known number has nothing of that kind to close
        until = at + disposition.terminal_for if disposition.terminal_for else None
        _close(event, Scope(disposition.terminal_scope), subject, at, until=until, kind=TerminalKind.TERMINAL)


def _suppress(event: CallEvent, endpoint: Endpoint | None, at: datetime) -> None:
    if endpoint:
        words = str(event.facts.get("note", ""))
        suppressing.suppress(
            endpoint=endpoint, reason=SuppressionReason.ASKED, source=SOURCE, at=at, by=event.by, words=words,
            cause=event.pk,
        )  # fmt: skip


def _set_callback(pair_id: Any, moment: str | None, rep_id: Any) -> None:
    when = parse_datetime(moment) if moment else None
    ProjectContact.objects.filter(pk=pair_id).update(
        callback_at=when, callback_by=rep_id if when else None, updated_at=clock.now()
    )


def _set_project(project_id: Any, moment: str | None) -> None:
    when = parse_datetime(moment) if moment else None
    Project.objects.filter(pk=project_id).update(next_call_eligible_at=when, updated_at=clock.now())


def compensate(old: CallEvent, *, cause_id: UUID, at: datetime) -> None:
    """Undo exactly what ``old`` made: its terminal sessions and suppressions are lifted, its flags go back.

    What somebody else has set since, or another outcome supports as well, stays.
    """
    session, made = old.session, old.facts.get("made", {})
    by, reason = old.by, "The outcome was corrected."
    for standing in TerminalSession.objects.filter(cause=old, lifted_at=None).order_by("id"):
        terminal.lift(session=standing, reason=reason, by=by, at=at, cause_id=cause_id)
    suppressing.lift_cause(cause=old.pk, reason=reason, by=by, at=at)
    if made.get("do_not_call") and not _supported(old):
        Contact.objects.filter(pk=session.contact_id).exclude(edited__contains=["do_not_call"]).update(
            do_not_call=False, updated_at=clock.now()
        )
    if made.get("wrong_person") and session.point:
        points.mark_good(point=session.point, at=at)
    if (callback := made.get("callback")) and session.pair_id:
        now = ProjectContact.objects.values_list("callback_at", flat=True).get(pk=session.pair_id)
        if _text(now) == callback["is"]:
            _set_callback(session.pair_id, callback["was"], callback["by"])
    if (waits := made.get("project_waits")) and session.project_id:
        now = Project.objects.values_list("next_call_eligible_at", flat=True).get(pk=session.project_id)
        if _text(now) == waits["is"]:
            _set_project(session.project_id, waits["was"])
            hints.refresh(at=at, project_ids=[session.project_id])
    hints.refresh(at=at, contact_ids=[session.contact_id])


def _supported(old: CallEvent) -> bool:
    """Whether another standing outcome also says that this person is not to be called."""
    others = CallEvent.objects.filter(session__contact=old.session.contact_id, disposition__do_not_call=True)
    return others.filter(corrected_by=None).exclude(pk=old.pk).exists()
