"""A recorded call is a fact: it is never refused by the gate, and a breach is kept and shown (DESIGN 18)."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from calls.choices import CallSource, Direction, EventKind
from calls.models import CallEvent, CallSession, Disposition
from calls.services import deciding, dialing, outcomes, status
from calls.services.terminal import ToldDifferently
from config.kernel.errors import DomainError
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from crm.models import Contact, ContactPoint, Project, ProjectContact, User

ENDINGS = frozenset({EventKind.BUSY, EventKind.FAILED, EventKind.VOICEMAIL, EventKind.COMPLETED})
SKEW = timedelta(minutes=5)  # how far another machine's clock may run ahead of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A call as somebody outside tells it. Times are aware, ``duration`` is in seconds."""

    call_session_id: str
    contact: Contact
    initiated_at: datetime
    project: Project | None = None
    rep: User | None = None
    point: ContactPoint | None = None
    number: str = ""
    direction: str = Direction.OUTBOUND.value
    source: str = CallSource.API.value
    status: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    recording_url: str = ""
    disposition: Disposition | None = None
    callback_at: datetime | None = None
    notes: str = ""

    def facts(self) -> dict[str, Any]:
        """The told body as JSON: what a second telling is compared with."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def _plain(value: Any) -> Any:
    if hasattr(value, "pk"):
        return str(value.pk)
    return value.isoformat() if isinstance(value, datetime) else value


@atomic_with_retries
def record(*, told: Told, by: User | None, at: datetime) -> tuple[CallSession, bool]:
    """Store a call that was made elsewhere, and say whether it is new. The same call again changes nothing.

    An outbound call counts in every cap and cooldown from ``initiated_at``. Rules that stood against it are kept in
    ``outside_gate``. A disposition has the same effects as one from the call desk.

    :raises ToldDifferently: the id is known with another body; ``details`` name the fields that differ.
    :raises DomainError: the call lies in the future, or ends before it begins.
    """
    if known := CallSession.objects.filter(call_session_id=told.call_session_id).first():
        return _same(known, told), False
    _require_sense(told, at)
    point = told.point or _point_of(told)
    endpoints = [point.endpoint_id] if point and point.endpoint_id else []
    deciding.lock(contact_id=told.contact.pk, endpoint_ids=endpoints)
    pair = ProjectContact.objects.filter(project=told.project, contact=told.contact).first() if told.project else None
    try:
        with transaction.atomic():
            session = CallSession.objects.create(
                call_session_id=told.call_session_id,
                pair=pair,
                contact=told.contact,
                project=told.project,
                rep=told.rep,
                point=point,
                endpoint_id=point.endpoint_id if point else None,
                number=told.number or (str(point) if point else ""),
                direction=told.direction,
                initiated_at=told.initiated_at,
                source=told.source,
                outside_gate=_breaches(told, pair, point),
            )
    except IntegrityError:  # told twice at the same moment: the other one was first
        return _same(CallSession.objects.get(call_session_id=told.call_session_id), told), False
    dialing.begun(session, facts={"told": told.facts()})
    _tell_the_rest(session, told, by=by, at=at)
    return session, True


def _require_sense(told: Told, at: datetime) -> None:
    if told.initiated_at > at + SKEW:
        raise DomainError("A call cannot be recorded before it is made.", details={"initiated_at": "Lies ahead."})
    for name in ("answered_at", "ended_at"):
        moment = getattr(told, name)
        if moment and moment < told.initiated_at:
            raise DomainError("The call ends before it begins.", details={name: "Is before initiated_at."})
    if told.point and told.point.contact_id != told.contact.pk:
        raise DomainError("The number is another person's.", details={"contact_point": "Not of this contact."})


def _point_of(told: Told) -> ContactPoint | None:
    """Find the point that was dialed: by the number told, else nothing is assumed."""
    points = deciding.points_of([told.contact.pk])[told.contact.pk]
    digits = "".join(char for char in told.number if char.isdigit())
    return next((point for point in points if digits and point.endpoint and digits in point.endpoint.value), None)


def _breaches(told: Told, pair: ProjectContact | None, point: ContactPoint | None) -> list[str]:
    """Which rules stood against the call when it was made; what happened after it does not count against it."""
    if told.direction == Direction.INBOUND:
        return []
    approach = deciding.approach_of(pair=pair, contact_id=told.contact.pk, point=point)
    user_id = told.rep.pk if told.rep else None
    return deciding.judge([approach], user_id=user_id, at=told.initiated_at, past=True)[0].codes


def _same(known: CallSession, told: Told) -> CallSession:
    first = known.events.filter(kind=EventKind.INITIATED).in_order().first()
    stored = (first.facts.get("told") if first else None) or {}
    differing = [name for name, value in told.facts().items() if stored.get(name) != value]
    if differing:
        details = {name: f"Stored: {stored.get(name)!r}." for name in differing}
        raise ToldDifferently(f"Call {known.call_session_id} is known with other facts.", details=details)
    return known


def _tell_the_rest(session: CallSession, told: Told, *, by: User | None, at: datetime) -> None:
    moments: list[tuple[EventKind, datetime | None, dict[str, Any]]] = [(EventKind.ANSWERED, told.answered_at, {})]
    length = {"duration": told.duration} if told.duration is not None else {}
    if told.status in ENDINGS or told.ended_at or length:
        over = EventKind(told.status) if told.status in ENDINGS else EventKind.COMPLETED
        moments.append((over, told.ended_at or told.answered_at or told.initiated_at, length))
    if told.recording_url:
        moments.append((EventKind.RECORDING, told.ended_at or at, {"recording_url": told.recording_url}))
    for kind, moment, facts in moments:
        if moment:
            CallEvent.objects.create(session=session, kind=kind, at=moment, by=told.rep, facts=facts)
    if told.disposition:
        outcomes.conclude(
            session=session,
            disposition=told.disposition,
            by=told.rep or by,
            at=max(at, told.initiated_at),
            note=told.notes,
            callback_at=told.callback_at,
        )
    elif told.notes:
        outcomes.add_note(session=session, text=told.notes, by=told.rep or by, at=at)
    status.rebuild(session)


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

    :raises DomainError: outcomes and corrections have services of their own.
    """
    if kind in {EventKind.OUTCOME, EventKind.CORRECTION, EventKind.INITIATED}:
        raise DomainError("This kind of event cannot be added by hand.", details={"kind": "Use outcome or correct."})
    if kind in dialing.PROVES:
        dialing.hold(session)
    CallSession.objects.select_for_update(no_key=True).get(pk=session.pk)
    if external_id and (known := session.events.filter(external_id=external_id).first()):
        return known
    event = CallEvent.objects.create(
        session=session, kind=kind, at=at, by=by, facts=facts or {}, external_id=external_id
    )
    status.rebuild(session)
    if kind in dialing.PROVES:
        dialing.proved(session)
    tell(f"rep.{session.rep_id}", "call_changed", session=str(session.pk))
    return event
