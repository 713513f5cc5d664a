"""One row of law, and the rows that together are the law of one jurisdiction on one channel."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Self

from calls.rules.holidays import CALENDARS, holiday_on
from calls.rules.windows import WHOLE_DAY, Window, common, parse_window, window_text
from config.kernel.errors import DomainError

CHANNELS: Final = frozenset({"call", "auto_call", "sms", "rvm", "email"})
IS_A_CALL: Final = frozenset({"auto_call", "rvm"})  # a recorded voice is a call too (FCC 22-85): both rows count
STRICT: Final = "US-STRICT"  # the jurisdiction of the profile for any place that is not known better
SEVERITIES: Final = frozenset({"block", "warn"})


class UnreadableHours(DomainError):
    """A row of calling hours cannot be understood, so none of its table is used."""

    code = "unreadable_hours"


@dataclass(frozen=True, slots=True)
class HoursRow:
    """When one jurisdiction allows one or more channels, as somebody read it in ``source`` on ``verified_on``.

    ``days`` has a window or None for each weekday, Monday first. ``holidays`` is "" (days like any other), "ban US-LA"
    or "13:00-21:00 US-NE": what holds instead on the days of that calendar. ``closed_on`` are days on top, such as a
    governor proclaims. From ``expires_on`` on, local date, the strict profile is asked besides this row.

    :raises UnreadableHours: a value makes no sense; ``details`` name the fields.
    """

    jurisdiction: str
    channels: frozenset[str]
    days: tuple[Window | None, ...]
    holidays: str
    verified_on: date
    expires_on: date
    source: str
    severity: str = "block"
    rule_id: str = ""
    configurable: str = "tighten_only"
    confidence: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    closed_on: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if wrong := _mistakes(self):
            name = self.rule_id or self.jurisdiction or "A row"
            said = " ".join(f"{field}: {message}" for field, message in wrong.items())
            raise UnreadableHours(f"{name} cannot be used. {said}", details=wrong)

    def in_force(self, day: date) -> bool:
        begun = self.effective_from is None or self.effective_from <= day
        return begun and (self.effective_to is None or day < self.effective_to)

    def holiday_on(self, day: date) -> str:
        """Return the name of the holiday that this row heeds on ``day``, or ""."""
        if day in self.closed_on:
            return "Proclaimed"
        rule = _holiday_rule(self.holidays)
        return holiday_on(rule[0], day) if rule else ""

    def window_on(self, day: date) -> Window | None:
        """Return the window of that local day, None when the row closes it."""
        if day in self.closed_on:
            return None
        rule = _holiday_rule(self.holidays)
        return rule[1] if rule and holiday_on(rule[0], day) else self.days[day.weekday()]

    def against(self, local: datetime, margin: timedelta) -> str:
        """Return what this row has against a moment on its own wall clock, "" for nothing."""
        window = self.window_on(local.date())
        if window is None:
            return "holiday" if self.holiday_on(local.date()) else "closed_day"
        opens, closes = (timedelta(minutes=minutes) for minutes in window)
        clock = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        if clock < opens:
            return "too_early"
        return "too_late" if clock >= closes - margin and window[1] < WHOLE_DAY else ""

    @property
    def text(self) -> str:
        """All that the row says, in one line that is the same in every process."""
        dates = [self.effective_from, self.effective_to, self.verified_on, self.expires_on, *sorted(self.closed_on)]
        words = [self.rule_id, self.jurisdiction, *sorted(self.channels), *map(window_text, self.days), self.holidays]
        return json.dumps([*words, self.severity, self.configurable, self.confidence, self.source, *map(str, dates)])


@dataclass(frozen=True, slots=True)
class Law:
    """The rows about one jurisdiction and channel: ``rows`` of its country and its own, ``strict`` to fall back on.

    ``vague``: only a country is known, of which parts have rows of their own.
    """

    rows: tuple[HoursRow, ...]
    strict: tuple[HoursRow, ...]
    warnings: tuple[HoursRow, ...]
    country: str
    vague: bool

    @classmethod
    def of(cls, rows: Iterable[HoursRow], jurisdiction: str, channel: str) -> Self:
        country = jurisdiction.partition("-")[0]
        heard = {channel, "call"} if channel in IS_A_CALL else {channel}
        every = [row for row in rows if row.channels & heard]
        blocking = [row for row in every if row.severity == "block"]
        parts = [row for row in blocking if row.jurisdiction.startswith(f"{country}-") and row.jurisdiction != STRICT]
        mine = {country, jurisdiction}
        return cls(
            rows=tuple(row for row in blocking if row.jurisdiction in mine),
            strict=tuple(row for row in blocking if row.jurisdiction == STRICT),
            warnings=tuple(row for row in every if row.severity == "warn" and row.jurisdiction in mine),
            country=country,
            vague=jurisdiction == country and bool(parts),
        )

    def why_strict(self, day: date) -> str:
        """Say why the strict profile is asked on ``day``, "" when it is not."""
        rows = [row for row in self.rows if row.in_force(day)]
        if not self.country or self.vague:
            return "place_not_known"
        if not any(row.jurisdiction == self.country for row in rows):
            return "no_rule"
        return next((f"not_verified {row.rule_id}" for row in rows if row.expires_on <= day), "")

    def rows_on(self, day: date) -> tuple[HoursRow, ...]:
        """Return the rows that all must allow ``day``; the strict profile never expires, it is what is left."""
        strict = self.strict if self.why_strict(day) else ()
        return (*(row for row in self.rows if row.in_force(day)), *(row for row in strict if row.in_force(day)))

    def window_on(self, day: date) -> Window | None:
        """Return the window that all rows share; no window where the strict profile is asked and there is none."""
        rows = self.rows_on(day)
        if self.why_strict(day) and not any(row.jurisdiction == STRICT for row in rows):
            return None
        return common(row.window_on(day) for row in rows)

    def warnings_on(self, day: date) -> list[HoursRow]:
        return [row for row in self.warnings if row.in_force(day)]


@lru_cache(maxsize=256)
def _holiday_rule(text: str) -> tuple[str, Window | None] | None:
    """Return (calendar, window of its days), None for a row that heeds no holidays."""
    what, _, calendar = text.partition(" ")
    return (calendar, None if what == "ban" else parse_window(what)) if text else None


def _mistakes(row: HoursRow) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not row.jurisdiction:
        wrong["jurisdiction"] = "Name a country or a state, for example US-TX."
    if not row.channels or not row.channels <= CHANNELS:
        wrong["channels"] = f"Name one or more of {', '.join(sorted(CHANNELS))}."
    if len(row.days) != 7 or any(day and not 0 <= day[0] < day[1] <= WHOLE_DAY for day in row.days):
        wrong["windows"] = "Give seven windows within a day, Monday first."
    if not _is_holiday_rule(row.holidays):
        wrong["holidays"] = f'Write "ban" or a window, a space, and one of {", ".join(sorted(CALENDARS))}.'
    if row.expires_on <= row.verified_on:
        wrong["expires_on"] = "It must be later than verified_on."
    if row.severity not in SEVERITIES:
        wrong["severity"] = f"Choose one of {', '.join(sorted(SEVERITIES))}."
    if not row.source:
        wrong["source"] = "Say where this was read: a row nobody can check is no rule."
    return wrong


def _is_holiday_rule(text: str) -> bool:
    try:
        rule = _holiday_rule(text)
    except ValueError:
        return False
    return rule is None or (rule[0] in CALENDARS and (text.startswith("ban ") or rule[1] is not None))
