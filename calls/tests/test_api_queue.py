"""The queue over HTTP: who may be called, holding them, dialing them, and why somebody is not offered."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.models import CallSession, Lease
from calls.providers import Handover
from calls.services import waterfalls
from calls.tests.factories import LeaseFactory, TerminalSessionFactory, callable_pair, first_point
from config.kernel import clock
from config.kernel.providers import OutcomeUnknown, Rejected, Unavailable
from config.testing import NOON
from config.tests import callers
from config.tests.clients import Caller
from crm.choices import Priority
from crm.models import GateDecision, ProjectContact, Touch
from crm.tests.factories import ContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
noon, admin, rep = callers.noon, callers.admin, callers.rep


def offered(caller: Caller, **asked: Any) -> list[dict[str, Any]]:
    answer = caller.get("/api/v1/eligible-calls/", asked)
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


def test_an_offer_tells_whom_which_number_and_why_now(rep):
    pair = callable_pair(priority=Priority.URGENT, roles=["owner"])

    (offer,) = offered(rep)

    point = first_point(pair.contact)
    assert (offer["pair"], offer["contact"], offer["project"]) == (
        str(pair.pk),
        str(pair.contact_id),
        str(pair.project_id),
    )
    assert (offer["point"], offer["number"]) == (str(point.pk), point.endpoint.value)
    assert (offer["priority"], offer["reason"]) == ("urgent", "urgent priority, never contacted")
    assert (offer["roles"], offer["elsewhere"]) == (["owner"], 0)


def test_the_queue_is_narrowed_by_project_owner_priority_and_zone(rep):
    mine = callable_pair(contact=ContactFactory(owner=rep.user, phone="+15125550134"), priority=Priority.HIGH)
    free = callable_pair()

    assert {offer["pair"] for offer in offered(rep)} == {str(mine.pk), str(free.pk)}
    assert [offer["pair"] for offer in offered(rep, project=str(free.project_id))] == [str(free.pk)]
    assert [offer["pair"] for offer in offered(rep, owner="me")] == [str(mine.pk)]
    assert [offer["pair"] for offer in offered(rep, owner=str(rep.user.pk))] == [str(mine.pk)]
    assert [offer["pair"] for offer in offered(rep, priority="high")] == [str(mine.pk)]
    assert len(offered(rep, zone="America/Chicago")) == 2
    assert offered(rep, zone="America/New_York") == []
    assert len(offered(rep, limit=1)) == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"priority": "3"}, "priority"),
        ({"zone": "Moon/Crater"}, "zone"),
        ({"owner": "somebody"}, "owner"),
        ({"project": "01900000-0000-7000-8000-000000000000"}, "project"),
        ({"limit": "201"}, "limit"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_by_name(rep, asked, field):
    for method, path in (("get", "eligible-calls/"), ("post", "eligible-calls/lease/")):
        status, said = rep.send(method, path, asked)

        assert status == 400
        assert [detail["field"] for detail in said["details"]] == [field]


def test_whoever_is_somebody_elses_is_not_offered_and_cannot_be_asked_for(rep):
    theirs = callable_pair(project=ProjectFactory(owner=UserFactory(bdr=True)))

    assert offered(rep) == []
    assert rep.send("get", f"eligible-calls/?project={theirs.project_id}")[0] == 400
    assert rep.send("post", "eligible-calls/lease/", {"pair": str(theirs.pk)})[0] == 400
    assert rep.send("get", f"eligible-calls/explain/?project={theirs.project_id}&contact={theirs.contact_id}")[0] == 400
    assert rep.send("get", f"eligible-calls/waterfall/?project={theirs.project_id}")[0] == 400


def test_an_empty_queue_says_why(rep):
    assert rep.send("get", "eligible-calls/")[1]["empty"]["state"] == "nothing_imported"


def test_looking_at_the_queue_stores_nothing(rep):
    callable_pair()

    offered(rep)

    assert not GateDecision.objects.exists()
    assert not Lease.objects.exists()


def test_twenty_more_pairs_cost_no_more_queries(rep):
    callable_pair()
    offered(rep)  # the hours of the law are read once a minute
    counts = []
    for number in (3, 20):
        for _ in range(number):
            callable_pair()
        with CaptureQueriesContext(connection) as captured:
            offered(rep, limit=200)
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_a_lease_is_taken_kept_shown_and_given_back(rep):
    pair = callable_pair()

    assert rep.send("get", "eligible-calls/lease/")[0] == 404
    status, lease = rep.send("post", "eligible-calls/lease/", {})
    assert (status, lease["pair"], lease["user"]) == (201, str(pair.pk), str(rep.user.pk))
    assert lease["expires_at"] == "2026-06-16T18:05:00Z"
    assert rep.send("get", "eligible-calls/lease/") == (200, lease)
    with clock.standing_at(NOON + timedelta(minutes=1)):
        assert rep.send("post", "eligible-calls/lease/", {}) == (200, lease)
        assert rep.send("post", "eligible-calls/heartbeat/")[1]["expires_at"] == "2026-06-16T18:06:00Z"
    assert rep.send("post", "eligible-calls/release/") == (204, None)
    assert rep.send("post", "eligible-calls/release/") == (204, None)
    assert rep.send("post", "eligible-calls/heartbeat/")[1]["error_code"] == "no_lease"


def test_who_is_held_for_half_an_hour_without_a_call_is_given_back_with_a_code_and_words(rep):
    callable_pair()
    for minute in range(0, 30, 4):
        with clock.standing_at(NOON + timedelta(minutes=minute)):
            rep.send("post", "eligible-calls/lease/", {})
            assert rep.send("post", "eligible-calls/heartbeat/")[0] == 200
    with clock.standing_at(NOON + timedelta(minutes=30)):
        status, said = rep.send("post", "eligible-calls/heartbeat/")
        assert rep.send("get", "eligible-calls/lease/")[0] == 404

    assert (status, said["error_code"]) == (409, "held_too_long")
    assert "half an hour without a call" in said["error"]


def test_a_named_pair_can_be_taken_unless_a_colleague_holds_it(rep):
    first, second = callable_pair(), callable_pair()
    LeaseFactory(pair=first)

    status, said = rep.send("post", "eligible-calls/lease/", {"pair": str(first.pk)})
    assert (status, said["error_code"]) == (409, "gate_refused")
    assert {detail["code"] for detail in said["details"]} >= {"leased"}
    assert all(detail["message"] for detail in said["details"])
    assert rep.send("post", "eligible-calls/lease/", {"pair": str(second.pk)})[1]["pair"] == str(second.pk)


def test_when_nobody_is_left_that_is_said(rep):
    status, said = rep.send("post", "eligible-calls/lease/", {})

    assert (status, said["error_code"]) == (409, "nothing_callable")


def test_without_the_call_desk_nobody_looks_at_the_queue():
    stranger = Caller()
    stranger.force_login(UserFactory())

    for path in ("", "lease/", "explain/", "waterfall/"):
        assert stranger.send("get", f"eligible-calls/{path}")[0] == 403
    for path in ("lease/", "heartbeat/", "release/"):
        assert stranger.send("post", f"eligible-calls/{path}")[0] == 403


def test_the_queue_explains_why_somebody_is_not_offered_and_when_they_will_be(rep):
    pair = callable_pair()
    TerminalSessionFactory(pair=pair, until=NOON + timedelta(hours=2))
    path = f"eligible-calls/explain/?project={pair.project_id}&contact={pair.contact_id}"

    status, said = rep.send("get", path)

    assert (status, said["callable"], said["earliest"]) == (200, False, "2026-06-16T20:00:00Z")
    assert [(block["code"], block["level"], block["until"]) for block in said["blocks"]] == [
        ("terminal_pair", "pair", "2026-06-16T20:00:00Z")
    ]
    assert [point["number"] for point in said["points"]] == [pair.contact.primary_phone]


def test_who_has_no_part_in_a_project_cannot_be_explained(rep):
    pair = callable_pair()

    status, said = rep.send("get", f"eligible-calls/explain/?project={pair.project_id}&contact={ContactFactory().pk}")

    assert (status, said["error_code"]) == (404, "not_found")
    assert rep.send("get", "eligible-calls/explain/")[0] == 400


def test_a_waterfall_is_asked_for_counted_by_a_worker_and_adds_up(rep):
    callable_pair(), callable_pair(suppress_for_project=True)

    assert rep.send("get", "eligible-calls/waterfall/")[1]["at"] is None
    waterfalls.count_all(at=NOON)
    said = rep.send("get", "eligible-calls/waterfall/")[1]

    assert (said["pairs"], said["callable"], said["age"]) == (2, 1, 0.0)
    assert sum(rule["first"] for rule in said["rules"]) + said["callable"] == said["pairs"]


class Line:
    """A telephone company that answers as it is told."""

    label = "Test line"
    trouble: Exception | None = None

    def begin(self, *, to: str, extension: str, reference: str) -> Any:
        if Line.trouble:
            raise Line.trouble
        return Handover("link", f"tel:{to}")


@pytest.fixture
def line(settings):
    settings.PROVIDERS = {"voice": {"BACKEND": "calls.tests.test_api_queue.Line"}}
    Line.trouble = None
    return Line


def hold(rep: Caller, **fields: Any) -> ProjectContact:
    pair = callable_pair(**fields)
    assert rep.send("post", "eligible-calls/lease/", {"pair": str(pair.pk)})[0] == 201
    return pair


def dial(rep: Caller, pair: ProjectContact) -> Any:
    return rep.send("post", "call-sessions/dial/", {"point": str(first_point(pair.contact).pk)})


def test_dialing_proves_the_number_writes_the_call_and_hands_it_over(rep, line):
    pair = hold(rep)

    status, said = dial(rep, pair)

    assert (status, said["handover"]) == (201, {"kind": "link", "url": f"tel:{pair.contact.primary_phone}"})
    assert (said["pair"], said["rep"], said["source"]) == (str(pair.pk), str(rep.user.pk), "desk")
    assert (said["now"]["status"], [event["kind"] for event in said["events"]]) == ("initiated", ["initiated"])
    assert Touch.objects.get().source_id == CallSession.objects.get().pk


def test_nobody_dials_whom_they_do_not_hold(rep, line):
    pair = callable_pair()

    status, said = dial(rep, pair)

    assert (status, said["error_code"]) == (409, "no_lease")
    assert not CallSession.objects.exists()


def test_a_number_that_was_closed_meanwhile_is_not_dialed(rep, line):
    pair = hold(rep)
    TerminalSessionFactory(pair=pair)

    status, said = dial(rep, pair)

    assert (status, said["error_code"]) == (409, "gate_refused")
    assert [detail["code"] for detail in said["details"]] == ["terminal_pair"]
    assert not CallSession.objects.exists()


@pytest.mark.parametrize(
    ("trouble", "status", "code", "counts"),
    [
        (Rejected("No such number."), 409, "number_rejected", False),
        (Unavailable("Busy."), 503, "unavailable", False),
        (OutcomeUnknown("Silence."), 201, None, True),
    ],
)
def test_what_the_telephone_company_answers_decides_whether_the_call_counts(rep, line, trouble, status, code, counts):
    pair = hold(rep)
    line.trouble = trouble

    answered, said = dial(rep, pair)

    assert (answered, said.get("error_code")) == (status, code)
    assert Touch.objects.get().counts is counts
    assert said.get("handover") is None


def test_leases_are_listed_while_they_last(admin, rep):
    pair = hold(rep)

    (lease,) = admin.send("get", "leases/")[1]["results"]
    assert (lease["pair"], lease["contact_name"]) == (str(pair.pk), pair.contact.name)
    with clock.standing_at(NOON + timedelta(minutes=6)):
        assert admin.send("get", "leases/")[1]["results"] == []
