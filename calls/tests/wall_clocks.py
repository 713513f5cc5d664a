"""Rows of law for tests, and the naive reading of them that the fast one is held against."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from calls.rules.hours import MARGIN, STRICT, HoursRow, HoursTable
from calls.rules.law import IS_A_CALL
from calls.rules.windows import parse_window
from calls.services.hours import shipped_rows
from crm.services.normalization.places import candidates_of
from crm.services.normalization.zones import zone

ROWS = shipped_rows()
TABLE = HoursTable(ROWS)
KEPT = HoursTable([replace(each, expires_on=date(2040, 1, 1)) for each in ROWS])  # somebody verifies them in time
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CLOSED, WHOLE, EIGHT_TO_EIGHT = "", "00:00-24:00", "08:00-20:00"


def row(jurisdiction="US", *, weekdays=EIGHT_TO_EIGHT, saturday=None, sunday=None, channels="call", **other):
    texts = [weekdays] * 5 + [weekdays if text is None else text for text in (saturday, sunday)]
    fields = {
        "rule_id": f"{jurisdiction}-TEST",
        "holidays": "",
        "verified_on": date(2026, 11, 20),
        "expires_on": date(2036, 1, 1),
        "source": "made up",
    }
    return HoursRow(
        jurisdiction=jurisdiction,
        channels=frozenset(channels.split()),
        days=tuple(parse_window(text) for text in texts),
        **(fields | other),
    )


def local(name, *moment, fold=0):
    return datetime(*moment, tzinfo=zone(name), fold=fold).astimezone(UTC)


def windows(table, key, day, channel="call"):
    """Every stretch of one local day in which the profile is open, as local text with the margin put back."""
    name = key.partition(" ")[0]
    at, found = local(name, day.year, day.month, day.day), []
    end = at + DAY - MARGIN
    while (opens := table.next_open(key, at, channel)) and opens < end:
        at = table.closes_at(key, opens, channel)
        closes = (at + table.margin).astimezone(zone(name))
        found.append(f"{opens.astimezone(zone(name)):%H:%M}-{'24:00' if closes.date() > day else f'{closes:%H:%M}'}")
    return " ".join(found)


def naive_law(rows, jurisdiction, channel, day):
    country = jurisdiction.split("-")[0]
    heard = {channel, "call"} if channel in IS_A_CALL else {channel}
    rows = [each for each in rows if each.channels & heard and each.in_force(day)]
    mine = [each for each in rows if each.jurisdiction in {country, jurisdiction}]
    states = [each for each in rows if each.jurisdiction.startswith(country + "-") and each.jurisdiction != STRICT]
    vague = not country or (jurisdiction == country and states)
    lapsed = any(each.expires_on <= day for each in mine)
    if vague or lapsed or not any(each.jurisdiction == country for each in mine):
        strict = [each for each in rows if each.jurisdiction == STRICT]
        return [*mine, *strict] if strict else [row(weekdays=CLOSED)]
    return mine


def naive_inside(rows, candidate, at, channel):
    name, jurisdiction = candidate
    clock = at.astimezone(zone(name))
    minute = clock.hour * 60 + clock.minute + (clock.second + clock.microsecond / 1e6) / 60
    today = [each.window_on(clock.date()) for each in naive_law(rows, jurisdiction, channel, clock.date())]
    return all(window and window[0] <= minute < window[1] for window in today)


def naive_open(rows, key, at, channel="call"):
    return all(
        naive_inside(rows, candidate, at + ahead * MINUTE, channel)
        for candidate in candidates_of(key)
        for ahead in range(6)  # the margin, minute by minute
    )
