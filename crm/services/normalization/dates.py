"""Calendar days out of the ways sources write them.

A time of day is read over; a moment counts as the day it names in its own zone, an epoch as the day in UTC.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from config.kernel.moments import OUT_OF_RANGE, YEARS
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line, says_nothing

MAX_LENGTH: Final = 64  # characters
PIVOT: Final = 69  # two digits: 69 is 1969 and 68 is 2068, as in POSIX
CACHED: Final = 16_384

_TIME: Final = (
    r"(?:[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AP]\.?M\.?)?"  # 11:37, 11:37:16.000, 11:37 AM
    r"(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
)
_COMPACT: Final = re.compile(rf"(\d{{4}})()(\d{{2}})(\d{{2}}){_TIME}", re.ASCII | re.IGNORECASE)
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.ASCII | re.IGNORECASE)
_YEAR_LAST: Final = re.compile(rf"(\d{{1,2}})([-/. ])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}", re.ASCII | re.IGNORECASE)
_DAY_MONTH: Final = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th)?[-/. ,]+([a-z]+)\.?[-/ ,]+(\d{{4}}){_TIME}", re.ASCII | re.IGNORECASE
)
_MONTH_DAY: Final = re.compile(
    rf"([a-z]+)\.?[-/ ,]+(\d{{1,2}})(?:st|nd|rd|th)?[-/ ,]+(\d{{4}}){_TIME}", re.ASCII | re.IGNORECASE
)
_WEEKDAY: Final = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(\d+)(?:\.\d+)?", re.ASCII)
_ZERO: Final = re.compile(r"[0/.: -]*0[0/.: -]*")

_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_EXCEL_EPOCH: Final = date(1899, 12, 30)  # serial 60 is a 29 February 1900 that never was; later ones are right
_EXCEL_SERIALS: Final = range(61, 109_575)  # March 1900 to the end of 2199


class UnusableDate(Unusable):
    advice = MappingProxyType(
        {
            "empty": "There is no date. Add one, or leave the field out.",
            "excel_serial": "This may be a spreadsheet's day number (41640 is 2014-01-01) or any other number. "
            "Format the column as a date in the original file, or say that the column holds day numbers.",
            "excel_mangled": "The column was too narrow and the spreadsheet wrote ##### or a figure like 1.69475E+12. "
            "Widen it or format it as a date in the original file and export it again.",
            "no_such_day": "There is no such day in the calendar. Check day and month; 2014-12-31 cannot be misread.",
            "out_of_range": OUT_OF_RANGE,
            "unknown_format": "This is not a date in a known notation. Write it as 2014-12-31 or 12/31/2014.",
        }
    )


def parse_date(raw: str, *, dayfirst: bool = False, excel: bool = False) -> date:
    """Read a calendar day, with or without a time of day behind it.

    Understands 2014-12-31, 20141231, 12/31/2014, 12-31-14, 31.12.2014, Dec-31-2014, December 31, 2014, 31 Dec 2014, and
    epochs in seconds or milliseconds. Of 01/02/2014 the first is the month unless ``dayfirst``; with dots the day comes
    first; where only one reading exists (13/02/2014) it is taken. Day numbers of spreadsheets are read only if
    ``excel`` says that the column holds them. The ISO form of the result reads back as itself.

    :raises UnusableDate: ``raw`` is no such day; its ``reason`` is a key of ``UnusableDate.advice``.
    """
    outcome = _read(raw, dayfirst, excel) if len(raw) <= MAX_LENGTH else "unknown_format"
    if isinstance(outcome, str):
        raise UnusableDate(outcome, raw)
    return outcome


@lru_cache(maxsize=CACHED)
def _read(raw: str, dayfirst: bool, excel: bool) -> date | str:
    text = _WEEKDAY.sub("", one_line(raw).lstrip("'"), count=1)
    if says_nothing(text) or _ZERO.fullmatch(text):
        return "empty"
    if not text.strip("#") or re.fullmatch(r"\d[.,]\d+e\+?\d+", text, re.IGNORECASE):
        return "excel_mangled"
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _day(int(found[1]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(text):
        return _either_way(int(found[1]), int(found[3]), _year(found[4]), dayfirst=dayfirst or found[2] == ".")
    if found := _DAY_MONTH.fullmatch(text):
        return _day(int(found[3]), _month(found[2]), int(found[1]))
    if found := _MONTH_DAY.fullmatch(text):
        return _day(int(found[3]), _month(found[1]), int(found[2]))
    if found := _NUMBER.fullmatch(text):
        return _counted(found[1], excel=excel)
    return "unknown_format"


def _either_way(one: int, other: int, year: int, *, dayfirst: bool) -> date | str:
    day, month = (one, other) if dayfirst else (other, one)
    if month > 12 and day <= 12:
        day, month = month, day
    return _day(year, month, day)


def _day(year: int, month: int, day: int) -> date | str:
    if month < 0:
        return "unknown_format"
    if year not in YEARS:
        return "out_of_range"
    try:
        return date(year, month, day)
    except ValueError:
        return "no_such_day"


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= PIVOT else 2000)


def _month(word: str) -> int:
    """Return the month whose name begins with ``word`` (at least three letters; "sept" too), or -1."""
    named = (at for at, month in enumerate(_MONTHS, start=1) if len(word) >= 3 and month.startswith(word.lower()))
    return next(named, -1)


def _counted(digits: str, *, excel: bool) -> date | str:
    """Read a plain number: seconds or milliseconds since 1970, or a spreadsheet's day number."""
    number = int(digits)
    if len(digits) in {9, 10, 12, 13}:
        moment = datetime.fromtimestamp(number if len(digits) <= 10 else number // 1000, tz=UTC)
        return _day(moment.year, moment.month, moment.day)
    if number not in _EXCEL_SERIALS:
        return "unknown_format"
    return _EXCEL_EPOCH + timedelta(days=number) if excel else "excel_serial"
