from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rules.hours import STRICT, HoursTable
from calls.services.hours import VALID_FOR
from calls.tests.wall_clocks import DAY, EIGHT_TO_EIGHT, KEPT, ROWS, TABLE, local, row, windows
from crm.services.normalization.regions import REGIONS
from crm.services.normalization.zones import zone

STATES = [region for region in REGIONS if region.startswith("US-")]


@pytest.mark.parametrize(
    ("state", "day", "opens_again"),
    [
        ("US-LA", date(2027, 2, 9), date(2027, 2, 10)),  # Mardi Gras
        ("US-LA", date(2026, 11, 26), date(2026, 11, 28)),  # Thanksgiving and the day after
        ("US-LA", date(2026, 11, 3), date(2026, 11, 4)),  # general election
        ("US-MS", date(2027, 4, 26), date(2027, 4, 27)),  # Confederate Memorial Day
        ("US-AL", date(2027, 6, 7), date(2027, 6, 8)),  # Jefferson Davis' Birthday
        ("US-RI", date(2027, 8, 9), date(2027, 8, 10)),  # Victory Day
        ("US-RI", date(2027, 12, 27), date(2027, 12, 28)),  # Christmas is a Saturday: Monday too
        ("US-UT", date(2027, 7, 23), date(2027, 7, 26)),  # Pioneer Day is a Saturday: Friday too, then Sunday
        ("US-PA", date(2027, 3, 26), date(2027, 3, 27)),  # Good Friday
        ("US-PA", date(2027, 6, 14), date(2027, 6, 15)),  # Flag Day
        ("US-PA", date(2027, 11, 2), date(2027, 11, 3)),  # Election Day
        ("US-AL", date(2027, 2, 28), date(2027, 3, 1)),  # a Sunday
        ("US", date(2027, 5, 4), date(2027, 5, 5)),  # Rhode Island Independence Day counts where it may be Rhode Island
    ],
)
def test_nobody_is_called_on_a_holiday_of_their_state(state, day, opens_again):
    name = REGIONS.get(state, ("", "America/New_York"))[1]
    key, at = f"{name} {state}", local(name, day.year, day.month, day.day, 12)

    assert windows(KEPT, key, day) == ""
    assert KEPT.next_open(key, at).astimezone(zone(name)).date() == opens_again
    assert KEPT.why_closed(key, at)["reason"] in {"holiday", "closed_day"}


def test_a_federal_holiday_closes_only_where_the_law_says_so():
    assert windows(TABLE, "America/Chicago US-TX", date(2026, 12, 25)) == "09:00-21:00"


def test_a_holiday_may_have_hours_of_its_own():
    assert windows(TABLE, "America/Chicago US-NE", date(2026, 12, 25), "rvm") == "13:00-21:00"
    assert windows(TABLE, "America/Chicago US-NE", date(2026, 12, 25), "call") == "08:00-21:00"


def test_a_day_that_a_governor_proclaims_is_closed():
    proclaimed = replace(
        next(each for each in ROWS if each.rule_id == "LA-HOURS"), closed_on=frozenset({date(2026, 12, 24)})
    )
    table = HoursTable([proclaimed if each.rule_id == "LA-HOURS" else each for each in ROWS])
    key, eve = "America/Chicago US-LA", date(2026, 12, 24)

    assert windows(TABLE, key, eve) == EIGHT_TO_EIGHT
    assert windows(table, key, eve) == ""
    assert table.why_closed(key, local("America/Chicago", 2026, 12, 24, 12))["holiday"] == "Proclaimed"
    assert table.version != TABLE.version


def test_a_row_not_verified_for_180_days_falls_to_the_strict_profile():
    key, last = "America/Chicago US-TX", date(2026, 11, 20) + VALID_FOR - DAY

    assert (last, last.weekday()) == (date(2027, 5, 18), 1)
    assert windows(TABLE, key, last) == "09:00-21:00"
    assert windows(TABLE, key, last + DAY) == "10:00-18:00"
    assert TABLE.unverified(last) == []
    assert {each.rule_id for each in TABLE.unverified(last + DAY)} == {
        each.rule_id for each in ROWS if each.jurisdiction != STRICT
    }
    why = TABLE.why_closed(key, local("America/Chicago", 2027, 5, 19, 18))
    assert (why["rule"], why["strict_because"]) == ("US-STRICT", "not_verified FED-HOURS")


def test_verifying_a_row_again_restores_its_hours():
    again = [replace(each, verified_on=date(2027, 5, 1), expires_on=date(2027, 5, 1) + VALID_FOR) for each in ROWS]

    assert windows(HoursTable(again), "America/Chicago US-TX", date(2027, 5, 19)) == "09:00-21:00"


def test_a_lapsed_row_that_was_stricter_than_the_strict_profile_stays_so():
    tight = row("US-TX", weekdays="14:00-15:00", expires_on=date(2026, 12, 1))
    table = HoursTable([*ROWS, tight])

    assert windows(table, "America/Chicago US-TX", date(2027, 2, 22)) == "14:00-15:00"


@given(day=st.dates(date(2026, 11, 20), date(2028, 12, 31)), state=st.sampled_from([*STATES, "US", "CA", "GB", ""]))
def test_a_row_that_lapses_never_opens_a_minute(day, state):
    key = f"America/Chicago {state}".rstrip()

    for hour in range(24):
        at = local("America/Chicago", day.year, day.month, day.day, hour, 30)
        assert KEPT.is_open(key, at) or not TABLE.is_open(key, at)
