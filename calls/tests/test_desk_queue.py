"""Whom the call desk offers, and what it says when there is nobody."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls.models import Lease
from calls.pages.standing import STRIP
from calls.services import emptiness, hints, leasing, waterfalls
from calls.tests.desk import MINUTE, Rep
from calls.tests.factories import LeaseFactory, callable_pair
from config.kernel import clock
from config.testing import NOON
from crm.services.normalization.places import SOMEWHERE_IN_THE_STATES, profile_key
from crm.tests.factories import ContactFactory, HoursProfileFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep() -> Rep:
    return Rep()


class TestTheQueue:
    def test_it_says_how_many_there_are_and_or_more_only_where_there_are_more(self, rep):
        said = []
        for _ in range(STRIP + 1):
            callable_pair()
            said.append(rep.state()["said"])

        assert said[0] == "Ready. 1 person can be called."
        assert said[-2:] == [f"Ready. {STRIP} people can be called.", f"Ready. {STRIP} or more people can be called."]

    def test_two_reps_never_hold_the_same_person(self, rep):
        other = Rep()
        callable_pair(), callable_pair()

        assert rep.does("next")["pair"] != other.does("next")["pair"]
        assert other.ask("take", pair=rep.state()["pair"]).json()["error_code"] == "gate_refused"

    def test_taking_one_from_the_strip_replaces_whom_one_held(self, rep):
        callable_pair()
        second = callable_pair()
        rep.does("next")

        assert rep.does("take", pair=str(second.pk))["pair"] == str(second.pk)
        assert Lease.objects.get().pair == second

    def test_an_entry_explains_itself_number_by_number(self, rep):
        pair = callable_pair()
        LeaseFactory(pair=pair, user=UserFactory(bdr=True, name="Jordan Sample"))
        with clock.standing_at(NOON):
            told = rep.client.get(reverse("admin:call_desk_explain", args=[pair.pk])).json()

        assert told["title"] == str(pair.contact)
        assert "Jordan Sample has it" in told["html"]
        assert "Take this person" not in told["html"]

    def test_whom_one_may_not_see_explains_nothing(self, rep):
        hidden = callable_pair(contact=ContactFactory(phone="+15125550134", owner=UserFactory(bdr=True)))
        with clock.standing_at(NOON):
            assert rep.client.get(reverse("admin:call_desk_explain", args=[hidden.pk])).status_code == 404
        assert rep.ask("take", pair=str(hidden.pk)).status_code == 404

    def test_a_heartbeat_keeps_the_hold_and_comes_too_late_after_it(self, rep):
        callable_pair()
        rep.does("next")
        rep.at += 4 * MINUTE
        assert rep.does("heartbeat")["held_until"] == (rep.at + leasing.LEASE).isoformat()
        rep.at += 6 * MINUTE

        late = rep.ask("heartbeat")

        assert (late.status_code, late.json()["phase"]) == (409, "idle")

    def test_an_unattended_page_gives_the_person_back_and_says_so_until_somebody_moves_on(self, rep):
        pair = callable_pair()
        rep.does("next")
        for _ in range(7):
            rep.at += 4 * MINUTE
            kept = rep.does("heartbeat")
        assert "back to the queue at 14:30 unless you call" in kept["parts"]["call"]
        rep.at += 2 * MINUTE

        refused = rep.ask("heartbeat")

        told = refused.json()
        assert (refused.status_code, told["error_code"], told["phase"]) == (409, "held_too_long", "idle")
        assert told["said"] == f"{pair.contact} went back to the queue: nobody was called for half an hour."
        rep.at += 60 * MINUTE
        notices = rep.state()["parts"]["notices"]
        assert f"<strong>{pair.contact}</strong> went back to the queue" in notices
        assert f'data-act="take" data-pair="{pair.pk}"' in notices
        again = rep.does("take", pair=str(pair.pk))
        assert (again["pair"], again["parts"]["notices"].strip()) == (str(pair.pk), "")
        rep.does("release")
        assert rep.state()["parts"]["notices"].strip() == ""

    def test_the_waterfall_bar_covers_everybody(self, rep):
        callable_pair(), callable_pair(suppress_for_project=True)
        waterfalls.count(project=None, at=NOON)

        strip = rep.state()["parts"]["strip"]

        widths = [int(width) for width in re.findall(r'width="(\d+)"', strip)]
        assert sum(widths) == 10_000
        assert "Not to be called in this project" in strip

    def test_whose_people_are_counted_is_said(self, rep):
        callable_pair(), callable_pair(contact=ContactFactory(phone="+15125550134", owner=UserFactory(bdr=True)))
        waterfalls.count(project=None, at=NOON)

        parts = rep.state()["parts"]

        assert "2 people in projects can be called now by the whole team." in parts["call"]
        assert "people in projects, of the whole team" in parts["strip"]

    def test_the_strip_forecasts_when_the_queue_runs_dry(self, rep):
        for _ in range(3):
            callable_pair()
        waterfalls.count(project=None, at=NOON)
        assert "enough for" not in rep.state()["parts"]["strip"]
        rep.dials()

        assert "enough for 3 h at this pace" in rep.state()["parts"]["strip"]

    def test_the_number_of_questions_to_the_database_does_not_grow_with_the_queue(self, rep):
        callable_pair(), callable_pair()
        rep.does("next")
        few = _statements(rep)
        for _ in range(5):
            callable_pair(project=ProjectFactory())

        assert _statements(rep) == few <= 16


def _statements(rep: Rep) -> int:
    with CaptureQueriesContext(connection) as seen:
        rep.state()
    return len(seen)


def _waiting_at(key):
    pair = callable_pair()
    line = pair.contact.points.get().endpoint
    line.hours_profile = HoursProfileFactory(key=key)
    line.save()
    hints.refresh(at=NOON, pair_ids=[pair.pk])


class TestNobody:
    def test_nothing_imported_says_how_to_take_in_a_file(self, rep):
        assert "./dev ingest FILE" in rep.state()["parts"]["call"]

    def test_outside_hours_says_where_it_opens_and_when(self, rep):
        callable_pair()
        rep.at = NOON + timedelta(hours=10)

        said = rep.state()["parts"]["call"]

        assert re.search(r"Opens Wed 0\d:\d\d in Chicago, in \d+ h", said)

    def test_outside_hours_the_headline_is_of_the_place_that_opens_first_however_few_wait_there(self, rep):
        _waiting_at("Pacific/Honolulu US-HI"), _waiting_at("Pacific/Honolulu US-HI")
        callable_pair()
        rep.at = NOON + timedelta(hours=16)  # four in the morning in Chicago, midnight in Honolulu

        said = rep.state()["parts"]["call"]

        assert "Opens Wed 09:00 in Chicago, in 4 h" in said
        assert said.index("Honolulu") < said.rindex("Chicago")

    def test_outside_hours_also_a_place_that_is_not_listed_can_be_the_first(self, rep, monkeypatch):
        monkeypatch.setattr(emptiness, "PLACES", 1)
        _waiting_at("Pacific/Honolulu US-HI"), _waiting_at("Pacific/Honolulu US-HI")
        callable_pair()
        rep.at = NOON + timedelta(hours=16)

        said = rep.state()["parts"]["call"]

        assert "in Chicago, in 4 h" in said
        assert "and 1 more place." in said

    def test_outside_hours_who_may_be_anywhere_is_told_how_to_be_placed(self, rep):
        _waiting_at(profile_key(SOMEWHERE_IN_THE_STATES))
        rep.at = NOON + timedelta(hours=16)

        said = rep.state()["parts"]["call"]

        assert re.search(r"Opens in \d+ h( \d+ min)? for people whose place is not known", said)
        assert "A time zone or an address on the person's page says where they are" in said
        assert "Adak" not in said

    def test_cooling_down_shows_a_forecast_and_who_may_be_written_to(self, rep):
        callable_pair(contact=ContactFactory(phone="+15125550134", email="sam@example.com", name="Sam Sample"))
        rep.dials()
        rep.saves("No answer")
        rep.at += MINUTE

        said = rep.state()["parts"]["call"]

        assert "Everybody is cooling down" in said
        assert "May be written to instead" in said
        assert "sam@example.com" in said
        assert "Forecast for 24 hours" in said

    def test_leased_by_others_names_them(self, rep):
        LeaseFactory(pair=callable_pair(), user=UserFactory(bdr=True, name="Jordan Sample"))

        assert "Jordan Sample is with them" in rep.state()["parts"]["call"]

    def test_a_filter_too_tight_offers_to_loosen_it(self, rep):
        callable_pair()
        tight = rep.does("want", priority="4")

        loose = rep.does("want", drop="priority")

        assert "Remove the priority: +1" in tight["parts"]["call"]
        assert loose["phase"] == "idle"

    def test_caps_reached_says_when_they_reset(self, rep):
        from calls.tests.factories import CallingPolicyFactory

        CallingPolicyFactory(cooldown=timedelta(0), day_cap=1)
        callable_pair()
        rep.dials()
        rep.saves("No answer")
        rep.at += MINUTE

        said = rep.state()["parts"]["call"]

        assert "Everybody was called often enough" in said
        assert "Who comes back first" in said

    def test_nobody_callable_counts_the_reasons(self, rep):
        callable_pair(suppress_for_project=True)

        assert "Not to be called in this project" in rep.state()["parts"]["call"]
