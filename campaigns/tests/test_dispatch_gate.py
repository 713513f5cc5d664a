"""What the gate says of a message right before it goes out; one that may not go out says why."""

from datetime import timedelta

import pytest
from django.db import connection

from campaigns.models import Attempt, Message
from campaigns.tests import sending
from campaigns.tests.factories import CampaignFactory, HappeningFactory, MessageFactory, SendingAccountFactory, walking
from campaigns.tests.sending import claim, mark, now, send
from config.testing import NOON
from crm.models import Endpoint, GateDecision, Touch
from crm.services import consenting
from crm.tests.factories import (
    ContactFactory,
    ProjectContactFactory,
    SuppressionFactory,
    TouchFactory,
    give_point,
)

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


def test_a_blocked_message_says_why_and_when_it_would_pass(carrier, account):
    at = NOON.replace(hour=3)  # 22:00 in Austin
    message = walking(not_before=at)

    send(at)

    message = now(message)
    assert (message.state, message.reason, message.settled_at) == ("blocked", "outside_hours", at)
    assert message.retry_at == NOON.replace(hour=14)  # 9:00, for Texas
    assert not message.ever_dispatched
    assert not Touch.objects.exists()
    assert not carrier.asked()
    assert GateDecision.objects.get().codes == ["outside_hours"]


def test_email_has_no_hours(carrier):
    SendingAccountFactory(channel="email")
    at = NOON.replace(hour=3)
    message = walking("email", not_before=at)

    send(at)

    assert now(message).state == "accepted"
    assert Attempt.objects.get().valid_until == at + timedelta(hours=72)


class TestTheGate:
    def test_a_stop_that_has_committed_blocks(self, carrier, account):
        message = walking()
        SuppressionFactory(endpoint=Endpoint.objects.get(value=message.contact.primary_phone))

        send()

        assert (now(message).state, now(message).reason) == ("blocked", "endpoint_suppressed")
        assert not carrier.asked()

    @pytest.mark.parametrize(
        ("channel", "flag", "code"),
        [
            ("sms", "do_not_text", "do_not_text"),
            ("email", "do_not_email", "do_not_email"),
            ("voicemail", "do_not_call", "do_not_call"),
        ],
    )
    def test_a_wish_of_the_person_holds_for_its_channel(self, carrier, channel, flag, code):
        SendingAccountFactory(channel=channel)
        message = walking(channel)
        setattr(message.contact, flag, True)
        message.contact.save()

        send()

        assert (now(message).state, now(message).reason) == ("blocked", code)

    @pytest.mark.parametrize("channel", ["sms", "email", "voicemail"])
    def test_caps_count_every_touch_on_every_channel(self, carrier, channel):
        SendingAccountFactory(channel=channel)
        message = walking(channel)
        for hours in range(3):
            TouchFactory(contact=message.contact, at=NOON - hours * HOUR, channel=["call", "sms", "email"][hours])

        send()

        assert (now(message).state, now(message).reason) == ("blocked", "day_cap")
        assert now(message).retry_at == NOON - 2 * HOUR + 25 * HOUR

    @pytest.mark.parametrize("channel", ["sms", "voicemail"])
    def test_hours_close_every_channel_of_the_telephone(self, carrier, channel):
        SendingAccountFactory(channel=channel)
        message = walking(channel, not_before=NOON.replace(hour=3))

        send(NOON.replace(hour=3))

        assert now(message).reason == "outside_hours"

    @pytest.mark.parametrize("status", ["draft", "scheduled", "completed", "archived"])
    def test_a_campaign_that_does_not_run_sends_nothing(self, carrier, account, status):
        message = walking()
        claimed = claim(account)
        set_status(message.campaign, status)

        mark(account, claimed)

        assert (now(message).state, now(message).reason) == ("blocked", "campaign_over")

    def test_a_paused_campaign_keeps_its_messages(self, carrier, account):
        message = walking()
        claimed = claim(account)
        set_status(message.campaign, "paused")

        mark(account, claimed)
        assert now(message).state == "pending"
        send(NOON + MINUTE)
        assert now(message).state == "pending"
        set_status(message.campaign, "active")
        send(NOON + MINUTE)

        assert now(message).state == "accepted"
        assert len(carrier.ledger()) == 1

    def test_what_a_paused_campaign_has_in_store_is_in_nobodys_way(self, carrier, account):
        paused = CampaignFactory(status="paused")
        for _ in range(3):
            walking(campaign=paused, not_before=NOON - HOUR)
        other = walking()

        send()

        assert now(other).state == "accepted"
        assert Message.objects.filter(state="pending", claim=0).count() == 3

    @pytest.mark.parametrize("state", ["waiting", "active", "exited", "completed"])
    def test_a_walk_that_waits_for_something_else_gets_nothing(self, carrier, account, state):
        message = walking()
        ended = NOON if state in {"exited", "completed"} else None
        type(message.enrollment).objects.filter(pk=message.enrollment_id).update(state=state, ended_at=ended)

        send()

        assert (now(message).state, now(message).reason) == ("blocked", "walk_elsewhere")

    @pytest.mark.parametrize("change", [{"visit": 2}, {"run_no": 2}])
    def test_nor_one_that_has_come_by_again(self, carrier, account, change):
        message = walking()
        type(message.enrollment).objects.filter(pk=message.enrollment_id).update(**change)

        send()

        assert now(message).reason == "walk_elsewhere"

    @pytest.mark.parametrize("how", [{"state": "paused", "paused_from": "waiting_send"}, {"state": "parked"}])
    def test_a_walk_that_stands_still_keeps_its_message(self, carrier, account, how):
        message = walking()
        walks = type(message.enrollment).objects.filter(pk=message.enrollment_id)
        walks.update(**how)

        send()
        assert now(message).state == "pending"
        walks.update(state="waiting_send", paused_from="")
        send(NOON + MINUTE)

        assert now(message).state == "accepted"

    def test_news_for_one_walk_holds_up_no_other(self, carrier, account):
        mine = walking()
        other = walking(contact=mine.contact)
        HappeningFactory(contact=mine.contact, kind="link_click", enrollment=mine.enrollment)

        send()
        send(NOON + MINUTE)  # of two to one person in one batch only one is looked at

        assert [now(message).state for message in (mine, other)] == ["pending", "accepted"]

    def test_news_that_the_walk_has_not_heard_comes_first(self, carrier, account):
        message = walking()
        news = HappeningFactory(contact=message.contact)
        by_hand = MessageFactory(by_hand=True, contact=HappeningFactory(contact=walking().contact).contact)

        send()
        assert now(message).state == "pending"
        assert now(by_hand).state == "accepted"
        type(news).objects.filter(pk=news.pk).update(handled_at=NOON)
        send(NOON + MINUTE)

        assert now(message).state == "accepted"

    def test_two_people_on_one_line_get_one_message(self, carrier, account):
        campaign = CampaignFactory()
        first = walking(campaign=campaign)
        sharer = ContactFactory(phone=first.contact.primary_phone)
        second = walking(campaign=campaign, node=first.node, contact=sharer)

        send()
        send(NOON + 2 * SECOND)

        assert now(first).state == "accepted"
        assert (now(second).state, now(second).reason) == ("blocked", f"duplicate_address (as {first.pk})")
        assert len(carrier.ledger()) == 1

    @pytest.mark.parametrize(
        ("needed", "given", "passes"),
        [
            ("", {}, True),
            ("express", {}, False),
            ("express", {"channel": ""}, True),
            ("express", {"channel": "voicemail"}, True),
            ("express", {"channel": "sms"}, False),
            ("written", {"channel": ""}, False),
            ("written", {"channel": "voicemail", "evidence": "I agree to voicemails."}, True),
        ],
    )
    def test_a_voicemail_needs_the_consent_that_its_node_names(self, carrier, needed, given, passes):
        SendingAccountFactory(channel="voicemail")
        message = walking("voicemail", consent=needed)
        if given:
            consenting.give(contact=message.contact, source="form", at=NOON - HOUR, **given)

        send()

        assert (now(message).state, now(message).reason) == (("accepted", "") if passes else ("blocked", "no_consent"))

    @pytest.mark.parametrize(("channel", "passes"), [("", False), ("voicemail", False), ("sms", True)])
    def test_a_consent_that_was_taken_back_is_none(self, carrier, channel, passes):
        SendingAccountFactory(channel="voicemail")
        message = walking("voicemail", consent="express")
        consenting.give(contact=message.contact, source="form", at=NOON - 2 * HOUR, channel="voicemail")
        consenting.withdraw(contact=message.contact, source="call", at=NOON - HOUR, channel=channel)

        send()

        assert (now(message).state == "accepted") is passes

    def test_a_consent_that_is_given_anew_is_one(self, carrier):
        SendingAccountFactory(channel="voicemail")
        message = walking("voicemail", consent="express")
        consenting.withdraw(contact=message.contact, source="call", at=NOON - 2 * HOUR)
        consenting.give(contact=message.contact, source="form", at=NOON - HOUR)

        send()

        assert now(message).state == "accepted"

    @pytest.mark.parametrize("passes", [True, False])
    def test_a_consent_about_another_number_is_none(self, carrier, passes):
        SendingAccountFactory(channel="voicemail")
        message = walking("voicemail", consent="express")
        own = Endpoint.objects.get(value=message.contact.primary_phone)
        about = own if passes else give_point(message.contact, "phone", "+15125550177", state="wrong_person").endpoint
        consenting.give(contact=message.contact, source="form", at=NOON - HOUR, endpoint=about)

        send()

        assert (now(message).state == "accepted") is passes

    def test_the_pair_and_the_project_of_a_walk_are_asked_for(self, carrier, account):
        pair = ProjectContactFactory(suppress_for_project=True)
        message = walking(contact=pair.contact, pair=pair)

        send()

        assert now(message).reason == "pair_suppressed"

    def test_a_rule_that_breaks_sends_nothing(self, carrier, account, monkeypatch):
        from campaigns.rules.standing import NewsUnheard

        def broken(self, facts, at):
            raise RuntimeError("out of order")

        monkeypatch.setattr(NewsUnheard, "blocks", broken)
        message = walking()

        send()

        assert (now(message).state, now(message).reason) == ("blocked", "gate_error")
        assert not carrier.asked()

    def test_a_message_by_hand_asks_for_no_campaign(self, carrier, account):
        message = MessageFactory(by_hand=True)

        send()

        assert now(message).state == "accepted"


def set_status(campaign, status):
    """As if it had been so all the time: a trigger knows the ways, and this test is not about them."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE campaigns_campaign SET status = %s, paused_at = now(), starts_at = now() WHERE id = %s",
            [status, campaign.pk],
        )
        cursor.execute("SET session_replication_role = DEFAULT")
