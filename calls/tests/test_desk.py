"""The call desk over HTTP: what a rep does, and that a reload shows the same again."""

import re
from datetime import timedelta
from typing import Any

import pytest

from calls.models import CallDraft, CallSession, Disposition, Lease
from calls.tests.desk import MINUTE, SECOND, Rep
from calls.tests.factories import CallSessionFactory, callable_pair, first_point
from config.testing import NOON
from crm.models import ProjectContact
from crm.tests.factories import ContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db


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

    def test_finishing_an_old_call_keeps_whom_the_rep_holds_by_now(self, rep):
        old = CallSessionFactory(rep=rep.user, initiated_at=NOON - timedelta(hours=3))
        callable_pair()
        held = rep.does("next")["pair"]

        rep.does("outcome", session=str(old.pk), disposition=str(Disposition.objects.get(key=4).pk))

        assert str(Lease.objects.get(user=rep.user).pair_id) == held
        assert [event.kind for event in old.events.in_order()] == ["initiated", "completed", "outcome"]

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
        assert (refused.json()["session"], refused.json()["phase"]) == (session, "dialing")

    @pytest.mark.parametrize("zone", ["America", "Nowhere/Else", "x" * 5_000, "", None])
    def test_a_zone_that_there_is_not_is_the_rep_s_own(self, rep, zone):
        pair = callable_pair()
        rep.dials()

        rep.saves("Call back", callback_wall="2026-06-17T10:30", callback_zone=zone)

        pair.refresh_from_db()
        assert pair.callback_at.isoformat() == "2026-06-17T14:30:00+00:00"

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
