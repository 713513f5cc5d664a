"""Campaigns over HTTP: made of a template, refused with what to do, started, paused, counted."""

from typing import Any

import pytest

from campaigns.choices import DELIVERIES
from campaigns.models import Campaign, EnrollmentStatus, Graph, SendingAccount
from campaigns.services import counting
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NODES = [
    {"key": "hello", "type": "sms_send", "config": {"content": "hello"}},
    {"key": "end", "type": "exit", "config": {"reason": "done"}},
]
EDGES = [{"source": "hello", "target": "end"}]


@pytest.fixture
def caller() -> Caller:
    return a_rep()


@pytest.fixture
def template(caller: Caller) -> Any:
    caller.send("post", "contents/", {"key": "hello", "channel": "sms", "name": "Hello", "body": "Hi"})
    _, said = caller.send("post", "templates/", {"name": "Invitation", "graph": {"nodes": NODES, "edges": EDGES}})
    caller.send("post", f"templates/{said['id']}/publish/", {})
    return said


@pytest.fixture
def account() -> SendingAccount:
    return SendingAccount.objects.create(name="Line", channel="sms", provider="sms", address="+15125550100")


@pytest.fixture
def campaign(caller: Caller, template: Any) -> Any:
    status, said = caller.send("post", "campaigns/", {"name": "Open house", "template": template["id"]})
    assert status == 201, said
    return said


def do(caller: Caller, campaign: Any, verb: str, body: Any = None) -> Any:
    return caller.send("post", f"campaigns/{campaign['id']}/{verb}/", body or {})


def test_a_campaign_is_made_of_the_last_version_of_a_template(caller, campaign, template):
    assert (campaign["status"], campaign["owner"], campaign["template"]) == (
        "draft",
        str(caller.user.pk),
        template["id"],
    )
    _, graph = caller.send("get", f"campaigns/{campaign['id']}/graph/")
    assert [node["key"] for node in graph["nodes"]] == ["hello", "end"]
    assert graph["id"] == campaign["graph"]
    assert [fault["code"] for fault in graph["faults"]] == ["no_sender"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "A"}, "version"),
        ({"name": "A", "template": "draft"}, "template"),
        ({"name": "A", "template": "ok", "spread_minutes": 10_081}, "spread_minutes"),
        ({"name": "A", "template": "ok", "event_type": "party"}, "event_type"),
        ({"name": "A", "template": "ok", "status": "active"}, "status"),
        ({"template": "ok"}, "name"),
    ],
)
def test_what_makes_no_campaign_is_refused_by_field(caller, template, body, field):
    _, unpublished = caller.send("post", "templates/", {"name": "Draft"})
    named = {"ok": template["id"], "draft": unpublished["id"]}
    told = {**body, **({"template": named[body["template"]]} if "template" in body else {})}
    status, said = caller.send("post", "campaigns/", told)
    assert (status, said["error_code"]) == (400, "invalid"), said
    assert field in {detail["field"] for detail in said["details"]}
    assert not Campaign.objects.exists()


def test_a_campaign_goes_through_its_life(caller, campaign, account):
    for verb, status in [
        ("start", "active"), ("pause", "paused"), ("resume", "active"), ("drain", "draining"),
        ("complete", "completed"), ("resume", "active"), ("complete", "completed"),
    ]:  # fmt: skip
        answered, said = do(caller, campaign, verb)
        assert (answered, said["status"]) == (200, status), said
    assert do(caller, campaign, "archive")[0] == 403
    boss = an_admin()
    assert do(boss, campaign, "archive")[1]["status"] == "archived"
    assert do(boss, campaign, "bring-back")[1]["status"] == "completed"


def test_what_its_status_does_not_allow_is_409_and_says_what_does(caller, campaign, account):
    status, said = do(caller, campaign, "pause")
    assert (status, said["error_code"]) == (409, "wrong_status")
    assert said["error"] == "Open house is draft; only one that is active or draining is paused."
    do(caller, campaign, "start")
    status, said = caller.send("patch", f"campaigns/{campaign['id']}/", {"exclusive": True, "event_place": "Hall"})
    assert (status, {detail["field"] for detail in said["details"]}) == (409, {"exclusive"})
    status, said = caller.send("patch", f"graphs/{campaign['graph']}/", {"revision": 0, "nodes": NODES[1:]})
    assert (status, said["error_code"]) == (409, "wrong_status")


def test_what_has_a_fault_does_not_start(caller, campaign):
    status, said = do(caller, campaign, "start")
    assert (status, said["error_code"]) == (400, "graph_has_faults")
    assert [detail["field"] for detail in said["details"]] == ["hello"]
    assert caller.send("get", f"campaigns/{campaign['id']}/faults/")[1][0]["code"] == "no_sender"


def test_its_graph_tells_the_same_faults_wherever_it_is_read(caller, campaign):
    waits = {"mode": "event", "days": -1, "time": "09:00"}
    nodes = [{"key": "hello", "type": "sms_send", "config": {"content": "hello"}},
             {"key": "day", "type": "wait", "config": waits}]  # fmt: skip
    drawn = {"revision": 0, "nodes": nodes, "edges": [{"source": "hello", "target": "day"}]}
    status, drawn_on = caller.send("patch", f"graphs/{campaign['graph']}/", drawn)
    assert status == 200, drawn_on
    _, told = caller.send("get", f"campaigns/{campaign['id']}/faults/")
    assert [fault["code"] for fault in told] == ["no_sender", "no_event"]
    for path in (f"graphs/{campaign['graph']}/", f"campaigns/{campaign['id']}/graph/"):
        assert caller.send("get", path)[1]["faults"] == told
    assert drawn_on["faults"] == told


def test_a_campaign_is_scheduled_and_unscheduled(caller, campaign, account):
    status, said = do(caller, campaign, "schedule", {"starts_at": "2020-01-01T00:00:00Z"})
    assert (status, said["details"][0]["field"]) == (400, "starts_at")
    assert do(caller, campaign, "schedule", {"starts_at": "2199-01-01T00:00:00Z"})[1]["status"] == "scheduled"
    assert do(caller, campaign, "unschedule")[1]["starts_at"] is None


def test_a_draft_is_drawn_on_and_compared_with_its_version(caller, campaign):
    assert caller.send("get", f"campaigns/{campaign['id']}/compare/") == (200, [])
    assert caller.send("patch", f"graphs/{campaign['graph']}/", {"revision": 0, "nodes": NODES[1:]})[0] == 200
    _, found = caller.send("get", f"campaigns/{campaign['id']}/compare/")
    assert ("removed", "node", "hello") in {(each["kind"], each["what"], each["key"]) for each in found}


def test_what_is_somebody_elses_is_seen_and_not_run(campaign):
    other = a_rep()
    assert other.send("get", f"campaigns/{campaign['id']}/")[0] == 200
    status, said = do(other, campaign, "start")
    assert (status, said["error_code"]) == (409, "not_yours")


def test_with_a_sender_it_and_its_graph_are_hidden_from_all_others(caller, campaign):
    status, said = caller.send("patch", f"campaigns/{campaign['id']}/", {"sender": str(caller.user.pk)})
    assert (status, said["sender"]) == (200, str(caller.user.pk))
    other = a_rep()
    for path in (f"campaigns/{campaign['id']}/", f"graphs/{campaign['graph']}/", f"campaigns/{campaign['id']}/stats/"):
        assert other.send("get", path)[0] == 404
        assert caller.send("get", path)[0] == 200
    assert campaign["graph"] not in str(other.send("get", "graphs/")[1])


def test_only_an_admin_sends_in_somebody_elses_name(caller, campaign):
    lent = {"sender": str(UserFactory(bdr=True).pk)}
    status, said = caller.send("patch", f"campaigns/{campaign['id']}/", lent)
    assert (status, said["details"][0]["field"]) == (409, "sender")
    assert an_admin().send("patch", f"campaigns/{campaign['id']}/", lent)[0] == 200


def test_the_numbers_name_every_node_and_status(caller, campaign, django_assert_num_queries):
    row = Campaign.objects.get()
    first = Graph.objects.get(pk=row.graph_id).nodes.earliest("id")
    attended = EnrollmentStatus.objects.get(name="Attended")
    for _ in range(2):
        counted = {(None, "total_contacts"): 3, (None, "state:waiting"): 2, (None, f"status:{attended.pk}"): 1}
        counting.add(campaign=row.pk, counts={**counted, (first.pk, "arrived"): 3, (first.pk, "blocked"): 1})
    _, said = caller.send("get", f"campaigns/{campaign['id']}/stats/")
    assert (said["total_contacts"], said["emails_generated"], said["states"]["waiting"]) == (6, 0, 4)
    assert {each["name"]: each["people"] for each in said["funnel"]}["Attended"] == 2
    sent = dict.fromkeys((*DELIVERIES, "written", "handed_over", "clicked", "answered", "opted_out"), 0)
    assert said["deliveries"] == {"sms": sent, "email": sent, "voicemail": sent}
    assert said["nodes"][0] == {
        "node": str(first.pk), "key": "hello", "type": "sms_send", "name": "",
        "arrived": 6, "passed": 0, "held": 0, "skipped": 0, "blocked": 2, "failed": 0,
        "deliveries": sent,
    }  # fmt: skip
