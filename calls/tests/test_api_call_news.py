"""What becomes of calls over HTTP: news in any order, outcomes that are corrected, notes that are never overwritten."""

from datetime import timedelta

import pytest

from calls.models import Disposition
from calls.tests.telling import call
from config.kernel import clock
from config.testing import NOON
from config.tests import callers
from crm.models import ProjectContact

pytestmark = pytest.mark.django_db
noon, admin, rep = callers.noon, callers.admin, callers.rep


def test_news_of_a_call_may_come_twice_and_in_any_order(rep):
    path = f"call-sessions/{call(rep).pk}/events/"

    rep.send("post", path, {"kind": "completed", "at": "2026-06-16T18:02:00Z", "external_id": "e2"})
    rep.send("post", path, {"kind": "answered", "at": "2026-06-16T18:00:30Z", "external_id": "e1"})
    status, said = rep.send("post", path, {"kind": "answered", "at": "2026-06-16T18:00:30Z", "external_id": "e1"})

    assert status == 201
    assert (said["now"]["status"], said["now"]["duration"]) == ("completed", 90)
    assert [event["kind"] for event in said["events"]] == ["initiated", "answered", "completed"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "outcome"},
        {"kind": "correction"},
        {"kind": "initiated"},
        {"kind": "ringing", "at": "2027-01-01T00:00:00Z"},
        {"kind": "recording", "facts": {"recording_url": "file:///etc/passwd"}},
        {"kind": "note", "facts": {"colour": "blue"}},
    ],
)
def test_news_that_makes_no_sense_is_refused(rep, body):
    session = call(rep)

    assert rep.send("post", f"call-sessions/{session.pk}/events/", body)[0] == 400
    assert session.events.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "completed", "at": "1990-01-01T00:00:00Z"}, "at"),
        ({"kind": "answered", "at": "2026-06-16T17:54:59.999Z"}, "at"),
        ({"kind": "note", "facts": {"duration": 4}}, "facts.note"),
        ({"kind": "note"}, "facts.note"),
        ({"kind": "recording"}, "facts.recording_url"),
        ({"kind": "recording", "facts": {"note": "There is one."}}, "facts.recording_url"),
    ],
)
def test_news_from_before_the_call_or_without_what_it_tells_is_refused_by_its_field(rep, body, field):
    session = call(rep)

    status, said = rep.send("post", f"call-sessions/{session.pk}/events/", body)

    assert (status, [detail["field"] for detail in said["details"]]) == (400, [field])
    assert session.events.count() == 1
    assert session.now.status == "initiated"


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "answered", "at": "2026-06-16T17:55:00Z"},
        {"kind": "note", "facts": {"note": "Wants a quote."}},
        {"kind": "recording", "facts": {"recording_url": "https://example.com/1.mp3"}},
    ],
)
def test_news_from_a_clock_that_differs_by_minutes_and_with_its_facts_is_taken(rep, body):
    assert rep.send("post", f"call-sessions/{call(rep).pk}/events/", body)[0] == 201


def test_an_outcome_takes_effect_is_corrected_and_taken_back(rep):
    session = call(rep)
    path, on_key = f"call-sessions/{session.pk}", {row.key: str(row.pk) for row in Disposition.objects.all()}

    status, said = rep.send("post", f"{path}/outcome/", {"disposition": on_key[9], "note": "Never again."})
    session.contact.refresh_from_db()
    assert (status, said["now"]["disposition_name"], session.contact.do_not_call) == (200, "Do not call", True)

    assert rep.send("post", f"{path}/outcome/", {"disposition": on_key[4]})[1]["error_code"] == "already_concluded"
    assert rep.send("post", f"{path}/correct/", {"disposition": on_key[4]})[1]["now"]["disposition"] == on_key[4]
    session.contact.refresh_from_db()
    assert session.contact.do_not_call is False

    assert rep.send("post", f"{path}/undo/")[1]["now"]["disposition"] is None
    assert rep.send("post", f"{path}/undo/")[1]["error_code"] == "no_outcome"


def test_after_ten_seconds_only_an_admin_corrects_and_says_why(admin, rep):
    session = call(rep)
    path = f"call-sessions/{session.pk}"
    rep.send("post", f"{path}/outcome/", {"disposition": "No answer"})

    with clock.standing_at(NOON + timedelta(seconds=11)):
        assert rep.send("post", f"{path}/correct/", {"disposition": "Busy"})[1]["error_code"] == "too_late"
        assert admin.send("post", f"{path}/correct/", {"disposition": "Busy"})[0] == 400
        status, said = admin.send("post", f"{path}/correct/", {"disposition": "Busy", "reason": "The rep called."})

    assert (status, said["now"]["disposition_name"]) == (200, "Busy")
    assert said["events"][-1]["facts"]["reason"] == "The rep called."


def test_a_callback_is_promised_at_a_time_to_come(rep):
    session = call(rep)
    path = f"call-sessions/{session.pk}/outcome/"

    assert rep.send("post", path, {"disposition": "Call back"})[0] == 400
    assert rep.send("post", path, {"disposition": "Call back", "callback_at": "2026-06-17T15:30:00Z"})[0] == 200
    assert ProjectContact.objects.get(pk=session.pair_id).callback_at == NOON.replace(day=17, hour=15, minute=30)


def test_notes_are_added_at_any_time_and_never_overwritten(rep):
    path = f"call-sessions/{call(rep).pk}/notes/"

    rep.send("post", path, {"text": "Has a dog."})
    status, said = rep.send("post", path, {"text": "And a cat."})

    assert (status, said["now"]["notes"]) == (201, "Has a dog.\nAnd a cat.")
    assert rep.send("post", path, {"text": "   "})[0] == 400
