"""The one clock. Nothing else in Clearline asks the system what time it is.

Machines differ, and one that is corrected may jump; leases and caps of one would be wrong for the others. So a process
that has asked the database goes by the database's time from then on, see ``config.kernel.database_clock``.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pace:
    """Simulated time: ``moment`` when the system's clock says ``second``, and ``speed`` seconds in each of its own."""

    moment: datetime
    second: float
    speed: float = 1.0

    @classmethod
    def read(cls, words: str) -> "Pace":
        """Return what "2026-06-16T18:00:00+00:00 1781632800 20" says: moment, second and speed.

        :raises ValueError: it is none of that, the moment has no zone, or time would stand still or run backwards.
        """
        moment, second, speed = words.split()
        pace = cls(datetime.fromisoformat(moment), float(second), float(speed))
        if pace.moment.tzinfo is None or not pace.speed > 0:
            raise ValueError("A moment with its zone, and a speed of more than nothing.")
        return pace

    def now(self) -> datetime:
        return self.moment.astimezone(UTC) + timedelta(seconds=(time.time() - self.second) * self.speed)


@dataclass(frozen=True, slots=True)
class Followed:
    """Another clock: it said ``moment`` when this machine's ticks said ``tick``."""

    moment: datetime
    tick: float

    def now(self) -> datetime:
        return self.moment + timedelta(seconds=ticks() - self.tick)


def ticks() -> float:
    """Return seconds that go on while a machine sleeps, and do not jump when somebody corrects its clock."""
    return time.clock_gettime(_TICKING) if _TICKING is not None else time.time()


_TICKING: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux has it
_followed: Followed | None = None
_pace: Pace | None = None
_moment: ContextVar[datetime | None] = ContextVar("clearline_moment", default=None)


def now() -> datetime:
    """Return the current moment in UTC, or the moment a test or a simulation has set."""
    if moment := _moment.get():
        return moment
    if going := _pace or _followed:
        return going.now()
    return datetime.now(UTC)


def follow(other: Followed | None) -> timedelta:
    """Go by another clock from now on, or by this machine's where that is None; return how far it is ahead of ours."""
    global _followed
    _followed = other
    return other.now() - datetime.now(UTC) if other else timedelta()


def keep(pace: Pace | None) -> None:
    """Let the clock of this process go at ``pace`` from now on, or as the system's where that is None.

    For tests and simulations alone: SIMULATED_CLOCK is refused everywhere else (config.checks).
    """
    global _pace
    _pace = pace


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
