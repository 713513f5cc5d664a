"""When a wait ends. Days, weekdays and times of day are those of the contact's clock; hours are hours anywhere.

A day has 23 or 25 hours twice a year, so "1 day" is not "24 hours": it ends at the same time of day. A time of day that
a clock skips is read as if it had not been skipped, one that comes twice is the first (PEP 495, fold 0).
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.choices import Unit, WaitMode, Weekday
from campaigns.rules.config_fields import clock_of
from campaigns.rules.drawings import Config

ANYWHERE: Final = ZoneInfo("UTC")
_EXACT: Final = {Unit.MINUTES: timedelta(minutes=1), Unit.HOURS: timedelta(hours=1)}
_DAYS: Final = {Unit.DAYS: 1, Unit.WEEKS: 7}
_ON_A_DAY: Final = frozenset({WaitMode.DATE, WaitMode.EVENT, WaitMode.WEEKDAY})


def is_for_a_time(rule: Mapping[str, Any] | None) -> bool:
    """Say whether somebody waits for a time, which pauses do not use up, and not until a moment."""
    return rule is not None and "config" in rule and rule["config"].get("mode") not in _ON_A_DAY


def is_local(config: Config) -> bool:
    """Say whether it depends on a zone when a wait ends: hours are hours anywhere."""
    return config.get("mode", WaitMode.DURATION) != WaitMode.DURATION or config["unit"] not in _EXACT


def ends_at(config: Config, *, since: datetime, zone: ZoneInfo, event: date | None = None) -> datetime | None:
    """Return when the wait of a node that began ``since`` (aware) ends, in UTC; never before ``since``.

    None: it waits for an event whose day nobody has said.
    """
    mode = config.get("mode", WaitMode.DURATION)
    if mode == WaitMode.DURATION:
        return after(config["amount"], config["unit"], since=since, zone=zone)
    at = clock_of(config["time"])
    if mode == WaitMode.WEEKDAY:
        return _next_weekday([Weekday.values.index(day) for day in config["weekdays"]], at, since, zone)
    day = date.fromisoformat(config["date"]) if mode == WaitMode.DATE else event and _shifted(event, config["days"])
    return max(since.astimezone(UTC), _moment(day, at, zone)) if day else None


def after(amount: int, unit: str, *, since: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment ``amount`` units behind ``since``, in UTC."""
    if unit in _EXACT:
        return since.astimezone(UTC) + amount * _EXACT[Unit(unit)]
    local = since.astimezone(zone)
    return _moment(local.date() + timedelta(days=amount * _DAYS[Unit(unit)]), local.time(), zone)


def _next_weekday(weekdays: list[int], at: time, since: datetime, zone: ZoneInfo) -> datetime:
    """Return the next of these weekdays (0 is Monday) at that time of day, today's if it is still to come."""
    today = since.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(8))
    moments = (_moment(day, at, zone) for day in days if day.weekday() in weekdays)
    return next(moment for moment in moments if moment >= since)


def _shifted(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at.replace(fold=0), tzinfo=zone).astimezone(UTC)
