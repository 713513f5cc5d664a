"""The law's hours in one place: edges, weeks, changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.rules.hours import HORIZON, LONGEST_RING, STRICT, HoursTable
from calls.rules.windows import common
from calls.tests.wall_clocks import (
    CLOSED,
    DAY,
    EIGHT_TO_EIGHT,
    HOUR,
    KEPT,
    MINUTE,
    ROWS,
    TABLE,
    WHOLE,
    local,
    naive_inside,
    row,
    windows,
)
from crm.services.normalization.places import candidates_of
from crm.services.normalization.regions import REGIONS
from crm.services.normalization.zones import zone, zone_names

STATES = [region for region in REGIONS if region.startswith("US-")]


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [
        (time(7, 59, 59, 999_999), False),
        (time(8, 0, 0), True),
        (time(12, 0, 0), True),
        (time(19, 54, 59, 999_000), True),
        (time(19, 55, 0), False),
        (time(19, 59, 59, 999_000), False),
        (time(20, 0, 0), False),
        (time(23, 59, 59), False),
        (time(0, 0, 0), False),
    ],
)
def test_a_window_begins_on_the_second_and_ends_a_margin_early(clock, is_open):
    at = datetime.combine(date(2026, 11, 23), clock, tzinfo=zone("America/New_York"))

    assert TABLE.is_open("America/New_York US-FL", at) is is_open


def test_the_edges_are_told_as_they_are():
    key, noon = "America/New_York US-FL", local("America/New_York", 2026, 11, 23, 12)

    assert TABLE.closes_at(key, noon) == local("America/New_York", 2026, 11, 23, 19, 55)
    assert TABLE.next_open(key, noon) == noon
    evening = TABLE.closes_at(key, noon)
    assert TABLE.next_open(key, evening) == local("America/New_York", 2026, 11, 24, 8)
    assert TABLE.closes_at(key, evening) == evening


@pytest.mark.parametrize("margin", [timedelta(0), LONGEST_RING - timedelta(seconds=1), DAY])
def test_a_margin_shorter_than_a_ring_is_refused(margin):
    with pytest.raises(ValueError, match="rings"):
        HoursTable(ROWS, margin=margin)


@given(seconds=st.integers(0, 14 * 86_400), margin=st.integers(60, 1800), data=st.data())
def test_a_call_placed_at_the_last_moment_has_stopped_ringing_when_the_window_ends(seconds, margin, data):
    key = data.draw(st.sampled_from(["America/Chicago US-TX", "America/Denver US-UT", "America/Toronto CA-ON"]))
    table = HoursTable(ROWS, margin=timedelta(seconds=margin))
    at = datetime(2027, 3, 8, tzinfo=UTC) + timedelta(seconds=seconds)

    if table.is_open(key, at):
        assert naive_inside(ROWS, *candidates_of(key), at + LONGEST_RING - timedelta(microseconds=1), "call")


def test_windows_that_meet_at_midnight_have_no_margin_between_them():
    table = HoursTable([row(weekdays=WHOLE, sunday="08:00-20:00")])
    friday = local("America/Chicago", 2026, 11, 27, 23, 58)

    assert table.is_open("America/Chicago US", friday)
    assert table.closes_at("America/Chicago US", friday) == local("America/Chicago", 2026, 11, 28, 23, 55)


VOICE = {
    "US-OH": ["08:00-21:00"] * 7,
    "US-FL": [EIGHT_TO_EIGHT] * 7,
    "US-OK": [EIGHT_TO_EIGHT] * 7,
    "US-WA": [EIGHT_TO_EIGHT] * 7,
    "US-MD": [EIGHT_TO_EIGHT] * 7,
    "US-TX": ["09:00-21:00"] * 6 + ["12:00-21:00"],
    "US-CT": ["09:00-20:00"] * 7,
    "US-KY": ["10:00-21:00"] * 7,
    "US-MA": [EIGHT_TO_EIGHT] * 7,
    "US-NV": ["09:00-20:00"] * 7,
    "US-MI": ["09:00-21:00"] * 7,
    "US-MN": ["09:00-21:00"] * 7,
    "US-NM": ["09:00-21:00"] * 7,
    "US-AL": [EIGHT_TO_EIGHT] * 6 + [CLOSED],
    "US-LA": [EIGHT_TO_EIGHT] * 6 + [CLOSED],
    "US-MS": [EIGHT_TO_EIGHT] * 6 + [CLOSED],
    "US-RI": ["09:00-18:00"] * 5 + ["10:00-17:00", CLOSED],
    "US-UT": ["08:00-21:00"] * 6 + [CLOSED],
    "US-PA": ["09:00-19:00"] * 6 + [CLOSED],
    "US-WY": [EIGHT_TO_EIGHT] * 7,
    "US-ME": ["08:00-21:00"] * 7,
    "US-NE": ["08:00-21:00"] * 7,
    "US-VA": ["08:00-21:00"] * 7,
    "US-CA": ["08:00-21:00"] * 7,
    "US-PR": ["08:00-21:00"] * 7,
    "US": ["10:00-18:00"] * 5 + ["10:00-17:00", CLOSED],
    "CA-ON": ["09:00-21:30"] * 5 + ["10:00-18:00"] * 2,
    "CA": ["09:00-21:30"] * 5 + ["10:00-18:00"] * 2,
    "GB": ["10:00-18:00"] * 5 + ["10:00-17:00", CLOSED],
    "": ["10:00-18:00"] * 5 + ["10:00-17:00", CLOSED],
}
TEXTS = {
    "US-FL": [EIGHT_TO_EIGHT] * 7,
    "US-OK": [EIGHT_TO_EIGHT] * 7,
    "US-MD": [EIGHT_TO_EIGHT] * 7,
    "US-TX": ["09:00-21:00"] * 6 + ["12:00-21:00"],
    "US-CT": ["09:00-20:00"] * 7,
    "US-PA": ["09:00-19:00"] * 6 + [CLOSED],
    "US-VA": ["08:00-21:00"] * 7,
    "US-WA": ["08:00-21:00"] * 7,
    "US-AL": ["08:00-21:00"] * 7,
    "US": ["10:00-18:00"] * 5 + ["10:00-17:00", CLOSED],
    "CA-ON": ["10:00-18:00"] * 5 + ["10:00-17:00", CLOSED],
}
RECORDED = {
    "US-OH": ["08:00-21:00"] * 7,
    "US-FL": [EIGHT_TO_EIGHT] * 7,
    "US-KY": ["10:00-21:00"] * 7,
    "US-ME": ["09:00-17:00"] * 5 + [CLOSED] * 2,
    "US-NE": ["08:00-21:00"] * 6 + ["13:00-21:00"],
    "US-PA": ["09:00-19:00"] * 6 + [CLOSED],
    "US": ["10:00-17:00"] * 5 + [CLOSED] * 2,
    "CA-ON": ["09:00-21:30"] * 5 + ["10:00-18:00"] * 2,
}


@pytest.mark.parametrize(
    ("channel", "jurisdiction", "week"),
    [("call", *each) for each in VOICE.items()]
    + [("sms", *each) for each in TEXTS.items()]
    + [("rvm", *each) for each in RECORDED.items()]
    + [("auto_call", *each) for each in RECORDED.items()]
    + [("email", "US-TX", [WHOLE] * 7), ("email", "", [WHOLE] * 7)],
)
def test_the_law_of_a_place_in_an_ordinary_week(channel, jurisdiction, week):
    key = f"America/Chicago {jurisdiction}".rstrip()
    days = [date(2027, 2, 22) + number * DAY for number in range(7)]

    if channel == "email":
        monday = local("America/Chicago", 2027, 2, 22)
        assert TABLE.closes_at(key, monday, channel) == monday + HORIZON
    else:
        assert [windows(TABLE, key, day, channel) for day in days] == week


def test_every_state_is_under_the_federal_window_and_opens_on_every_weekday_of_it():
    federal = HoursTable([each for each in ROWS if each.jurisdiction == "US"])
    for state in STATES:
        for name in REGIONS[state][1:]:
            for number in range(5):
                day = date(2027, 2, 22) + number * DAY
                opens, closes = windows(TABLE, f"{name} {state}", day).split("-")
                assert "08:00" <= opens < closes <= "21:00"
                assert windows(federal, f"{name} {state}", day) == "08:00-21:00"


def test_the_strict_profile_is_what_all_rows_have_in_common():
    for channel in ("call", "sms", "rvm", "auto_call"):
        heard = {channel, "call"} if channel != "sms" else {"sms", "call"}
        rows = [each for each in ROWS if each.jurisdiction.startswith("US") and each.channels & heard]
        law = [each for each in rows if each.jurisdiction != STRICT]
        strict = [each for each in rows if each.jurisdiction == STRICT]
        for weekday in range(7):
            assert common(each.days[weekday] for each in strict) == common(each.days[weekday] for each in law)


def test_a_rule_holds_from_the_day_it_comes_into_force():
    key = "America/New_York US-PA"

    assert windows(TABLE, key, date(2026, 10, 17)) == "08:00-21:00"
    assert windows(TABLE, key, date(2026, 10, 19)) == "09:00-19:00"


def test_a_rule_ends_on_the_day_it_goes_out_of_force():
    table = HoursTable([row(), row("US-TX", weekdays="10:00-12:00", effective_to=date(2027, 2, 23))])

    assert windows(table, "America/Chicago US-TX", date(2027, 2, 22)) == "10:00-12:00"
    assert windows(table, "America/Chicago US-TX", date(2027, 2, 23)) == EIGHT_TO_EIGHT


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 13), 23), (date(2027, 3, 20), 24), (date(2027, 11, 6), 25)])
def test_a_day_is_not_always_24_hours(day, hours):
    key = "America/New_York US-FL"
    opens = local("America/New_York", day.year, day.month, day.day, 8)

    assert KEPT.next_open(key, KEPT.closes_at(key, opens)) - opens == hours * HOUR


def test_phoenix_and_honolulu_do_not_move_their_clocks():
    for name, state in (("America/Phoenix", "US-AZ"), ("Pacific/Honolulu", "US-HI")):
        opens = [KEPT.next_open(f"{name} {state}", datetime(2027, month, 10, 5, tzinfo=UTC)) for month in (1, 7)]
        assert opens[0].time() == opens[1].time()


def test_an_hour_that_comes_twice_counts_twice_and_one_that_never_comes_not_at_all():
    table = HoursTable([row(weekdays="01:15-01:45", sunday="01:15-01:45")])
    autumn, spring = date(2027, 11, 7), date(2027, 3, 14)
    at = datetime(2027, 11, 7, 4, tzinfo=UTC)

    first = table.next_open("America/New_York US", at)
    second = table.next_open("America/New_York US", table.closes_at("America/New_York US", first))

    assert (first, second) == (local("America/New_York", 2027, 11, 7, 1, 15), first + HOUR)
    assert windows(table, "America/New_York US", autumn) == "01:15-01:45 01:15-01:45"
    skipped = HoursTable([row(weekdays="02:15-02:45")])
    assert windows(skipped, "America/New_York US", spring) == ""
    assert windows(skipped, "America/New_York US", spring + DAY) == "02:15-02:45"


def test_every_zone_keeps_its_wall_clock_through_every_change_of_two_years():
    table = HoursTable([row("XX", weekdays="00:30-03:30", saturday="22:00-24:00", sunday=EIGHT_TO_EIGHT)])
    checked = 0
    for name in sorted(zone_names().values()):
        key, begin = f"{name} XX", datetime(2026, 11, 20, tzinfo=UTC)
        offsets = [(begin + number * DAY).astimezone(zone(name)).utcoffset() for number in range(731)]
        for number, (before, after) in enumerate(pairwise(offsets)):
            for quarter in range(-96, 192) if before != after else ():
                at = begin + number * DAY + quarter * 15 * MINUTE
                checked += 1
                ends = (at, at + table.margin)  # no window begins or ends between two quarters
                inside = all(naive_inside(table.rows, (name, "XX"), end, "call") for end in ends)
                assert table.is_open(key, at) is inside, (name, at)
    assert checked > 100_000
