"""A recorded call is a fact: it is never refused by the gate, and a breach is kept and shown (DESIGN 18)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from calls.choices import Direction, EventKind, Status
from calls.models import CallEvent, CallSession
from calls.services import deciding, dialing, outcomes, status, telling
from calls.services.telling import WARNINGS
from calls.services.telling import Told as Told
from calls.services.terminal import ToldDifferently
from config.kernel.errors import DomainError
from config.kernel.moments import require_kept
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from crm.choices import EndpointKind
from crm.models import ContactPoint, Endpoint, ProjectContact, User
from crm.services.lines import line_for
from crm.services.profiles import refresh_profiles

ENDINGS = frozenset({EventKind.BUSY, EventKind.FAILED, EventKind.VOICEMAIL, EventKind.COMPLETED})


@atomic_with_retries
def record(*, told: Told, by: User | None, at: datetime) -> tuple[CallSession, bool]:
    """Store a call that was made elsewhere, and say whether it is new. The same call again changes nothing.

    An outbound call counts in every cap and cooldown from ``initiated_at``, for the person and for the number, also for
    one that is not theirs. Rules that stood against it are kept in ``outside_gate``. A disposition has the effects that
    it has at the call desk, counted from the end of the call; it never decides whether the call is stored. What has no
    effect is in ``warnings_of``.

    :raises ToldDifferently: the id is known with another body; ``details`` name the fields that differ.
    :raises DomainError: such a call cannot have been made, see ``telling.require_sense``.
    """
    if known := CallSession.objects.filter(call_session_id=told.call_session_id).first():
        return _same(known, told), False
    telling.require_sense(told, at)
    deciding.lock(contact_id=told.contact.pk, endpoint_ids=[])
    point, line = _line_of(told)
    deciding.lock_lines([line.pk] if line else [])
    pair = ProjectContact.objects.filter(project=told.project, contact=told.contact).first() if told.project else None
    found = telling.warnings(told, pair, at)
    try:
        with transaction.atomic():
            session = CallSession.objects.create(
                call_session_id=told.call_session_id,
                pair=pair,
                contact=told.contact,
                project=told.project,
                rep=told.rep,
                point=point,
                endpoint=line,
                number=told.number or (str(point) if point else ""),
                direction=told.direction,
                initiated_at=told.initiated_at,
                source=told.source,
                outside_gate=_breaches(told, pair, line),
            )
    except IntegrityError:  # told twice at the same moment: the other one was first
        return _same(CallSession.objects.get(call_session_id=told.call_session_id), told), False
    dialing.begun(session, facts={"told": told.facts(), **({WARNINGS: found} if found else {})})
    _tell_the_rest(session, replace(told, callback_at=telling.callback_of(told, found)), by=by, at=at)
    return session, True


def warnings_of(session: CallSession) -> dict[str, str]:
    """Return by field what was told of a recorded call and has no effect."""
    first = session.events.filter(kind=EventKind.INITIATED).in_order().first()
    found: dict[str, str] = (first.facts.get(WARNINGS) if first else None) or {}
    return found


def _line_of(told: Told) -> tuple[ContactPoint | None, Endpoint | None]:
    """Return the point that was called, if it is one of theirs, and the line, made where nobody knew it.

    A number that cannot be read is no line.
    """
    if told.point:
        return told.point, told.point.endpoint
    phone = telling.phone_of(told.number)
    if phone is None:
        return None, None
    for point in deciding.points_of([told.contact.pk])[told.contact.pk]:
        if point.endpoint and point.endpoint.value == phone.e164:
            return point, point.endpoint
    line = line_for(EndpointKind.PHONE, phone.e164, phone.line_type)
    if line and line.hours_profile_id is None:
        refresh_profiles(endpoint_ids={line.pk})
    return None, line


def _breaches(told: Told, pair: ProjectContact | None, line: Endpoint | None) -> list[str]:
    """Which rules stood against the call when it was made; what happened after it does not count against it."""
    if told.direction == Direction.INBOUND:
        return []
    approach = replace(
        deciding.approach_of(pair=pair, contact_id=told.contact.pk, point=None), endpoint_id=line.pk if line else None
    )
    user_id = told.rep.pk if told.rep else None
    return deciding.judge([approach], user_id=user_id, at=told.initiated_at, past=True)[0].codes


def _same(known: CallSession, told: Told) -> CallSession:
    if details := telling.differing(known, told):
        raise ToldDifferently(f"Call {known.call_session_id} is known with other facts.", details=details)
    return known


def _tell_the_rest(session: CallSession, told: Told, *, by: User | None, at: datetime) -> None:
    for kind, moment, facts in _moments(told):
        CallEvent.objects.create(session=session, kind=kind, at=moment, by=told.rep, facts=facts)
    if told.disposition:
        outcomes.conclude(
            session=session,
            disposition=told.disposition,
            by=told.rep or by,
            at=max(at, told.initiated_at),
            note=told.notes,
            callback_at=told.callback_at,
            since=told.end,
        )
    elif told.notes:
        outcomes.add_note(session=session, text=told.notes, by=told.rep or by, at=at)
    status.rebuild(session)


def _moments(told: Told) -> list[tuple[EventKind, datetime, dict[str, Any]]]:
    """What happened in the call, as far as is told. That it was answered is kept also where nobody says when."""
    found: list[tuple[EventKind, datetime, dict[str, Any]]] = []
    if told.status == Status.RINGING:
        found.append((EventKind.RINGING, told.initiated_at, {}))
    if told.answered_at or told.status == Status.ANSWERED:
        unknown = {} if told.answered_at else {status.NO_MOMENT: True}
        found.append((EventKind.ANSWERED, told.answered_at or told.initiated_at, unknown))
    length = {"duration": told.duration} if told.duration is not None else {}
    if told.status in ENDINGS or told.ended_at or length:
        over = EventKind(told.status) if told.status in ENDINGS else EventKind.COMPLETED
        found.append((over, told.end, length))
    if told.recording_url:
        found.append((EventKind.RECORDING, told.end, {"recording_url": told.recording_url}))
    return found


@atomic_with_retries
def add_event(
    *,
    session: CallSession,
    kind: EventKind,
    at: datetime,
    by: User | None = None,
    facts: dict[str, Any] | None = None,
    external_id: str | None = None,
) -> CallEvent:
    """Add what happened in a call; the same ``external_id`` again returns the stored event.

    News that only a call that began can tell makes it count again, where it was said never to have begun.

    :raises DomainError: outcomes and corrections have services of their own; or the news makes no sense, see
        ``telling.require_news``.
    :raises YearOutOfRange: ``at`` is of a year that is not kept.
    """
    if kind in {EventKind.OUTCOME, EventKind.CORRECTION, EventKind.INITIATED}:
        raise DomainError("This kind of event cannot be added by hand.", details={"kind": "Use outcome or correct."})
    require_kept(at=at)
    telling.require_news(session, kind, at, facts or {})
    if kind in dialing.PROVES:
        dialing.hold(session)
    status.hold(session)
    if external_id and (known := session.events.filter(external_id=external_id).first()):
        return known
    event = CallEvent.objects.create(
        session=session, kind=kind, at=at, by=by, facts=facts or {}, external_id=external_id
    )
    told = status.rebuild(session, held=True)
    if kind in dialing.PROVES and any(one.kind == EventKind.FAILED for one in told):
        dialing.proved(session)
    tell(f"rep.{session.rep_id}", "call_changed", session=str(session.pk))
    return event
