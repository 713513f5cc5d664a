"""Hours of somebody who may be in several places: they hold in all of them."""

from datetime import date

import pytest

from calls.rules.hours import MARGIN, HoursTable
from calls.tests.wall_clocks import EIGHT_TO_EIGHT, HOUR, ROWS, TABLE, local, row, windows
from crm.services.normalization.places import from_address, from_phone, from_statement, profile_key


def test_somebody_who_may_be_in_two_zones_is_called_when_it_is_right_in_both():
    key = profile_key(from_phone("+18505550134"))  # the Florida panhandle: Eastern and Central

    assert windows(TABLE, "America/New_York US-FL", date(2027, 2, 22)) == EIGHT_TO_EIGHT
    assert TABLE.next_open(key, local("America/New_York", 2027, 2, 22)) == local("America/Chicago", 2027, 2, 22, 8)
    noon = local("America/New_York", 2027, 2, 22, 12)
    assert TABLE.closes_at(key, noon) == local("America/New_York", 2027, 2, 22, 19, 55)


@pytest.mark.parametrize(("month", "hours"), [(1, 7), (7, 6)])
def test_a_new_york_number_at_an_address_in_hawaii_leaves_the_hours_both_allow(month, hours):
    table = HoursTable([row()])
    key = profile_key(from_phone("+12125550134") | from_address(country="US", region="HI", postal_code="96813"))
    at = local("America/New_York", 2027, month, 12)

    opens = table.next_open(key, at)

    assert opens == local("Pacific/Honolulu", 2027, month, 12, 8)
    assert table.closes_at(key, opens) + MARGIN - opens == hours * HOUR
    assert table.closes_at(key, opens) + MARGIN == local("America/New_York", 2027, month, 12, 20)


def test_each_place_brings_its_own_law():
    key = profile_key({("America/Chicago", "US-TX"), ("America/Chicago", "US-OK")})

    assert TABLE.next_open(key, local("America/Chicago", 2027, 2, 22)) == local("America/Chicago", 2027, 2, 22, 9)
    assert TABLE.closes_at(key, local("America/Chicago", 2027, 2, 22, 12)) == local(
        "America/Chicago", 2027, 2, 22, 19, 55
    )


def test_a_number_that_may_be_anywhere_is_never_called_and_the_reason_says_why():
    key = profile_key(from_phone("+18005550134"))
    at = local("America/Chicago", 2027, 2, 22, 14)

    assert TABLE.next_open(key, at) is None
    assert not TABLE.is_open(key, at)
    assert TABLE.why_closed(key, at)["reason"] == "no_common_window"
    assert TABLE.why_closed(key, at)["candidates"] == 42


@pytest.mark.parametrize(
    ("zones", "month", "opens", "hours"),
    [
        ("America/New_York America/Chicago America/Denver America/Los_Angeles America/Phoenix", 1, 11, 9),
        ("America/New_York America/Los_Angeles America/Anchorage Pacific/Honolulu America/Adak", 1, 13, 7),
        ("America/New_York America/Los_Angeles America/Anchorage Pacific/Honolulu America/Adak", 7, 14, 6),
    ],
)
def test_how_little_is_left_when_eight_to_eight_must_hold_everywhere(zones, month, opens, hours):
    table = HoursTable([row()])
    key = profile_key((name, "US") for name in zones.split())

    start = table.next_open(key, local("America/New_York", 2027, month, 12))

    assert start == local("America/New_York", 2027, month, 12, opens)
    assert table.closes_at(key, start) + MARGIN - start == hours * HOUR


@pytest.mark.parametrize(("month", "opens"), [(1, 15), (7, 16)])
def test_somebody_of_whom_nothing_is_known_is_called_when_the_strict_profile_holds_in_every_state(month, opens):
    monday = {1: 11, 7: 12}[month]
    start = TABLE.next_open("", local("America/New_York", 2027, month, monday))

    assert start == local("America/New_York", 2027, month, monday, opens)
    assert TABLE.closes_at("", start) == local("America/New_York", 2027, month, monday, 17, 55)


def test_somebody_of_whom_nothing_is_known_is_never_called_if_that_is_the_policy():
    table = HoursTable(ROWS, unknown_policy="never")
    at = local("America/New_York", 2027, 1, 12, 16)

    assert TABLE.is_open("", at)
    assert not table.is_open("", at)
    assert table.next_open("", at) is None
    assert table.closes_at("", at) == at
    assert table.why_closed("", at)["reason"] == "unknown_place"
    assert table.version != TABLE.version


def test_a_statement_without_a_state_gives_the_strict_hours_of_that_zone():
    key = profile_key(from_statement("America/Chicago"))

    assert windows(TABLE, key, date(2027, 2, 22)) == "10:00-18:00"
