"""How fast people begin: in no 24 hours more of them than their campaign says, and spread over the day."""

from datetime import datetime, timedelta
from typing import Final

DAY: Final = timedelta(days=1)
SLACK: Final = timedelta(minutes=1)  # an engine that is late by no more lets begin whom it has missed


def apart(per_day: int) -> timedelta:
    """Return how far apart they begin. Longer by the slack, so that the last of a day are none too many."""
    return -(-(DAY + SLACK) // per_day)


def room(per_day: int, *, last: datetime | None, at: datetime) -> int:
    """Return how many may begin ``at`` then, if the ``last`` one took the moment ``last``."""
    first = _next(per_day, last, at)
    return (at - first) // apart(per_day) + 1 if first <= at else 0


def taken(per_day: int, number: int, *, last: datetime | None, at: datetime) -> datetime:
    """Return the moment that the last of ``number`` takes who begin ``at`` then; it is not later than that."""
    return _next(per_day, last, at) + (number - 1) * apart(per_day)


def _next(per_day: int, last: datetime | None, at: datetime) -> datetime:
    return max(last + apart(per_day), at - SLACK) if last else at
