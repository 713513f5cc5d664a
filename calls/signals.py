"""News that telephone work sends upwards; outcomes only ten seconds later, when nobody has taken them back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class CallConcluded:
    """A call has an outcome, or another one than was told before, or none any more: then ``disposition_id`` is None.

    Sent at least once; ``event_id`` tells repeats.
    """

    event_id: UUID
    session_id: UUID
    contact_id: UUID
    project_id: UUID | None
    disposition_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ClosedDown:
    """Somebody, some line or a whole project is not called any more. Sent inside the transaction that closes it."""

    session_id: UUID
    contact_id: UUID | None
    project_id: UUID | None
    pair_id: UUID | None
    endpoint_id: UUID | None
    at: datetime


call_concluded = Signal()  # event: CallConcluded
closed_down = Signal()  # event: ClosedDown
