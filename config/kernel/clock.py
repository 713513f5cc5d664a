"""The one clock. Nothing else in Clearline asks the system what time it is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_moment: ContextVar[datetime | None] = ContextVar("clearline_moment", default=None)


def now() -> datetime:
    """Return the current moment in UTC, or the moment a test or a simulation has set."""
    return _moment.get() or datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that never run backwards, for deadlines and durations."""
    return time.monotonic()


@contextmanager
def standing_at(moment: datetime) -> Iterator[None]:
    """Let the clock stand at ``moment`` (aware) inside the block, in this thread or task only."""
    if moment.tzinfo is None:
        raise ValueError("The clock needs an aware moment.")
    token = _moment.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _moment.reset(token)
