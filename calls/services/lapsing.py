"""Rows of law that nobody has looked up for long: while there is time to do so, and after."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from calls.rules import opening
from crm.models import User

AHEAD = timedelta(days=60)  # finding, reading and comparing forty laws is a week of somebody's evenings


@dataclass(frozen=True, slots=True)
class Lapse:
    """Current rows of calling hours: ``over`` have lapsed, ``ahead`` will between ``first`` and ``last``."""

    over: int
    ahead: int
    first: date | None
    last: date | None


def lapsing(*, user: User, at: datetime) -> Lapse | None:
    """Return what lapses within 60 days after ``at``; None if nothing does, or ``user`` may not verify it."""
    if not user.has_perm("calls.change_callinghours"):
        return None
    today = at.date()
    rows = opening.book().table.unverified(today + AHEAD)
    days = [row.expires_on for row in rows if row.effective_to is None or row.effective_to >= today]
    to_come = [day for day in days if day > today]
    if not days:
        return None
    return Lapse(len(days) - len(to_come), len(to_come), min(to_come, default=None), max(to_come, default=None))
