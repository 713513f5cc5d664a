"""Calls over HTTP: recorded once, whoever tells of them how often, and found again."""

from datetime import timedelta
from typing import Any

import pytest

from calls.models import CallSession, Disposition
from calls.tests.factories import CallSessionFactory, callable_pair, first_point
from calls.tests.telling import call, told
from config.testing import NOON
from config.tests import callers
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.models import Touch
from crm.tests.factories import ContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
noon, admin, rep = callers.noon, callers.admin, callers.rep


def test_only_the_rep_of_a_call_or_an_admin_says_what_happened_in_it(rep, admin):
    session, colleague = CallSessionFactory(rep=rep.user), a_rep()
    path = f"call-sessions/{session.pk}"

    for what, body in (("outcome", {"disposition": "No answer"}), ("events", {"kind": "answered"})):
        status, refusal = colleague.send("post", f"{path}/{what}/", body)
        assert (status, refusal["error_code"]) == (409, "not_yours"), what
    assert colleague.send("post", f"{path}/notes/", {"text": "They called me back."})[0] == 201
    assert admin.send("post", f"{path}/events/", {"kind": "answered"})[0] == 201
    assert rep.send("post", f"{path}/outcome/", {"disposition": "No answer"})[0] == 200


def test_a_call_made_elsewhere_is_stored_with_everything_told_about_it(rep):
    pair = callable_pair()
    facts = {"answered_at": "2026-06-16T17:50:10Z", "ended_at": "2026-06-16T17:51:45Z", "notes": "Wants a quote."}

    status, said = rep.send("post", "call-sessions/", told(pair, disposition="Connected, interested", **facts))

    assert status == 201
    assert (said["pair"], said["rep"], said["source"]) == (str(pair.pk), str(rep.user.pk), "api")
    assert said["point"] == str(first_point(pair.contact).pk)
    assert (said["now"]["status"], said["now"]["duration"], said["now"]["notes"]) == ("completed", 95, "Wants a quote.")
    assert said["now"]["disposition_name"] == "Connected, interested"
    assert [event["kind"] for event in said["events"]] == ["initiated", "answered", "completed", "outcome"]
    assert Touch.objects.get().source_id == CallSession.objects.get().pk


def test_the_same_call_again_is_200_and_changes_nothing(rep):
    body = told(callable_pair(), notes="Once.")
    status, first = rep.send("post", "call-sessions/", body)

    again, second = rep.send("post", "call-sessions/", body)

    assert (status, again) == (201, 200)
    assert first == second
    assert Touch.objects.count() == CallSession.objects.count() == 1


def test_the_same_id_with_another_body_is_409_and_names_the_fields(rep):
    pair = callable_pair()
    rep.send("post", "call-sessions/", told(pair, notes="Once."))

    status, said = rep.send("post", "call-sessions/", told(pair, notes="Twice.", duration=4))

    assert (status, said["error_code"]) == (409, "told_differently")
    assert sorted(detail["field"] for detail in said["details"]) == ["duration", "notes"]


def test_an_id_that_somebody_elses_call_has_tells_nothing_of_it(rep):
    theirs = CallSessionFactory(
        pair=callable_pair(contact=ContactFactory(owner=UserFactory(bdr=True), phone="+15125550134")),
        call_session_id="ext-1",
    )

    status, said = rep.send("post", "call-sessions/", told(callable_pair()))

    assert (status, said["error_code"], said["details"]) == (409, "exists_out_of_scope", [])
    assert str(theirs.pk) not in str(said)


def test_a_call_that_broke_a_rule_is_stored_and_shown_as_such(rep):
    pair = callable_pair(suppress_for_project=True)

    status, said = rep.send("post", "call-sessions/", told(pair))

    assert (status, said["outside_gate"]) == (201, ["pair_suppressed"])


def test_a_call_to_a_number_that_reaches_only_a_colleagues_person_is_stored_and_tells_no_id_of_it(rep, admin):
    theirs = callable_pair(contact=ContactFactory(owner=UserFactory(bdr=True), phone="+15125550134"))
    line, number = str(first_point(theirs.contact).endpoint_id), "+1 512 555 0134"
    colleagues = ProjectFactory(owner=UserFactory(bdr=True))

    status, said = rep.send("post", "call-sessions/", told(callable_pair(), number=number))

    assert (status, said["endpoint"], said["number"]) == (201, None, number)
    assert str(CallSession.objects.get().endpoint_id) == line
    for path in ("call-sessions/", f"call-sessions/{said['id']}/", "touches/"):
        assert line not in rep.get(f"/api/v1/{path}").content.decode(), path
    assert admin.get(f"/api/v1/call-sessions/{said['id']}/").json()["endpoint"] == line

    CallSessionFactory(rep=rep.user, pair=callable_pair(project=colleagues))
    shown = rep.get("/api/v1/call-sessions/").json()["results"]
    assert str(colleagues.pk) not in str(shown)


def test_a_rep_records_only_their_own_calls_and_an_admin_anybodys(admin, rep):
    pair, colleague = callable_pair(), UserFactory(bdr=True)

    assert rep.send("post", "call-sessions/", told(pair, rep=str(colleague.pk)))[0] == 400
    assert admin.send("post", "call-sessions/", told(pair, rep=str(colleague.pk)))[1]["rep"] == str(colleague.pk)
    nobody = told(pair, call_session_id="ext-2", rep=None)
    assert admin.send("post", "call-sessions/", nobody)[1]["rep"] is None


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"call_session_id": ""}, "call_session_id"),
        ({"contact": None}, "contact"),
        ({"initiated_at": "yesterday"}, "initiated_at"),
        ({"initiated_at": "2026-06-17T18:00:00Z"}, "initiated_at"),
        ({"ended_at": "2026-06-16T17:00:00Z"}, "ended_at"),
        ({"duration": -1}, "duration"),
        ({"disposition": "Eloped"}, "disposition"),
        ({"ended_at": "2026-07-16T17:00:00Z"}, "ended_at"),
        ({"answered_at": "2026-06-16T17:58:00Z", "ended_at": "2026-06-16T17:57:00Z"}, "answered_at"),
        ({"direction": "sideways"}, "direction"),
        ({"recording_url": "javascript:alert(1)"}, "recording_url"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_by_its_field_and_not_stored(rep, facts, field):
    status, said = rep.send("post", "call-sessions/", told(callable_pair(), **facts))

    assert status == 400
    assert [detail["field"] for detail in said["details"]] == [field]
    assert not CallSession.objects.exists()


def test_what_of_a_call_has_no_effect_is_said_and_the_call_is_stored(rep):
    body = told(callable_pair(), disposition="Call back")

    status, first = rep.send("post", "call-sessions/", body)
    again, second = rep.send("post", "call-sessions/", body)

    assert (status, again) == (201, 200)
    assert first["now"]["disposition_name"] == "Call back"
    assert first["warnings"] == second["warnings"] == {"callback_at": "Nothing is promised: no time was told."}


def test_an_outcome_about_a_project_is_refused_where_the_call_is_of_none(rep):
    body = told(callable_pair())
    del body["project"]
    session = rep.send("post", "call-sessions/", body)[1]["id"]
    path = f"call-sessions/{session}/outcome/"

    for name in ("Call back", "Connected, not interested"):
        status, said = rep.send("post", path, {"disposition": name, "callback_at": "2026-06-17T18:00:00Z"})
        assert (status, [detail["field"] for detail in said["details"]]) == (400, ["disposition"])
    assert rep.send("post", path, {"disposition": "Busy"})[0] == 200


def test_a_call_of_the_desk_may_be_told_again_by_its_own_id(rep, admin):
    session = CallSessionFactory(rep=rep.user)
    rep.send("post", f"call-sessions/{session.pk}/outcome/", {"disposition": "No answer", "note": "Rang out."})
    body = {
        "call_session_id": session.call_session_id, "contact": str(session.contact_id),
        "project": str(session.project_id), "number": "".join(filter(str.isdigit, session.number)),
        "initiated_at": NOON.isoformat(), "disposition": "No answer", "notes": "Rang out.",
    }  # fmt: skip

    for caller in (rep, admin):
        status, said = caller.send("post", "call-sessions/", body)
        assert (status, said["id"]) == (200, str(session.pk)), said

    other = {"notes": "Spoke.", "status": "completed", "duration": 5, "rep": str(admin.user.pk), "number": "5125550198"}
    status, said = admin.send("post", "call-sessions/", {**body, **other})
    assert (status, {detail["field"] for detail in said["details"]}) == (409, set(other))


def test_a_call_told_again_by_a_colleague_who_names_no_rep_is_the_same(admin):
    body = told(callable_pair())
    assert admin.send("post", "call-sessions/", body)[0] == 201

    assert an_admin().send("post", "call-sessions/", body)[0] == 200
    assert an_admin().send("post", "call-sessions/", {**body, "rep": None})[0] == 409


def test_an_inbound_call_counts_against_no_cap(rep):
    assert rep.send("post", "call-sessions/", told(callable_pair(), direction="inbound"))[0] == 201
    assert not Touch.objects.exists()


def test_calls_are_found_by_whom_when_and_how_they_ended(rep):
    session, other = call(rep), CallSessionFactory(pair=callable_pair(), initiated_at=NOON - timedelta(days=2))
    rep.send("post", f"call-sessions/{session.pk}/outcome/", {"disposition": "No answer"})

    def found(**asked: Any) -> list[str]:
        return [item["id"] for item in rep.get("/api/v1/call-sessions/", asked).json()["results"]]

    one, two = str(session.pk), str(other.pk)
    assert found() == [one, two]
    assert found(ordering="initiated_at") == [two, one]
    assert found(rep="me") == found(contact=str(session.contact_id)) == found(pair=str(session.pair_id)) == [one]
    assert found(disposition=str(Disposition.objects.get(key=4).pk)) == [one]
    assert (found(to_finish="true"), found(to_finish="false")) == ([two], [one])
    assert found(since="2026-06-16T00:00:00Z") == [one]
    assert found(before="2026-06-16T00:00:00Z") == [two]
    assert found(status="completed") == []
    assert found(call_session_id=other.call_session_id) == [two]


def test_each_call_of_a_list_shows_its_own_events_and_status(rep):
    for kind in ("busy", "voicemail"):
        rep.send("post", f"call-sessions/{call(rep).pk}/events/", {"kind": kind})

    listed = rep.send("get", "call-sessions/")[1]["results"]

    assert [item["now"]["status"] for item in listed] == ["voicemail", "busy"]
    assert [[event["kind"] for event in item["events"]] for item in listed] == [
        ["initiated", "voicemail"],
        ["initiated", "busy"],
    ]
    assert all(event["session"] == item["id"] for item in listed for event in item["events"])
