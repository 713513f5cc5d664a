"""What was said, over HTTP: conversations, messages, what is uncertain, and what is sent by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, Conversation, Enrollment, Message
from campaigns.tests import over_http
from campaigns.tests.factories import (
    AttemptFactory,
    ConversationFactory,
    EnrollmentFactory,
    MessageFactory,
    SendingAccountFactory,
)
from campaigns.tests.over_http import enrolled
from config.kernel import clock
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
caller, campaign = over_http.caller, over_http.campaign


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


@pytest.mark.parametrize("path", ["messages/?contact={contact}", "messages/{message}/", "conversations/{thread}/"])
def test_a_message_hides_all_that_is_of_a_campaign_that_its_reader_does_not_see(caller, path):
    account = SendingAccountFactory(user=caller.user)
    thread = ConversationFactory()
    row = MessageFactory(enrollment__contact=thread.contact, conversation=thread, account=account, content="prices")
    AttemptFactory(message=row, account=account)
    Campaign.objects.update(sender=caller.user)
    address = path.format(contact=row.contact_id, message=row.pk, thread=thread.pk)
    of_campaign = {str(key) for key in (row.campaign_id, row.enrollment_id, row.node_id, account.pk)} | {"prices"}
    seen, hidden = (str(by.send("get", address)) for by in (caller, a_rep()))
    assert {found for found in of_campaign if found not in seen} == set()
    assert {found for found in of_campaign if found in hidden} == set()
    assert row.body in hidden


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
    for reason in ("endpoint_suppressed, no_consent", "campaign_over", ""):
        MessageFactory(enrollment=walk, state="blocked", reason=reason)

    def found(path):
        return [row["reason"] for row in caller.send("get", path)[1]["results"]]

    assert found("messages/?blocked_by=endpoint_suppressed") == ["endpoint_suppressed, no_consent"]
    assert found("messages/?blocked_by=no_consent") == ["endpoint_suppressed, no_consent"]
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
    row.contact.save()  # type: ignore[union-attr]  # what goes out has a contact
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
    status, refused = boss.send("post", "sending-stops/", {"reason": "Wrong text", "channel": "call"})
    assert (status, [one["field"] for one in refused["details"]]) == (400, ["channel"])
    assert "Calls go on." in str(refused["details"])
    status, stop = boss.send("post", "sending-stops/", {"reason": "Wrong text"})
    assert (status, stop["channel"], stop["lifted_at"]) == (201, "", None)
    assert boss.send("post", "sending-stops/", {"reason": "Again"})[1]["error_code"] == "already_stopped"
    assert [row["id"] for row in caller.send("get", "sending-stops/?stands=true")[1]["results"]] == [stop["id"]]
    assert caller.send("post", f"sending-stops/{stop['id']}/lift/", {})[0] == 403
    assert boss.send("post", f"sending-stops/{stop['id']}/lift/", {})[1]["lifted_by"] == str(boss.user.pk)
    assert caller.send("get", "sending-stops/?stands=true")[1]["results"] == []
