"""The page of the call desk: where it is, who may use it, and the line for demos."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from calls.choices import EventKind
from calls.models import CallSession, Lease
from calls.tests.desk import MINUTE, SECOND, SIMULATED, Rep
from calls.tests.factories import CallSessionFactory, callable_pair
from config.kernel.http import live_address
from config.testing import NOON
from crm.models import Contact, ProjectContact
from crm.tests.factories import (
    ContactFactory,
    EndpointFactory,
    HoursProfileFactory,
    ProjectFactory,
    UserFactory,
    give_point,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep() -> Rep:
    return Rep()


class TestThePlace:
    def test_a_number_that_may_ring_in_two_zones_gets_two_clocks(self, rep):
        contact = ContactFactory(name="Sam Sample")
        both = HoursProfileFactory(key="America/Chicago US-TX|America/Denver US-TX")
        line = EndpointFactory(value="+19155550141", hours_profile=both, owner=contact)
        give_point(contact, "phone", line.value, is_primary=True)
        callable_pair(contact=contact)

        person = rep.does("next")["parts"]["person"]

        assert re.findall(r'data-zone="([^"]+)"[^>]*>([0-9:]+)<', person) == [
            ("America/Chicago", "13:00"),
            ("America/Denver", "12:00"),
        ]
        assert "1 h behind" in person
        assert "2 h behind" in person

    def test_the_script_speaks_of_days_to_come_only(self, rep):
        project = ProjectFactory(starts_on=NOON.date() - timedelta(days=1), bid_on=NOON.date())
        callable_pair(project=project)

        script = rep.does("next")["parts"]["script"]

        assert "bids are due on 16 June" in script
        assert "starts on" not in script

    @pytest.mark.parametrize(("year", "zone"), [(9999, "Asia/Tokyo"), (1, "America/Los_Angeles")])
    def test_a_row_from_the_end_of_the_calendar_breaks_no_page(self, rep, year, zone):
        rep.user.time_zone = zone
        rep.user.save()
        pair, end = callable_pair(), datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime.max.replace(tzinfo=UTC)
        ProjectContact.objects.filter(pk=pair.pk).update(callback_at=end, callback_by=rep.user)
        CallSessionFactory(pair=pair, rep=rep.user, initiated_at=NOON - timedelta(days=9))
        Contact.objects.update(consent_given=True, consent_at=end)

        idle, held = rep.page(), rep.does("next")

        assert (idle.status_code, held["phase"]) == (200, "previewing")
        assert "Call back" in held["parts"]["side"]


class TestTheSimulatedLine:
    def test_a_call_plays_by_itself_as_long_as_somebody_looks(self, rep, settings):
        settings.PROVIDERS = SIMULATED
        callable_pair()
        called = rep.dials()
        rep.at += 2 * MINUTE

        over = rep.does("line")

        assert (called["plays"], called["open"]) == (True, "")
        assert "Simulated" in called["parts"]["call"]
        assert (over["phase"], over["plays"]) == ("wrapup", False)
        assert CallSession.objects.get().source == "simulated"

    def test_the_rep_hangs_up_and_the_line_stays_silent(self, rep, settings):
        settings.PROVIDERS = SIMULATED
        callable_pair()
        session = rep.dials()["session"]
        rep.at += SECOND / 2

        rep.does("happened", session=session, kind="completed")
        rep.at += 2 * MINUTE
        rep.does("line")

        told = CallSession.objects.get().events.in_order().values_list("kind", flat=True)
        assert list(told) == [EventKind.INITIATED, EventKind.COMPLETED]


class TestWhoMayUseIt:
    def test_strangers_sign_in_first(self):
        page = Client().get(reverse("admin:call_desk"))
        state = Client().get(reverse("admin:call_desk_state"))

        assert (page.status_code, page.url) == (302, f"{reverse('admin:login')}?next={reverse('admin:call_desk')}")
        assert (state.status_code, state.json()["error_code"]) == (401, "signed_out")

    def test_staff_without_the_permission_are_refused(self):
        stranger = Rep(UserFactory(is_staff=True))

        assert stranger.page().status_code == 403
        assert stranger.ask("next").status_code == 403

    def test_a_deed_without_a_csrf_token_is_refused(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory(bdr=True))

        refused = client.post(
            reverse("admin:call_desk_next"), {}, content_type="application/json", HTTP_ACCEPT="application/json"
        )

        assert (refused.status_code, refused.json()["error_code"]) == (403, "csrf_failed")

    def test_deeds_are_posted_only(self, rep):
        assert rep.client.get(reverse("admin:call_desk_next")).status_code == 405

    @pytest.mark.parametrize("body", ["[1]", "{", '"x"', '{"a":' * 15_000, '{"zone": "\\ud800"}'])
    def test_nonsense_is_refused_in_words(self, rep, body):
        refused = rep.client.post(reverse("admin:call_desk_next"), body, content_type="application/json")

        assert (refused.status_code, refused.json()["error_code"]) == (400, "bad_request")

    def test_a_project_is_looked_for_by_whatever_is_typed(self, rep):
        ProjectFactory(name="Example Tower")

        found = rep.client.get(reverse("admin:call_desk_projects"), {"q": "example\0 tower"}).json()

        assert [one["name"] for one in found["projects"]] == ["Example Tower"]

    def test_a_lease_on_somebody_who_became_anothers_is_given_back(self, rep):
        pair = callable_pair()
        rep.does("next")
        pair.contact.owner = UserFactory(bdr=True)
        pair.contact.save()

        assert rep.state()["phase"] == "empty"
        assert not Lease.objects.exists()


@pytest.mark.parametrize(("opened", "live"), [("localhost:8000", "localhost"), ("127.0.0.1:8000", "127.0.0.1")])
def test_the_live_address_has_the_name_that_the_page_was_opened_by(rf, settings, opened, live):
    settings.WS_URL = "ws://127.0.0.1:8001/ws/"

    assert live_address(rf.get("/", headers={"host": opened})) == f"ws://{live}:8001/ws"


def test_a_public_live_address_is_left_as_it_is(rf, settings):
    settings.WS_URL = "wss://live.example.com/ws/"

    assert live_address(rf.get("/", headers={"host": "localhost:8000"})) == "wss://live.example.com/ws"
