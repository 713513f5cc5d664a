"""Where those who wait are called by their cities, and each place says its own time."""

from datetime import timedelta

from calls.services.whereabouts import NOWHERE, places
from calls.tests.wall_clocks import KEPT
from config.testing import NOON
from crm.services.normalization.places import SOMEWHERE_IN_THE_STATES, from_phone, profile_key

NIGHT = NOON + timedelta(hours=10)  # 22:00 in Chicago, 18:00 in Honolulu
CHICAGO, ILLINOIS, NEW_YORK = "America/Chicago US-TX", "America/Chicago US-IL", "America/New_York US-NY"
TWO = "America/Chicago US-TX|America/Denver US-TX"
ANYWHERE = profile_key(SOMEWHERE_IN_THE_STATES)


def told(*waiting, at=NIGHT):
    return {place["name"]: (place["number"], place["local"]) for place in places(KEPT, waiting, at)}


def test_a_name_stands_there_once_with_all_who_wait():
    assert told((CHICAGO, 4), (NEW_YORK, 5), (ILLINOIS, 3)) == {
        "Chicago": (7, "Wed 08:00"),
        "New York": (5, "Wed 08:00"),
    }


def test_two_clocks_are_both_named_and_read_on_the_first():
    assert told((TWO, 1)) == {"Chicago or Denver": (1, "Wed 10:00")}


def test_who_may_be_under_many_clocks_is_nowhere_in_particular():
    found = places(KEPT, [(ANYWHERE, 2), ("", 3), (profile_key(from_phone("+18005550134")), 1)], NIGHT)

    assert [(place["name"], place["known"], place["number"], place["local"]) for place in found] == [
        (NOWHERE, False, 6, "")
    ]


def test_zones_that_go_by_one_clock_are_one_city():
    key = "America/Indiana/Indianapolis US-IN|America/Indiana/Marengo US-IN|America/Fort_Wayne US-IN"

    assert list(told((key, 1))) == ["Fort Wayne"]


def test_a_place_that_nobody_can_read_never_opens_and_stops_nobody_else():
    found = places(KEPT, [("Mars/Olympus US-TX", 1), (CHICAGO, 1)], NIGHT)

    assert [(place["name"], bool(place["opens_at"])) for place in found] == [("Chicago", True), (NOWHERE, False)]
