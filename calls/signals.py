"""News that telephone work sends upwards, ten seconds after nobody has taken it back."""

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


call_concluded = Signal()  # event: CallConcluded
