"""Days on which some states forbid sales calls, computed for any year, so that no year is ever missing.

Sources, public copies read on 2026-11-20: Ala. Code 1-3-8; La. R.S. 1:55; Miss. Code 3-3-7; R.I. Gen. Laws 25-1-1 and
5-61-2; Utah Code 63G-1-301 as of 2026-05-06; for Pennsylvania summaries of Act 73 of 2019. Not read again:
5 U.S.C. 6103 and Neb. Rev. Stat. 62-301.

Where sources disagree the day counts as a holiday: every state has the federal days too, a holiday of single counties
is one of the whole state, and both the day itself and the days on which it is observed are closed. What a governor
proclaims cannot be computed: such days belong into ``closed_on`` of the state's row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final

Day = Callable[[int], date]
JANUARY, FEBRUARY, APRIL, MAY, JUNE, JULY, AUGUST = 1, 2, 4, 5, 6, 7, 8
SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = 9, 10, 11, 12
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)
LAST: Final = -1


@dataclass(frozen=True, slots=True)
class Holiday:
    """One holiday. ``moves``: observed on another day when it falls on a weekend. ``every``: only in years that can be
    divided by it."""

    name: str
    on: Day
    moves: bool = False
    every: int = 1


def fixed(month: int, day: int) -> Day:
    return lambda year: date(year, month, day)


def nth(which: int, weekday: int, month: int, plus: int = 0) -> Day:
    """Return the ``which``-th ``weekday`` of a month, or the last, ``plus`` days."""

    def of(year: int) -> date:
        if which == LAST:
            end = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
            return end - timedelta(days=(end.weekday() - weekday) % 7 - plus)
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1) + plus)

    return of


def easter(year: int) -> date:
    """Return Easter Sunday by the anonymous Gregorian computus (Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return date(year, month, day + 1)


def from_easter(days: int) -> Day:
    return lambda year: easter(year) + timedelta(days=days)


def utah_juneteenth(year: int) -> date:
    """Return the Monday before June 19, from Saturday on the Monday after it; a Monday stays."""
    day = date(year, JUNE, 19)
    return day + timedelta(days=7 - day.weekday() if day.weekday() >= SATURDAY else -day.weekday())


FEDERAL: Final = (
    Holiday("New Year's Day", fixed(JANUARY, 1), moves=True),
    Holiday("Martin Luther King Jr. Day", nth(3, MONDAY, JANUARY)),
    Holiday("Washington's Birthday", nth(3, MONDAY, FEBRUARY)),
    Holiday("Memorial Day", nth(LAST, MONDAY, MAY)),
    Holiday("Juneteenth", fixed(JUNE, 19), moves=True),
    Holiday("Independence Day", fixed(JULY, 4), moves=True),
    Holiday("Labor Day", nth(1, MONDAY, SEPTEMBER)),
    Holiday("Columbus Day", nth(2, MONDAY, OCTOBER)),
    Holiday("Veterans Day", fixed(NOVEMBER, 11), moves=True),
    Holiday("Thanksgiving Day", nth(4, THURSDAY, NOVEMBER)),
    Holiday("Christmas Day", fixed(DECEMBER, 25), moves=True),
)
MARDI_GRAS: Final = Holiday("Mardi Gras", from_easter(-47))
GOOD_FRIDAY: Final = Holiday("Good Friday", from_easter(-2))
DAY_AFTER_THANKSGIVING: Final = Holiday("Day after Thanksgiving", nth(4, THURSDAY, NOVEMBER, plus=1))
ELECTION_DAY: Final = nth(1, MONDAY, NOVEMBER, plus=1)

OF_STATES: Final = MappingProxyType(
    {
        "US-AL": (
            MARDI_GRAS,
            Holiday("Confederate Memorial Day", nth(4, MONDAY, APRIL)),
            Holiday("Jefferson Davis' Birthday", nth(1, MONDAY, JUNE)),
            Holiday("Rosa L. Parks Day", fixed(DECEMBER, 1)),
        ),
        "US-LA": (
            Holiday("Battle of New Orleans", fixed(JANUARY, 8)),
            Holiday("Inauguration Day", nth(2, MONDAY, JANUARY), every=4),
            MARDI_GRAS,
            GOOD_FRIDAY,
            Holiday("Juneteenth (third Saturday)", nth(3, SATURDAY, JUNE)),
            Holiday("Huey P. Long Day", fixed(AUGUST, 30)),
            Holiday("All Saints' Day", fixed(NOVEMBER, 1), moves=True),
            Holiday("Election Day", ELECTION_DAY, every=2),
            DAY_AFTER_THANKSGIVING,
        ),
        "US-MS": (
            MARDI_GRAS,
            Holiday("Confederate Memorial Day", nth(LAST, MONDAY, APRIL)),
        ),
        "US-NE": (
            Holiday("Arbor Day", nth(LAST, FRIDAY, APRIL)),
            DAY_AFTER_THANKSGIVING,
        ),
        "US-PA": (
            GOOD_FRIDAY,
            Holiday("Flag Day", fixed(JUNE, 14), moves=True),
            Holiday("Election Day", ELECTION_DAY),
        ),
        "US-RI": (
            Holiday("Rhode Island Independence Day", fixed(MAY, 4), moves=True),
            Holiday("Victory Day", nth(2, MONDAY, AUGUST)),
            Holiday("Election Day", ELECTION_DAY, every=2),
        ),
        "US-UT": (
            GOOD_FRIDAY,
            Holiday("Easter Sunday", easter),
            Holiday("Juneteenth (observed)", utah_juneteenth),
            Holiday("Pioneer Day", fixed(JULY, 24), moves=True),
        ),
    }
)
ANYWHERE: Final = "any"  # every day that is a holiday somewhere below
CALENDARS: Final = MappingProxyType(
    {"US": FEDERAL}
    | {state: (*FEDERAL, *own) for state, own in OF_STATES.items()}
    | {ANYWHERE: (*FEDERAL, *(holiday for own in OF_STATES.values() for holiday in own))}
)
_FRIDAY_BEFORE, _MONDAY_AFTER = timedelta(days=-1), timedelta(days=2)
_LATE_ON_SATURDAYS: Final = frozenset({"US-MS", "US-RI", ANYWHERE})  # observe what falls on a Saturday on Monday


@lru_cache(maxsize=256)
def holidays(calendar: str, year: int) -> Mapping[date, str]:
    """Return the holidays of that year with their names; New Year's Day may be observed on December 31.

    :raises KeyError: there is no such calendar.
    """
    found: dict[date, str] = {}
    for each in (year - 1, year, year + 1):
        for holiday in CALENDARS[calendar]:
            if each % holiday.every == 0:
                _note(found, holiday, holiday.on(each), late=calendar in _LATE_ON_SATURDAYS)
    return MappingProxyType({day: name for day, name in sorted(found.items()) if day.year == year})


def holiday_on(calendar: str, day: date) -> str:
    """Return the name of the holiday on ``day``, or ""."""
    return holidays(calendar, day.year).get(day, "")


def _note(found: dict[date, str], holiday: Holiday, day: date, *, late: bool) -> None:
    observed = []
    if holiday.moves and day.weekday() == SUNDAY:
        observed = [day + timedelta(days=1)]
    if holiday.moves and day.weekday() == SATURDAY:
        observed = [day + _FRIDAY_BEFORE, *([day + _MONDAY_AFTER] if late else [])]
    found.setdefault(day, holiday.name)
    for other in observed:
        found.setdefault(other, f"{holiday.name} (observed)")
