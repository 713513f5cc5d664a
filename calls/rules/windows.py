"""Wall-clock windows as stretches of time: what "08:00 to 20:00 there" means in UTC, also when the clocks change."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

Window = tuple[int, int]  # minutes after local midnight, half-open; 1440 is the midnight at the end of the day
Stretch = tuple[datetime, datetime]  # half-open, UTC

WHOLE_DAY: Final = 24 * 60
_WINDOW: Final = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")
_PAD: Final = timedelta(days=2)  # no zone is further than 14 hours from UTC, and a margin is shorter than a day


def parse_window(text: str) -> Window | None:
    """Read "08:00-20:00"; "" is a day without any window, "00:00-24:00" a whole one.

    :raises ValueError: the text is no such window, or it ends before it begins.
    """
    if not text:
        return None
    found = _WINDOW.fullmatch(text)
    if not found:
        raise ValueError(f'{text!r} is no window. Write it like "08:00-20:00", or "" for a closed day.')
    opens, closes = (60 * int(found[hour]) + int(found[hour + 1]) for hour in (1, 3))
    if not opens < closes <= WHOLE_DAY:
        raise ValueError(f"{text!r} ends before it begins, or after 24:00.")
    return opens, closes


def window_text(window: Window | None) -> str:
    """Write a window as ``parse_window`` reads it."""
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in window) if window else ""


def common(windows: Iterable[Window | None]) -> Window | None:
    """Return the part of the day that all ``windows`` share; none at all share nothing."""
    each = list(windows)
    if not each or None in each:
        return None
    opens, closes = max(window[0] for window in each if window), min(window[1] for window in each if window)
    return (opens, closes) if opens < closes else None


def stretches(
    zone: ZoneInfo, window_on: Callable[[date], Window | None], *, since: datetime, until: datetime, margin: timedelta
) -> list[Stretch]:
    """Return the stretches from ``since`` to ``until`` (UTC) that lie in a window, in order; each ``margin`` short.

    An instant lies in a window when the clock on the wall there says so: an hour that a change of clocks repeats counts
    both times, one that it leaves out never comes. Windows that touch at midnight are one, without a margin between.
    """
    walls = _walls(window_on, since - _PAD, until + _PAD)
    found: list[Stretch] = []
    for begin, end, offset in _steady(zone, since - _PAD, until + _PAD):
        for opens, closes in walls:
            start, stop = max(begin, opens - offset), min(end, closes - offset)
            if start < stop:
                found.append((start, stop))
    clipped = ((max(start, since), min(stop - margin, until)) for start, stop in _merged(sorted(found)))
    return [(start, stop) for start, stop in clipped if start < stop]


def _walls(window_on: Callable[[date], Window | None], since: datetime, until: datetime) -> list[Stretch]:
    """Return the windows of every local day that may matter; wall time is written as if it were UTC."""
    days = (since.date() + timedelta(days=number) for number in range(-1, (until - since).days + 2))
    midnights = ((datetime(day.year, day.month, day.day, tzinfo=UTC), window_on(day)) for day in days)
    return [
        (midnight + timedelta(minutes=window[0]), midnight + timedelta(minutes=window[1]))
        for midnight, window in midnights
        if window
    ]


def _steady(zone: ZoneInfo, since: datetime, until: datetime) -> list[tuple[datetime, datetime, timedelta]]:
    """Cut the time from ``since`` to ``until`` where the zone changes its clocks; each piece with its offset.

    Looks once a day: no zone changes twice within one.
    """
    pieces, begin, offset, at = [], since, _offset(zone, since), since
    while at < until:
        after = min(at + timedelta(days=1), until)
        if (changed := _offset(zone, after)) != offset:
            change = _change(zone, at, after)
            pieces.append((begin, change, offset))
            begin, offset = change, changed
        at = after
    return [*pieces, (begin, until, offset)]


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first second with the offset of ``after``."""
    offset = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _merged(ordered: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for start, stop in ordered:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
