"""Passing over somebody at the desk: why, and who is offered then."""

from datetime import timedelta

import pytest

from calls.models import Lease, TerminalSession
from calls.tests.desk import Rep
from calls.tests.factories import callable_pair, first_point
from config.testing import NOON
from crm.choices import PointState
from crm.models import Contact, Endpoint, ReviewItem
from crm.tests.factories import give_point

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep() -> Rep:
    return Rep()


@pytest.mark.parametrize(("why", "hours"), [("later", 2), ("tomorrow", 10)])
def test_later_rests_the_pair_and_gives_the_person_back(rep, why, hours):
    pair = callable_pair()
    rep.does("next")

    after = rep.does("skip", pair=rep.state()["pair"], why=why)

    assert after["phase"] == "empty"
    assert TerminalSession.objects.get(pair=pair).until == NOON + timedelta(hours=hours)


@pytest.mark.parametrize("why", ["wrong_person", "bad_number"])
def test_a_number_that_is_no_good_leads_to_the_persons_next_one(rep, why):
    pair = callable_pair()
    second = give_point(pair.contact, "phone", "+15125550177")
    first = Endpoint.objects.get(pk=first_point(pair.contact).endpoint_id)
    rep.does("next")

    after = rep.does("skip", pair=rep.state()["pair"], why=why)

    assert (after["phase"], after["pair"]) == ("previewing", str(pair.pk))
    assert Lease.objects.get().endpoint == second.endpoint
    first.refresh_from_db()
    states = [point.state for point in pair.contact.points.filter(endpoint=first)]
    assert (states == [PointState.WRONG_PERSON]) is (why == "wrong_person")
    assert first.failed_until == (NOON + timedelta(days=30) if why == "bad_number" else None)


def test_without_another_number_the_person_is_given_back(rep):
    callable_pair()
    rep.does("next")

    assert rep.does("skip", pair=rep.state()["pair"], why="bad_number")["phase"] == "empty"
    assert not Lease.objects.exists()


def test_a_duplicate_is_closed_in_this_project_until_somebody_lifts_it(rep):
    pair = callable_pair()
    rep.does("next")
    rep.does("skip", pair=rep.state()["pair"], why="duplicate")

    closed = TerminalSession.objects.get(pair=pair)
    assert (closed.until, closed.reason, closed.by) == (None, "Skipped: duplicate", rep.user)


def test_a_duplicate_is_listed_beside_whoever_is_likely_the_same_person(rep):
    pair = callable_pair()
    twin = callable_pair(project=pair.project)
    Contact.objects.filter(pk=twin.contact_id).update(name=pair.contact.name.upper())
    rep.does("take", pair=str(twin.pk))
    rep.does("skip", pair=str(twin.pk), why="duplicate")

    listed = ReviewItem.objects.get()
    assert (listed.kind, listed.project, listed.source) == ("duplicate", pair.project, "call desk")
    assert [listed.contact, listed.other] == [pair.contact, twin.contact]


def test_a_window_that_was_left_behind_skips_nobody(rep):
    first, second = callable_pair(), callable_pair()
    rep.does("take", pair=str(first.pk))
    rep.does("take", pair=str(second.pk))

    refused = rep.ask("skip", pair=str(first.pk), why="duplicate")

    assert (refused.status_code, refused.json()["error_code"]) == (409, "moved_on")
    assert not TerminalSession.objects.exists()


def test_without_a_reason_nobody_is_skipped(rep):
    callable_pair()
    rep.does("next")

    refused = rep.ask("skip", pair=rep.state()["pair"], why="bored")

    assert (refused.status_code, refused.json()["error_code"]) == (400, "unknown_skip_reason")
    assert Lease.objects.exists()
