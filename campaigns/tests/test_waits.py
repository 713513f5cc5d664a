from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.choices import Weekday
from campaigns.rules.config_fields import Clock
from campaigns.rules.waits import after, ends_at
from crm.services.normalization.zones import zone

CHICAGO = zone("America/Chicago")
FRIDAY = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # 10:00 in Chicago


def ends(since: datetime = FRIDAY, event: date | None = None, **config: Any) -> datetime | None:
    return ends_at(config, since=since, zone=CHICAGO, event=event)


def chicago(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


def test_a_time_of_day_is_written_in_the_digits_that_are_read():
    assert (Clock().fault("09:00"), bool(Clock().fault("0\u0669:00"))) == ("", True)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"mode": "duration", "amount": 90, "unit": "minutes"}, "2026-11-20 11:30"),
        ({"mode": "duration", "amount": 2, "unit": "days"}, "2026-11-22 10:00"),
        ({"mode": "duration", "amount": 1, "unit": "weeks"}, "2026-11-27 10:00"),
        ({"mode": "date", "date": "2026-12-01", "time": "09:00"}, "2026-12-01 09:00"),
        ({"mode": "date", "date": "2026-11-01", "time": "09:00"}, "2026-11-20 10:00"),  # long past: at once
        ({"mode": "weekday", "weekdays": ["tuesday"], "time": "09:00"}, "2026-11-24 09:00"),
        ({"mode": "weekday", "weekdays": ["friday"], "time": "10:00"}, "2026-11-20 10:00"),
        ({"mode": "weekday", "weekdays": ["friday"], "time": "09:59"}, "2026-11-27 09:59"),
        ({"mode": "weekday", "weekdays": ["monday", "friday"], "time": "09:00"}, "2026-11-23 09:00"),
    ],
)
def test_when_a_wait_ends(config: dict[str, Any], expected: str) -> None:
    assert ends(**config) == chicago(expected)


def test_days_before_the_event_need_an_event() -> None:
    config = {"mode": "event", "days": -1, "time": "09:00"}
    assert ends(**config, event=date(2026, 12, 5)) == chicago("2026-12-04 09:00")
    assert ends(**config) is None


def test_a_day_is_not_24_hours_where_the_clock_changes() -> None:
    """On 2027-03-14 Chicago loses an hour, on 2027-11-07 it gains one."""
    for begun, hours in (("2027-03-13 12:00", 23), ("2027-11-06 12:00", 25), ("2027-11-08 12:00", 24)):
        since = chicago(begun)
        assert after(1, "days", since=since, zone=CHICAGO) - since == timedelta(hours=hours)
        assert after(24, "hours", since=since, zone=CHICAGO) - since == timedelta(hours=24)


def test_a_time_of_day_that_the_clock_skips_or_repeats() -> None:
    skipped = ends(mode="date", date="2027-03-14", time="02:30")
    repeated = ends(mode="date", date="2027-11-07", time="01:30")
    assert skipped == datetime(2027, 3, 14, 8, 30, tzinfo=UTC)  # 03:30 there
    assert repeated == datetime(2027, 11, 7, 6, 30, tzinfo=UTC)  # the first of the two


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - aware by then
ZONES = st.sampled_from(
    ["America/Chicago", "America/St_Johns", "America/Phoenix", "Pacific/Honolulu", "Australia/Lord_Howe"]
)


@given(MOMENTS, ZONES, st.lists(st.sampled_from(Weekday.values), min_size=1, unique=True), st.times())
def test_a_weekday_comes_within_eight_days_and_never_before_now(
    since: datetime, name: str, weekdays: list[str], at: Any
) -> None:
    config = {"mode": "weekday", "weekdays": weekdays, "time": f"{at:%H:%M}"}
    found = ends_at(config, since=since, zone=zone(name))
    assert found is not None
    assert since <= found <= since + timedelta(days=8, hours=1)
    assert Weekday.values[found.astimezone(zone(name)).weekday()] in weekdays


@given(MOMENTS, ZONES, st.integers(1, 400), st.sampled_from(["minutes", "hours", "days", "weeks"]))
def test_a_wait_ends_after_it_begins(since: datetime, name: str, amount: int, unit: str) -> None:
    assert after(amount, unit, since=since, zone=zone(name)) > since
