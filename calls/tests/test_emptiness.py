"""Why nobody is offered, and when that changes."""

from datetime import timedelta

import pytest

from calls.choices import Scope
from calls.services import emptiness, hints, terminal
from calls.services.queue import Wanted
from calls.tests import worlds
from calls.tests.factories import LeaseFactory, callable_pair, first_point
from config.testing import NOON
from crm.choices import Channel, Priority
from crm.models import HoursProfile
from crm.tests.factories import ProjectContactFactory, TouchFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


def touched(pair, at):
    TouchFactory(contact=pair.contact, project=pair.project, channel=Channel.CALL, at=at)
    hints.refresh(at=NOON, pair_ids=[pair.pk])
    return pair


class TestEmpty:
    """The six reasons of an empty queue, each with what a person can do about it."""

    def state(self, rep, **wanted):
        return emptiness.emptiness(user=rep, at=NOON, wanted=Wanted(**wanted))

    def test_nothing_imported(self, rep):
        assert self.state(rep).state == "nothing_imported"

    def test_outside_hours_says_where_and_when_it_opens(self, rep):
        profile = HoursProfile.objects.create(key=worlds.SHUT)
        pair = ProjectContactFactory()
        pair.contact.points.get().endpoint.__class__.objects.update(hours_profile=profile)
        hints.refresh(at=NOON, pair_ids=[pair.pk])

        empty = self.state(rep)

        assert empty.state == "outside_hours"
        assert [(place["name"], place["number"]) for place in empty.facts["places"]] == [("Guam", 1)]
        assert empty.until

    def test_cooling_down_says_when_how_many_come_back(self, rep):
        touched(callable_pair(), NOON - timedelta(hours=20))

        empty = self.state(rep)

        assert (empty.state, empty.until) == ("cooling_down", NOON + timedelta(hours=4))
        assert sum(empty.facts["forecast"]) == 1

    def test_caps_reached(self, rep):
        pair = callable_pair()
        for hours in (2, 4, 6):
            TouchFactory(contact=pair.contact, channel=Channel.SMS, at=NOON - timedelta(hours=hours))
        hints.refresh(at=NOON, pair_ids=[pair.pk])

        assert self.state(rep).state == "caps_reached"

    def test_a_line_that_many_share_was_called_often_enough_and_it_says_until_when(self, rep):
        pair = callable_pair()
        endpoint = first_point(pair.contact).endpoint
        for hours in (1, 2, 3):  # other people on the same line
            TouchFactory(endpoint=endpoint, at=NOON - timedelta(hours=hours))
        hints.refresh(at=NOON, pair_ids=[pair.pk])

        empty = emptiness.emptiness(user=rep, at=NOON)

        assert (empty.state, empty.until) == ("caps_reached", NOON + timedelta(hours=22))
        assert empty.facts["reasons"] == {"number_day_cap": 1}

    def test_closed_for_everybody_for_an_hour_ends_in_an_hour(self, rep):
        callable_pair()
        hour = NOON + timedelta(hours=1)
        terminal.close(scope=Scope.EVERYONE, subject=None, reason="Fire drill", at=NOON, until=hour)

        empty = emptiness.emptiness(user=rep, at=NOON)

        assert (empty.state, empty.until) == ("nobody_callable", hour)

    def test_leased_by_others_names_them(self, rep):
        lease = LeaseFactory(pair=callable_pair())

        empty = self.state(rep)

        assert (empty.state, empty.facts["names"]) == ("leased_by_others", [lease.user.name])

    def test_a_filter_that_is_too_tight_says_what_removing_it_brings(self, rep):
        callable_pair()

        empty = self.state(rep, priority=Priority.URGENT)

        assert (empty.state, empty.facts["without"]) == ("filter_too_tight", {"priority": 1})
