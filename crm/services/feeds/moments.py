"""Days and moments, and which of 01/02/2014 is the month: the other cells of a column tell."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Final, Literal

from config.kernel.moments import is_kept
from crm.services.feeds.flags import flag
from crm.services.feeds.troubles import UnusableCell
from crm.services.normalization.dates import parse_date
from crm.services.normalization.refusals import Unusable

Order = Literal["month first", "day first", "both", ""]
VERIFIED: Final = frozenset({"verified", "valid", "confirmed", "deliverable"})
_NUMBERS: Final = re.compile(r"\D{0,6}(\d{1,2})([-/ ])(\d{1,2})\2(?:\d{4}|\d{2})(?!\d)", re.ASCII)


def order_of(cells: Iterable[str]) -> Order:
    """In which order the cells of one column write days, told by those that can be read in one way only."""
    found = {said for text in cells if (said := _tells(text.strip()))}
    if len(found) > 1:
        return "both"
    return next(iter(found), "")


def is_ambiguous(text: str) -> bool:
    """Whether day and month could change places, and it would be another day."""
    numbers = _NUMBERS.match(text)
    return numbers is not None and int(numbers[1]) != int(numbers[3]) and max(int(numbers[1]), int(numbers[3])) <= 12


def _tells(text: str) -> Order:
    numbers = _NUMBERS.match(text)
    if not numbers:
        return ""
    first, second = int(numbers[1]), int(numbers[3])
    if first > 12 >= second:
        return "day first"
    return "month first" if second > 12 >= first else ""


def moment(text: str, *, dayfirst: bool = False) -> datetime:
    """A moment in UTC; without an offset it is in UTC already, without a time it is the beginning of the day.

    :raises UnusableCell: it is none, or not within the years 1800 to 2199.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        try:
            instant = datetime.combine(parse_date(text, dayfirst=dayfirst), time())
        except Unusable as error:
            raise UnusableCell("unknown_moment", text) from error
    if not is_kept(instant):  # before it is moved to UTC: the first and the last year cannot be
        raise UnusableCell("year_out_of_range", text)
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def verification(text: str) -> datetime | bool | None:
    """The moment at which something was verified; True for a yes, None for whatever else is said."""
    try:
        return moment(text)
    except UnusableCell:
        try:
            return flag(text) or None
        except UnusableCell:
            return True if text.lower() in VERIFIED else None


def day(text: str, *, dayfirst: bool = False) -> date:
    return parse_date(text, dayfirst=dayfirst)


DAY_FIRST: Final[dict[Callable[..., date], Callable[[str], date]]] = {
    day: partial(day, dayfirst=True),
    moment: partial(moment, dayfirst=True),
}
