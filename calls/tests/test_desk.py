"""The call desk over HTTP: what a rep does, and that a reload shows the same again."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calls.choices import EventKind
from calls.models import CallDraft, CallSession, Disposition, Lease, TerminalSession
from calls.services import leasing, waterfalls
from calls.tests.factories import CallSessionFactory, LeaseFactory, callable_pair, first_point
from config.kernel import clock
from config.kernel.http import live_address
from config.testing import NOON
from crm.choices import PointState
from crm.models import Contact, Endpoint, ProjectContact, ReviewItem, User
from crm.tests.factories import (
    ContactFactory,
    EndpointFactory,
    HoursProfileFactory,
    ProjectFactory,
    UserFactory,
    give_point,
)

pytestmark = pytest.mark.django_db
SIMULATED = {"voice": {"BACKEND": "integrations.softphone.voice.SimulatedLine"}}
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class Rep:
    """A rep with a browser; ``at`` is the time on every clock, and moves when a test says so."""

    def __init__(self, user: User | None = None) -> None:
        self.user, self.client, self.at = user or UserFactory(bdr=True), Client(), NOON
        self.client.force_login(self.user)

    def page(self) -> Any:
        with clock.standing_at(self.at):
            return self.client.get(reverse("admin:call_desk"))

    def state(self, **asked: str) -> dict[str, Any]:
        with clock.standing_at(self.at):
            return self.client.get(reverse("admin:call_desk_state"), asked).json()

    def ask(self, deed: str, **said: Any) -> Any:
        with clock.standing_at(self.at):
            url = reverse(f"admin:call_desk_{deed}")
            return self.client.post(url, said, content_type="application/json")

    def does(self, deed: str, **said: Any) -> dict[str, Any]:
        response = self.ask(deed, **said)
        assert response.status_code == 200, response.content
        return response.json()

    def dials(self) -> dict[str, Any]:
        """Take the next person and call them."""
        self.does("next")
        lease = Lease.objects.get(user=self.user)
        point = lease.contact.points.get(endpoint=lease.endpoint)
        return self.does("dial", point=str(point.pk))

    def saves(self, name: str, **said: Any) -> dict[str, Any]:
        disposition = Disposition.objects.get(name=name)
        return self.does("outcome", session=self.state()["session"], disposition=str(disposition.pk), **said)


@pytest.fixture
def rep() -> Rep:
    return Rep()


class TestTheDay:
    def test_an_idle_page_shows_who_is_next_without_claiming_anybody(self, rep):
        pair = callable_pair()

        page = rep.page()

        assert (page.status_code, rep.state()["phase"]) == (200, "idle")
        assert str(pair.contact) in page.content.decode()
        assert not Lease.objects.exists()

    def test_taking_calling_and_saving_lead_to_the_next_person(self, rep):
        callable_pair(), callable_pair()

        taken = rep.does("next")
        called = rep.dials() if taken["phase"] == "previewing" else {}
        rep.at += MINUTE
        saved = rep.saves("No answer", note="Rang out")

        assert (taken["phase"], called["phase"], saved["phase"]) == ("previewing", "dialing", "saved")
        assert called["open"].startswith("tel:+1")
        call = CallSession.objects.get()
        assert (call.now.disposition.name, call.now.notes, call.now.status) == ("No answer", "Rang out", "completed")
        assert not Lease.objects.exists()
        assert rep.does("next")["pair"] != str(call.pair_id)

    def test_a_reload_in_the_middle_of_a_call_shows_the_same(self, rep):
        callable_pair()
        called = rep.dials()

        again = rep.state()

        assert {name: again[name] for name in ("phase", "pair", "session", "since")} == {
            name: called[name] for name in ("phase", "pair", "session", "since")
        }
        assert again["parts"] == called["parts"]

    def test_undo_within_ten_seconds_brings_call_and_note_back(self, rep):
        callable_pair(), callable_pair()
        session = rep.dials()["session"]
        saved = rep.saves("Do not call", note="Take me off your list")
        rep.does("next")
        rep.at += 9 * SECOND

        undone = rep.does("undo", session=saved["undo_session"])

        assert (undone["session"], undone["draft"]) == (session, "Take me off your list")
        assert undone["undo_session"] is None
        assert not CallSession.objects.get().contact.do_not_call
        rep.saves("No answer", note="Take me off your list")
        assert CallSession.objects.get().now.notes == "Take me off your list"

    def test_after_ten_seconds_undo_is_refused_and_the_bar_is_gone(self, rep):
        callable_pair()
        rep.dials()
        saved = rep.saves("Busy")
        rep.at += 11 * SECOND

        refused = rep.ask("undo", session=saved["undo_session"])

        assert (refused.status_code, refused.json()["error_code"]) == (409, "too_late")
        assert refused.json()["undo_session"] is None

    def test_nobody_else_is_called_before_the_call_has_an_outcome(self, rep):
        callable_pair(), callable_pair()
        rep.dials()

        refused = rep.ask("next")

        assert (refused.status_code, refused.json()["error_code"]) == (409, "finish_first")
        assert refused.json()["phase"] == "dialing"

    def test_an_old_call_without_outcome_waits_to_be_finished(self, rep):
        old = CallSessionFactory(rep=rep.user, initiated_at=NOON - timedelta(hours=3))

        before, chosen = rep.state(), rep.state(finish=str(old.pk))
        rep.does("outcome", session=str(old.pk), disposition=str(Disposition.objects.get(key=4).pk))

        assert "Finish these calls (1)" in before["parts"]["strip"]
        assert (chosen["phase"], chosen["session"]) == ("finishing", str(old.pk))
        assert "Finish these calls" not in rep.state()["parts"]["strip"]

    def test_a_colleagues_old_call_is_not_mine_to_finish(self, rep):
        other = CallSessionFactory(initiated_at=NOON - timedelta(hours=3))

        assert rep.state(finish=str(other.pk))["session"] is None
        assert (
            rep.ask("outcome", session=str(other.pk), disposition=str(Disposition.objects.get(key=4).pk)).status_code
            == 404
        )

    def test_a_dial_that_the_line_refuses_leaves_the_person_with_the_rep(self, rep, settings):
        settings.PROVIDERS = {"voice": {"BACKEND": "calls.tests.test_desk.DeadLine"}}
        pair = callable_pair()
        rep.does("next")

        refused = rep.ask("dial", point=str(first_point(pair.contact).pk))

        assert (refused.status_code, refused.json()["phase"]) == (502, "previewing")
        assert "did not begin, and does not count" in refused.json()["error"]

    def test_what_closes_after_the_lease_is_shown_as_blocked_with_the_reason(self, rep):
        pair = callable_pair()
        rep.does("next")
        ProjectContact.objects.filter(pk=pair.pk).update(suppress_for_project=True)

        blocked = rep.state()
        refused = rep.ask("dial", point=str(first_point(pair.contact).pk))

        assert blocked["phase"] == "blocked"
        assert "Not to be called in this project" in blocked["parts"]["call"]
        assert (refused.status_code, refused.json()["error_code"]) == (409, "gate_refused")
        assert refused.json()["reasons"] == ["Not to be called in this project"]


class DeadLine:
    label = "Dead line"

    def begin(self, *, to: str, extension: str, reference: str) -> Any:
        from config.kernel.providers import Unavailable

        raise Unavailable("The exchange is closed.")


class TestSkipping:
    @pytest.mark.parametrize(("why", "hours"), [("later", 2), ("tomorrow", 10)])
    def test_later_rests_the_pair_and_gives_the_person_back(self, rep, why, hours):
        pair = callable_pair()
        rep.does("next")

        after = rep.does("skip", pair=rep.state()["pair"], why=why)

        assert after["phase"] == "empty"
        assert TerminalSession.objects.get(pair=pair).until == NOON + timedelta(hours=hours)

    @pytest.mark.parametrize("why", ["wrong_person", "bad_number"])
    def test_a_number_that_is_no_good_leads_to_the_persons_next_one(self, rep, why):
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
        assert (first.failed_until is not None) is (why == "bad_number")

    def test_without_another_number_the_person_is_given_back(self, rep):
        callable_pair()
        rep.does("next")

        assert rep.does("skip", pair=rep.state()["pair"], why="bad_number")["phase"] == "empty"
        assert not Lease.objects.exists()

    def test_a_duplicate_is_closed_in_this_project_until_somebody_lifts_it(self, rep):
        pair = callable_pair()
        rep.does("next")
        rep.does("skip", pair=rep.state()["pair"], why="duplicate")

        closed = TerminalSession.objects.get(pair=pair)
        assert (closed.until, closed.reason, closed.by) == (None, "Skipped: duplicate", rep.user)

    def test_a_duplicate_is_listed_beside_whoever_is_likely_the_same_person(self, rep):
        pair = callable_pair()
        twin = callable_pair(project=pair.project)
        Contact.objects.filter(pk=twin.contact_id).update(name=pair.contact.name.upper())
        rep.does("take", pair=str(twin.pk))
        rep.does("skip", pair=str(twin.pk), why="duplicate")

        listed = ReviewItem.objects.get()
        assert (listed.kind, listed.project, listed.source) == ("duplicate", pair.project, "call desk")
        assert [listed.contact, listed.other] == [pair.contact, twin.contact]

    def test_a_window_that_was_left_behind_skips_nobody(self, rep):
        first, second = callable_pair(), callable_pair()
        rep.does("take", pair=str(first.pk))
        rep.does("take", pair=str(second.pk))

        refused = rep.ask("skip", pair=str(first.pk), why="duplicate")

        assert (refused.status_code, refused.json()["error_code"]) == (409, "moved_on")
        assert not TerminalSession.objects.exists()

    def test_without_a_reason_nobody_is_skipped(self, rep):
        callable_pair()
        rep.does("next")

        refused = rep.ask("skip", pair=rep.state()["pair"], why="bored")

        assert (refused.status_code, refused.json()["error_code"]) == (400, "unknown_skip_reason")
        assert Lease.objects.exists()


class TestCallbacks:
    def test_a_callback_asks_when_and_keeps_the_promise(self, rep):
        pair = callable_pair()
        rep.dials()

        rep.saves("Call back", callback_wall="2026-06-17T10:30", callback_zone="America/Chicago")

        pair.refresh_from_db()
        assert (pair.callback_at.isoformat(), pair.callback_by) == ("2026-06-17T15:30:00+00:00", rep.user)

    @pytest.mark.parametrize(
        ("wall", "says"),
        [
            ("2026-06-17T03:00", "Nobody may be called there then. The next time is Wed 17 Jun"),
            ("2026-06-16T09:00", "within the next 60 days"),
            ("2027-06-16T10:00", "within the next 60 days"),
            ("soon", "no date"),
            ("", "When shall they be called back?"),
        ],
    )
    def test_an_impossible_time_is_refused_and_nothing_is_written(self, rep, wall, says):
        callable_pair()
        session = rep.dials()["session"]
        call_back = str(Disposition.objects.get(name="Call back").pk)

        refused = rep.ask(
            "outcome", session=session, disposition=call_back, callback_wall=wall, callback_zone="America/Chicago"
        )

        assert refused.status_code == 400
        assert says in refused.json()["error"]
        assert refused.json()["session"] == session

    def test_the_quick_choices_are_all_within_calling_hours(self, rep):
        callable_pair()
        rep.at = NOON + timedelta(hours=6)
        rep.user.time_zone = "America/Los_Angeles"
        rep.user.save()
        rep.does("next")

        choices = re.findall(r'data-at="([^"]+)"', rep.dials()["parts"]["call"])

        assert len(choices) >= 3
        session, call_back = rep.state()["session"], str(Disposition.objects.get(name="Call back").pk)
        for choice in choices:
            rep.does("outcome", session=session, disposition=call_back, callback_at=choice)
            rep.does("undo", session=session)


class TestNotes:
    def test_a_draft_outlives_a_reload(self, rep):
        callable_pair()
        pair = rep.does("next")["pair"]

        rep.does("draft", pair=pair, text="Asks for a brochure")

        assert rep.state()["draft"] == "Asks for a brochure"
        assert "Asks for a brochure</textarea>" in rep.page().content.decode()

    def test_a_note_is_shown_as_it_was_typed_and_never_as_markup(self, rep):
        callable_pair(project=ProjectFactory(name="<script>alert(1)</script>"))
        pair = rep.does("next")["pair"]
        rep.does("draft", pair=pair, text="</textarea><b>x</b>")

        page = rep.page().content.decode()

        assert "<script>alert(1)" not in page
        assert "</textarea><b>" not in page

    def test_somebody_elses_contact_takes_no_draft(self, rep):
        pair = callable_pair(contact=ContactFactory(phone="+15125550134", owner=UserFactory(bdr=True)))

        assert rep.ask("draft", pair=str(pair.pk), text="x").status_code == 404
        assert not CallDraft.objects.exists()


class TestTheQueue:
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

    def test_the_waterfall_bar_covers_everybody(self, rep):
        callable_pair(), callable_pair(suppress_for_project=True)
        waterfalls.count(project=None, at=NOON)

        strip = rep.state()["parts"]["strip"]

        widths = [int(width) for width in re.findall(r'width="(\d+)"', strip)]
        assert sum(widths) == 10_000
        assert "Not to be called in this project" in strip

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

        assert _statements(rep) == few <= 32


def _statements(rep: Rep) -> int:
    with CaptureQueriesContext(connection) as seen:
        rep.state()
    return len(seen)


class TestNobody:
    def test_nothing_imported_says_how_to_take_in_a_file(self, rep):
        assert "./dev ingest FILE" in rep.state()["parts"]["call"]

    def test_outside_hours_says_where_it_opens_and_when(self, rep):
        callable_pair()
        rep.at = NOON + timedelta(hours=10)

        said = rep.state()["parts"]["call"]

        assert re.search(r"Opens Wed 0\d:\d\d in Chicago, in \d+ h", said)

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

    @pytest.mark.parametrize("body", ["[1]", "{", '"x"'])
    def test_nonsense_is_refused_in_words(self, rep, body):
        refused = rep.client.post(reverse("admin:call_desk_next"), body, content_type="application/json")

        assert (refused.status_code, refused.json()["error_code"]) == (400, "bad_request")

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
