"""The one projection: what the events of a call amount to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from calls.choices import OVER, RANK, EventKind, Status
from calls.models import CallEvent, CallSession, CallStatus
from config.kernel import kept, prepared

TELLS = {
    EventKind.INITIATED: Status.INITIATED,
    EventKind.RINGING: Status.RINGING,
    EventKind.ANSWERED: Status.ANSWERED,
    EventKind.BUSY: Status.BUSY,
    EventKind.FAILED: Status.FAILED,
    EventKind.VOICEMAIL: Status.VOICEMAIL,
    EventKind.COMPLETED: Status.COMPLETED,
}

NO_MOMENT = "no_moment"  # in the facts of an event of which nobody told when it happened


@dataclass(frozen=True, slots=True)
class Now:
    """Where a call stands; ``duration`` is in seconds, from the answer to the end."""

    status: str
    answered_at: datetime | None
    ended_at: datetime | None
    duration: int | None
    recording_url: str
    disposition_id: object | None
    outcome_at: datetime | None
    notes: str


def amount_to(events: Iterable[CallEvent]) -> Now:
    """Fold events into the state of the call. Order of arrival does not matter: they are put in order of their time.

    The status is the furthest that any event tells of. The outcome is the newest one that no correction replaced. A
    duration that somebody told beats the one that follows from the times. The note of an outcome that was taken back
    went with it; one that was corrected stays.
    """
    ordered = sorted(events, key=lambda event: (event.at, event.pk))
    corrected = {event.corrects_id for event in ordered if event.corrects_id}
    told = [TELLS[EventKind(event.kind)] for event in ordered if event.kind in TELLS]
    answers = [event for event in ordered if event.kind == EventKind.ANSWERED]
    answered = [event.at for event in answers if not event.facts.get(NO_MOMENT)]
    ended = [event.at for event in ordered if event.kind in TELLS and TELLS[EventKind(event.kind)] in OVER]
    taken_back = {event.corrects_id for event in ordered if event.corrects_id and not event.disposition_id}
    outcomes = [event for event in ordered if event.disposition_id and event.pk not in corrected]
    outcome = outcomes[-1] if outcomes else None
    answered_at, ended_at = (answered[0] if answered else None), (ended[-1] if ended else None)
    return Now(
        status=max(told, key=RANK.__getitem__, default=Status.INITIATED),
        answered_at=answered_at,
        ended_at=ended_at,
        duration=_duration(ordered, answered_at, ended_at),
        recording_url=_last(ordered, "recording_url"),
        disposition_id=outcome.disposition_id if outcome else None,
        outcome_at=outcome.at if outcome else None,
        notes="\n".join(
            str(event.facts["note"]) for event in ordered if event.facts.get("note") and event.pk not in taken_back
        ),
    )


def _duration(events: list[CallEvent], answered_at: datetime | None, ended_at: datetime | None) -> int | None:
    told = [event.facts["duration"] for event in events if isinstance(event.facts.get("duration"), int)]
    if told:
        return int(told[-1])
    if answered_at and ended_at:
        return max(0, (ended_at - answered_at) // timedelta(seconds=1))
    return None


def _last(events: list[CallEvent], fact: str) -> str:
    return next((str(event.facts[fact]) for event in reversed(events) if event.facts.get(fact)), "")


@transaction.atomic(savepoint=False)
def rebuild(session: CallSession, *, held: bool = False) -> list[CallEvent]:
    """Write what the events of ``session`` amount to into its status, and return them.

    The session is locked before its events are read: of two that add news at once, the second one sees both. Whoever
    has locked it already says ``held``.
    """
    if not held:
        hold(session)
    events = _events(session=session.pk)
    CallStatus.objects.bulk_create(
        [shown(session, events)], update_conflicts=True, unique_fields=["session"], update_fields=_FIELDS
    )
    return events


def hold(session: CallSession) -> None:
    """Lock a session: after its contact and its number (DESIGN 13)."""
    prepared.rows("SELECT 1 FROM calls_callsession WHERE id = %(key)s FOR NO KEY UPDATE", {"key": session.pk})


def shown(session: CallSession, events: Iterable[CallEvent]) -> CallStatus:
    """Return the status that a session has by its ``events``; it is not written."""
    now = amount_to(events)
    return CallStatus(
        session=session,
        rep_id=session.rep_id,
        direction=session.direction,
        initiated_at=session.initiated_at,
        **{name: getattr(now, name) for name in Now.__slots__},
    )


_FIELDS = ["rep", "direction", "initiated_at", *(name.removesuffix("_id") for name in Now.__slots__)]


@kept.question
def _events(session: UUID) -> QuerySet[CallEvent]:
    return CallEvent.objects.filter(session=session)
