import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calls.rules.hours import MARGIN, HoursTable
from calls.rules.law import CHANNELS
from calls.tests.wall_clocks import HOUR, MINUTE, ROWS, TABLE, local, naive_open, row
from config.testing import examples
from crm.services.normalization.area_codes import AREA_CODES
from crm.services.normalization.places import candidates_of, from_address, from_phone, profile_key
from crm.services.normalization.regions import REGIONS

KEYS = [profile_key(from_phone(f"+1{code}5550134")) for code in AREA_CODES]
KEYS += [profile_key(from_address(country="", region=region, postal_code="")) for region in REGIONS]
KEYS = sorted({*KEYS, "Europe/London GB", "Australia/Lord_Howe AU", "Asia/Kathmandu NP", "America/St_Johns CA-NL"})
MOMENTS = st.datetimes(datetime(2026, 11, 20), datetime(2028, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001 (bounds)
PROFILES = st.lists(st.sampled_from(KEYS), min_size=1, max_size=3).map(
    lambda keys: profile_key(candidate for key in keys for candidate in candidates_of(key))
)
VOICES = st.sampled_from(["call", "sms", "rvm"])


@given(key=PROFILES, at=MOMENTS, channel=VOICES)
def test_a_profile_is_open_exactly_when_every_candidate_is(key, at, channel):
    each = [TABLE.is_open(profile_key([candidate]), at, channel) for candidate in candidates_of(key)]

    assert TABLE.is_open(key, at, channel) is all(each)


@given(key=PROFILES, at=MOMENTS, channel=VOICES)
@examples(250)
def test_open_is_what_the_wall_clocks_say(key, at, channel):
    at = at.replace(second=0, microsecond=0)

    assert TABLE.is_open(key, at, channel) is naive_open(ROWS, key, at, channel)


@given(key=PROFILES, at=MOMENTS, channel=VOICES)
@example(key="America/New_York US-OH", at=datetime(2027, 3, 14, 0, tzinfo=UTC), channel="call")
@example(key="America/New_York US-OH", at=datetime(2027, 11, 7, 1, tzinfo=UTC), channel="call")
@example(key="America/Adak US-AK|America/New_York US-PA", at=datetime(2027, 3, 13, 23, tzinfo=UTC), channel="call")
@example(key="America/Phoenix US-AZ|America/Denver US-AZ", at=datetime(2027, 11, 6, 23, tzinfo=UTC), channel="call")
@examples(25)
def test_the_next_opening_is_the_first_open_minute(key, at, channel):
    at = at.replace(second=0, microsecond=0)
    opens = TABLE.next_open(key, at, channel)
    scanned = range(4 * 24 * 60)

    first = next(
        (at + number * MINUTE for number in scanned if naive_open(ROWS, key, at + number * MINUTE, channel)), None
    )

    assert opens == first or (first is None and (opens is None or opens > at + scanned[-1] * MINUTE))


@given(key=PROFILES, at=MOMENTS, channel=VOICES)
def test_openings_and_closings_are_edges(key, at, channel):
    opens, closes, instant = (
        TABLE.next_open(key, at, channel),
        TABLE.closes_at(key, at, channel),
        timedelta(microseconds=1),
    )

    assert (opens == at) is (closes > at) is TABLE.is_open(key, at, channel)
    assert not TABLE.is_open(key, closes, channel)
    if closes > at:
        assert TABLE.is_open(key, closes - instant, channel)
    if opens and opens > at:
        assert TABLE.is_open(key, opens, channel)
        assert not TABLE.is_open(key, opens - instant, channel)


@given(at=MOMENTS, channel=VOICES)
@examples(8)
def test_many_profiles_at_once_are_each_of_them(at, channel):
    fresh = HoursTable(ROWS)

    assert fresh.open_profiles(KEYS, at, channel) == {key for key in KEYS if TABLE.is_open(key, at, channel)}


@given(key=PROFILES, at=MOMENTS, channel=VOICES)
def test_whatever_is_closed_has_evidence_and_whatever_is_open_has_none(key, at, channel):
    evidence = TABLE.why_closed(key, at, channel)

    assert bool(evidence) is not TABLE.is_open(key, at, channel)
    assert len(json.dumps(evidence)) <= 1000
    if evidence:
        assert evidence["rule"] in {each.rule_id for each in ROWS}
        assert (evidence["zone"], evidence["jurisdiction"]) in candidates_of(key)
        assert evidence["source"]


def test_a_warm_table_computes_nothing_until_the_next_edge():
    table, at = HoursTable(ROWS), local("America/Chicago", 2027, 2, 22, 12)
    table.open_profiles(KEYS, at)
    read, computed = table._candidates.cache_info().misses, table._block.cache_info()

    table.open_profiles(KEYS, at + 50 * timedelta(seconds=1))

    assert table._candidates.cache_info().misses == read
    assert table._block.cache_info() == computed


def test_what_is_remembered_is_bounded():
    table, at = HoursTable([row("XX")]), datetime(2027, 2, 22, tzinfo=UTC)
    keys = [f"America/Chicago XX-{number}" for number in range(4200)]

    table.open_profiles(keys, at)

    assert table._candidates.cache_info().currsize <= 4096
    assert table._block.cache_info().currsize <= 1024
    assert len(table._now) <= 4096


def test_the_version_follows_the_rows_and_not_their_order():
    assert HoursTable(reversed(ROWS)).version == TABLE.version
    assert HoursTable(ROWS, margin=2 * MARGIN).version != TABLE.version
    assert HoursTable([replace(ROWS[0], source="read again"), *ROWS[1:]]).version != TABLE.version
    assert HoursTable(ROWS, version="2026-11").version == "2026-11"
    assert json.loads(row(channels=" ".join(CHANNELS)).text)[2:7] == sorted(CHANNELS)  # sets have no order of their own


@pytest.mark.parametrize("key", ["Nowhere/Land US", "america/chicago US-TX", "|", "America/Chicago US-TX|x", "\x00"])
def test_a_profile_nobody_can_read_is_never_open_and_stops_no_other(key):
    at = local("America/Chicago", 2027, 2, 22, 12)

    assert TABLE.open_profiles([key, "America/Chicago US-TX"], at) == {"America/Chicago US-TX"}
    assert TABLE.next_open(key, at) is None
    assert TABLE.closes_at(key, at) == at
    assert TABLE.why_closed(key, at)["reason"] == "unreadable_profile"
    assert TABLE.warnings(key, at) == []


def test_without_any_law_nothing_is_open():
    at = local("America/Chicago", 2027, 2, 22, 12)
    for table in (HoursTable([]), HoursTable([row("US-TX")]), HoursTable([row(channels="sms")])):
        for key in ("America/Chicago US-TX", "Europe/London GB", ""):
            assert not table.is_open(key, at)
            assert table.why_closed(key, at)["reason"]


@pytest.mark.parametrize("channel", ["voice", "Call", ""])
def test_a_channel_nobody_keeps_hours_for_is_a_mistake_and_not_an_open_door(channel):
    with pytest.raises(ValueError, match="auto_call, call, email"):
        TABLE.is_open("America/Chicago US-TX", datetime(2027, 2, 22, 18, tzinfo=UTC), channel)


def test_a_moment_without_a_zone_is_a_mistake():
    with pytest.raises(ValueError, match="aware"):
        TABLE.next_open("America/Chicago US-TX", datetime(2027, 2, 22, 18))  # noqa: DTZ001 (the mistake itself)


def test_a_warning_is_told_and_closes_nothing():
    table = HoursTable([row(), row("US-TX", weekdays="10:00-12:00", severity="warn")])
    at = local("America/Chicago", 2027, 2, 22, 15)

    assert table.is_open("America/Chicago US-TX", at)
    assert [found["reason"] for found in table.warnings("America/Chicago US-TX", at)] == ["too_late"]
    assert table.warnings("America/Chicago US-TX", at - 4 * HOUR) == []


def test_the_evidence_names_place_clock_window_and_source():
    why = TABLE.why_closed("America/Chicago US-TX", local("America/Chicago", 2027, 2, 28, 11, 30))

    assert why == {
        "reason": "too_early",
        "zone": "America/Chicago",
        "jurisdiction": "US-TX",
        "local_time": "2027-02-28T11:30-06:00",
        "window": "12:00-21:00",
        "holiday": "",
        "rule": "TX-HOURS",
        "source": "Texas SB 140: foster.com 2025-09-25, mondaq.com 1671662",
        "closed": 1,
        "candidates": 1,
    }


@pytest.mark.parametrize(
    ("key", "moment", "reason", "rule"),
    [
        ("America/New_York US-FL", (2027, 2, 22, 19, 57), "too_late", "FL-HOURS"),
        ("America/New_York US-PA", (2027, 6, 14, 12), "holiday", "PA-HOLIDAYS"),
        ("America/New_York US-PA", (2027, 2, 28, 12), "closed_day", "PA-SB992"),
        ("America/New_York US", (2027, 2, 22, 9), "too_early", "US-STRICT"),
        ("America/New_York", (2027, 2, 22, 9), "too_early", "US-STRICT"),
        ("America/New_York US", (2027, 2, 22, 7), "too_early", "US-STRICT"),  # the federal row is against it as well
        ("America/New_York US-FL", (2027, 2, 22, 22), "too_late", "FL-HOURS"),
        ("America/New_York US-PA", (2027, 2, 28, 7), "closed_day", "PA-SB992"),
        ("America/New_York US-OH", (2027, 2, 22, 7, 59), "too_early", "FED-HOURS"),
    ],
)
def test_the_evidence_names_the_rule_that_stands_against_the_moment(key, moment, reason, rule):
    why = TABLE.why_closed(key, local("America/New_York", *moment))

    assert (why["reason"], why["rule"]) == (reason, rule)
    assert why.get("margin_minutes") == (5 if reason == "too_late" else None)
    assert why.get("strict_because") == ("place_not_known" if rule == "US-STRICT" else None)


def test_of_two_closed_places_the_one_that_opens_last_speaks():
    key = "America/New_York US-FL|Pacific/Honolulu US-HI"

    why = TABLE.why_closed(key, local("America/New_York", 2027, 2, 22, 6))

    assert (why["zone"], why["closed"], why["candidates"]) == ("Pacific/Honolulu", 2, 2)
