"""People in campaigns over HTTP: enrolled, followed, moved by hand, marked from a list."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, Conversation, Enrollment, EnrollmentStatus, Message, SendingAccount
from campaigns.services import campaigns, enrolling, handling, templates
from campaigns.tests import walks
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import EnrollmentFactory, MessageFactory
from config.kernel import clock
from config.kernel.ids import uuid7
from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.tests.factories import ContactFactory, ProjectContactFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return a_rep()


@pytest.fixture
def campaign(caller: Caller) -> Campaign:
    at = clock.now()
    SendingAccount.objects.create(name="Line", channel="sms", provider="sms", address="+15125550100")
    drawn = drawing(node("wait", "wait"), node("end", "exit"), "wait>end")
    version = templates.publish(row=templates.create(name="T", drawing=drawn, by=None, at=at), by=None, at=at)
    row = campaigns.create(name="Open house", version=version, by=caller.user, at=at)
    return campaigns.start(row=row, by=caller.user, at=at)


def enrolled(campaign: Campaign, *people: Any) -> list[Enrollment]:
    run = enrolling.begin(campaign=campaign, audience={"contacts": [one.pk for one in people]}, by=None, at=clock.now())
    enrolling.take(run.pk, at=clock.now())
    walks = {walk.contact_id: walk for walk in Enrollment.objects.filter(campaign=campaign)}
    return [walks[one.pk] for one in people]


def walk_of(caller: Caller, walk: Enrollment) -> Any:
    return caller.send("get", f"enrollments/{walk.pk}/")[1]


def test_people_are_enrolled_and_the_run_is_followed(caller, campaign):
    ada, bea, theirs = ContactFactory(), ContactFactory(), ContactFactory(owner=UserFactory(bdr=True))
    told = {"contacts": [str(one.pk) for one in (ada, bea, theirs)]}
    answer = caller.post(f"/api/v1/campaigns/{campaign.pk}/enroll/", told)
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    enrolling.take(answer.json()["id"], at=clock.now())
    run = caller.get(answer["Location"]).json()
    assert [run[name] for name in ("state", "asked", "enrolled", "gone")] == ["done", 3, 2, 1]
    _, said = caller.send("get", f"enrollments/?campaign={campaign.pk}&run={run['id']}")
    assert {row["contact"] for row in said["results"]} == {str(ada.pk), str(bea.pk)}
    assert {row["state"] for row in said["results"]} == {"pending"}


@pytest.mark.parametrize(
    ("told", "code", "field"),
    [
        ({}, "unusable_audience", "audience"),
        ({"filter": {"shoe": 44}}, "unusable_audience", "filter.shoe"),
        ({"filter": {"source": "a", "project": "x"}}, "unusable_audience", "filter.project"),
        ({"filter": {"lead_score_min": [1]}}, "invalid", "filter.lead_score_min"),
        ({"filter": {}}, "unusable_audience", "filter"),
        ({"filter": {"source": "a"}, "contacts": [str(uuid7())]}, "unusable_audience", "audience"),
        ({"contacts": ["me"]}, "invalid", "contacts.0"),
        ({"project": str(uuid7())}, "invalid", "project"),
    ],
)  # fmt: skip
def test_what_means_nobody_is_refused_by_field(caller, campaign, told, code, field):
    status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", told)
    assert (status, said["error_code"]) == (400, code), said
    assert field in {detail["field"] for detail in said["details"]}


def test_a_project_and_a_filter_mean_people_too(caller, campaign):
    pair = ProjectContactFactory(contact=ContactFactory(source="permits"))
    for told in ({"project": str(pair.project.pk)}, {"filter": {"source": "permits"}}):
        status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", told)
        assert status == 202, said
        enrolling.take(said["id"], at=clock.now())
    runs = caller.send("get", f"enrollment-runs/?campaign={campaign.pk}")[1]["results"]
    assert [(run["enrolled"], run["inside"]) for run in runs] == [(0, 1), (1, 0)]


def test_nobody_is_enrolled_in_a_campaign_that_ends_or_is_somebody_elses(caller, campaign):
    told = {"contacts": [str(ContactFactory().pk)]}
    status, said = a_rep().send("post", f"campaigns/{campaign.pk}/enroll/", told)
    assert (status, said["error_code"]) == (409, "not_yours")
    campaigns.drain(row=campaign, by=None, at=clock.now())
    status, said = caller.send("post", f"campaigns/{campaign.pk}/enroll/", told)
    assert (status, said["error_code"]) == (409, "not_open")


def test_a_walk_tells_where_it_was_held_up_and_for_how_long(caller):
    (walk,) = walks.enrolled(walks.begun(drawing(node("rest", "wait"))))
    walks.run(NOON)
    later = NOON + timedelta(hours=5)
    handling.leave([walk.pk], reason="Moved away", by=None, at=later)
    (step,) = caller.send("get", f"enrollments/{walk.pk}/")[1]["steps"]
    assert (step["node_key"], step["visit"], step["outcome"]) == ("rest", 1, "left")
    assert [datetime.fromisoformat(step[name]) for name in ("begun_at", "ended_at")] == [NOON, later]


def test_a_walk_is_paused_resumed_and_left_and_tells_its_history(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    for verb, state in [("pause", "paused"), ("resume", "pending")]:
        status, said = caller.send("post", f"enrollments/{walk.pk}/{verb}/", {})
        assert (status, said["state"]) == (200, state)
    status, said = caller.send("post", f"enrollments/{walk.pk}/resume/", {})
    assert (status, said["error_code"], said["error"]) == (409, "nothing_to_do", "Nobody has paused them.")
    status, said = caller.send("post", f"enrollments/{walk.pk}/leave/", {"reason": "Moved away"})
    assert (status, said["state"], said["reason"]) == (200, "exited", "Moved away")
    assert [event["kind"] for event in said["events"]] == ["enrolled", "paused", "resumed", "exited"]
    assert said["events"][-1]["by"] == str(caller.user.pk)
    assert caller.send("post", f"enrollments/{walk.pk}/leave/", {})[0] == 400


def test_what_was_parked_is_tried_again(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    where = {"node": campaign.graph.nodes.get(key="wait"), "visit": 1, "visits": {"wait": 1}}
    Enrollment.objects.update(state="parked", wake_at=None, reason="No content", **where)
    assert caller.send("post", f"enrollments/{walk.pk}/retry/", {})[1]["state"] == "active"
    assert caller.send("post", f"enrollments/{walk.pk}/retry/", {})[0] == 409


def test_a_status_is_set_for_one_and_for_many(caller, campaign):
    ada, bea, cleo = ContactFactory(), ContactFactory(email="bea@example.com"), ContactFactory(phone="+15125550123")
    walks = enrolled(campaign, ada, bea, cleo)
    rsvp = EnrollmentStatus.objects.get(name="Received RSVP")
    _, said = caller.send("post", f"enrollments/{walks[0].pk}/set-status/", {"status": str(rsvp.pk)})
    assert said["status_name"] == "Received RSVP"
    told = {
        "status": str(rsvp.pk), "enrollments": [str(walks[0].pk)],
        "lines": ["Bea <bea@example.com>", "(512) 555-0123", "nobody@example.com", "?"],
    }  # fmt: skip
    status, said = caller.send("post", f"campaigns/{campaign.pk}/set-status/", told)
    assert (status, said) == (200, {"found": 3, "changed": 2, "unknown": ["nobody@example.com", "?"]})
    assert [walk_of(caller, walk)["status_name"] for walk in walks] == ["Received RSVP"] * 3
    assert caller.send("post", f"campaigns/{campaign.pk}/set-status/", {"status": str(rsvp.pk)})[0] == 400


def test_whoever_is_there_again_is_marked_in_their_last_round(caller, campaign):
    Campaign.objects.update(reentry="ended")
    bea = ContactFactory(email="bea@example.com")
    (first,) = enrolled(campaign, bea)
    caller.send("post", f"enrollments/{first.pk}/leave/", {"reason": "Moved away"})
    enrolled(campaign, bea)
    last = Enrollment.objects.get(contact=bea, run_no=2)
    told = {"status": str(EnrollmentStatus.objects.get(name="Attended").pk), "lines": ["bea@example.com"]}
    assert caller.send("post", f"campaigns/{campaign.pk}/set-status/", told)[1]["changed"] == 1
    assert [walk_of(caller, walk)["status_name"] for walk in (first, last)] == [None, "Attended"]


def test_whoever_works_a_contact_handles_their_walk_in_a_colleagues_campaign(caller, campaign):
    other = a_rep()
    mine, theirs = enrolled(campaign, ContactFactory(owner=other.user), ContactFactory(owner=UserFactory(bdr=True)))
    assert other.send("post", f"enrollments/{mine.pk}/pause/", {})[0] == 200
    status, said = other.send("post", f"enrollments/{theirs.pk}/pause/", {})
    assert (status, said["error_code"]) == (409, "not_yours")
    assert walk_of(other, theirs)["contact"] is None
    told = {"status": str(EnrollmentStatus.objects.first().pk), "enrollments": [str(mine.pk), str(theirs.pk)]}  # type: ignore[union-attr]  # shipped
    assert other.send("post", f"campaigns/{campaign.pk}/set-status/", told)[1]["unknown"] == [str(theirs.pk)]


def test_a_walk_in_a_hidden_campaign_is_hidden(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    Campaign.objects.update(sender=caller.user)
    assert caller.send("get", f"enrollments/{walk.pk}/")[0] == 200
    other = a_rep()
    for path in (f"enrollments/{walk.pk}/", f"enrollment-runs/{walk.run_id}/"):
        assert other.send("get", path)[0] == 404
    assert other.send("post", f"enrollments/{walk.pk}/leave/", {"reason": "x"})[0] == 404


# What was said


def test_a_conversation_comes_with_its_last_messages_and_is_read(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory(owner=caller.user))
    at = clock.now()
    thread = Conversation.objects.create(contact=walk.contact, last_at=at, last_direction="inbound", unread=2)
    for text in ("Hello", "Who is this?"):
        Message.objects.create(
            direction="inbound", channel="sms", contact=walk.contact, conversation=thread, body=text,
            state="received", not_before=at, campaign=campaign, enrollment=walk,
        )  # fmt: skip
    _, said = caller.send("get", f"conversations/{thread.pk}/")
    assert [one["body"] for one in said["messages"]] == ["Who is this?", "Hello"]
    assert caller.send("post", f"conversations/{thread.pk}/read/", {})[1]["unread"] == 0
    other = a_rep()
    assert other.send("get", f"conversations/{thread.pk}/")[0] == 404
    assert other.send("get", f"messages/?conversation={thread.pk}")[1]["results"] == []


def test_a_message_hides_the_campaign_that_its_reader_does_not_see(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    Campaign.objects.update(sender=caller.user)
    row = Message.objects.create(
        direction="inbound", channel="sms", contact=walk.contact, body="Yes", state="received",
        not_before=clock.now(), campaign=campaign, enrollment=walk,
    )  # fmt: skip
    _, seen = caller.send("get", f"messages/{row.pk}/")
    _, other = a_rep().send("get", f"messages/{row.pk}/")
    assert (seen["campaign"], seen["enrollment"]) == (str(campaign.pk), str(walk.pk))
    assert (other["campaign"], other["enrollment"], other["body"]) == (None, None, "Yes")


def test_the_uncertain_ones_are_a_list_of_their_own(caller, campaign):
    (walk,) = enrolled(campaign, ContactFactory())
    for number, state in enumerate(["uncertain", "not_sent_presumed", "pending"]):
        Message.objects.create(
            direction="outbound", channel="sms", contact=walk.contact, body="Hi", state=state, dedupe_key=f"t:{number}",
            not_before=clock.now(), expires_at=clock.now() + timedelta(days=1), ever_dispatched=state != "pending",
        )  # fmt: skip
    states = [
        {row["state"] for row in caller.send("get", f"messages/?unsure={unsure}")[1]["results"]}
        for unsure in ("true", "false")
    ]
    assert states == [{"uncertain", "not_sent_presumed"}, {"pending"}]
    assert an_admin().send("get", "sending-accounts/")[1]["results"][0]["address"] == "+15125550100"
    assert caller.send("get", "sending-accounts/")[0] == 403


def uncertain(campaign: Campaign, **fields: Any) -> Message:
    (walk,) = enrolled(campaign, ContactFactory(phone="+15125550123", **fields))
    row: Message = Message.objects.create(
        direction="outbound", channel="sms", contact=walk.contact, body="Hi", state="uncertain", dedupe_key="t:1",
        not_before=clock.now(), expires_at=clock.now() + timedelta(days=1), ever_dispatched=True,
    )  # fmt: skip
    return row


def test_what_was_blocked_and_who_is_parked_are_found_by_why(caller):
    walk = EnrollmentFactory(state="parked", reason="There is no content 'hello'.")
    for reason in ("suppressed, no_consent", "endpoint_suppressed", ""):
        MessageFactory(enrollment=walk, state="blocked", reason=reason)

    def found(path):
        return [row["reason"] for row in caller.send("get", path)[1]["results"]]

    assert found("messages/?blocked_by=suppressed") == ["suppressed, no_consent"]
    assert found("messages/?blocked_by=no_consent") == ["suppressed, no_consent"]
    assert found("messages/?blocked_by=s.*") == []
    assert found("enrollments/?state=parked&reason=no content") == [walk.reason]
    assert found("enrollments/?reason=goal") == []


def test_of_many_who_left_those_with_a_rare_reason_are_found_by_an_index(caller):
    left = {"state": "exited", "ended_at": clock.now()}
    rare = EnrollmentFactory(**left, reason="opted_out")
    people = ContactFactory.create_batch(2)
    Enrollment.objects.bulk_create(
        Enrollment(campaign=rare.campaign, graph=rare.graph, contact=people[n % 2], run_no=n // 2 + 1, node=rare.node,
                   enrolled_at=clock.now(), reason="reply", **left) for n in range(500)
    )  # fmt: skip
    address = f"enrollments/?campaign={rare.campaign_id}&reason="
    with CaptureQueriesContext(connection) as asked:
        _, said = caller.send("get", f"{address}opted_out")
    sql = next(one["sql"] for one in asked if "UPPER" in one["sql"])
    assert [row["id"] for row in said["results"]] == [str(rare.pk)]
    assert caller.send("get", f"{address}opted")[1]["results"] == []
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_enrollment")
        cursor.execute(f"EXPLAIN {sql}")
        assert "campaigns_enrollment_left_by" in str(cursor.fetchall())


def test_what_is_uncertain_is_sent_again_or_written_off_once(caller, campaign):
    row = uncertain(campaign)
    status, again = caller.send("post", f"messages/{row.pk}/resend/", {})
    assert (status, again["state"], again["body"], again["by"]) == (201, "pending", "Hi", str(caller.user.pk))
    _, old = caller.send("get", f"messages/{row.pk}/")
    assert (old["state"], old["decided_by"]) == ("not_sent_presumed", str(caller.user.pk))
    status, said = caller.send("post", f"messages/{row.pk}/write-off/", {})
    assert (status, said["error_code"]) == (409, "not_uncertain")
    assert caller.send("get", "messages/?unsure=true")[1]["results"] == []
    row.contact.owner = UserFactory(bdr=True)  # type: ignore[union-attr]  # somebody's
    row.contact.save()  # type: ignore[union-attr]
    assert caller.send("post", f"messages/{row.pk}/write-off/", {})[0] == 404


def test_a_message_is_sent_by_hand_once_per_key(caller):
    ada = ContactFactory(phone="+15125550123")
    told = {"contact": str(ada.pk), "channel": "sms", "body": "Hello Ada", "key": "crm-7"}
    status, said = caller.send("post", "messages/", told)
    assert (status, said["state"], said["campaign"]) == (201, "pending", None)
    assert caller.send("post", "messages/", told) == (200, said)
    status, refused = caller.send("post", "messages/", {**told, "body": "Hello Bea"})
    assert (status, refused["error_code"]) == (409, "key_used")
    status, refused = caller.send("post", "messages/", {**told, "key": "crm-8", "subject": "Hi"})
    assert (status, [detail["field"] for detail in refused["details"]]) == (400, ["subject"])
    hidden = ContactFactory(owner=UserFactory(bdr=True))
    assert caller.send("post", "messages/", {**told, "contact": str(hidden.pk)})[0] == 400


def test_all_sending_is_stopped_by_admins_and_seen_by_everybody(caller):
    assert caller.send("post", "sending-stops/", {"reason": "Wrong text"})[0] == 403
    boss = an_admin()
    status, stop = boss.send("post", "sending-stops/", {"reason": "Wrong text"})
    assert (status, stop["channel"], stop["lifted_at"]) == (201, "", None)
    assert boss.send("post", "sending-stops/", {"reason": "Again"})[1]["error_code"] == "already_stopped"
    assert [row["id"] for row in caller.send("get", "sending-stops/?stands=true")[1]["results"]] == [stop["id"]]
    assert caller.send("post", f"sending-stops/{stop['id']}/lift/", {})[0] == 403
    assert boss.send("post", f"sending-stops/{stop['id']}/lift/", {})[1]["lifted_by"] == str(boss.user.pk)
    assert caller.send("get", "sending-stops/?stands=true")[1]["results"] == []
