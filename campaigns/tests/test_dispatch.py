"""A message that is due goes out once, with everything that proves it; one that may not go out says why."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.rules import opening
from calls.services import deciding
from campaigns.models import Attempt, Conversation, Message, SendingAccount, Settlement
from campaigns.services.dispatch import accounts
from campaigns.tests import carriers
from campaigns.tests.factories import (
    CampaignFactory,
    EnrollmentFactory,
    HappeningFactory,
    MessageFactory,
    SendingAccountFactory,
    walking,
)
from campaigns.tests.sending import claim, mark, now, send
from config.testing import NOON
from crm.choices import GateAction
from crm.models import Endpoint, GateDecision, Touch
from crm.services import consenting
from crm.tests.factories import ContactFactory, ProjectContactFactory, SuppressionFactory, TouchFactory, give_point

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def carrier(settings, tmp_path):
    return carriers.install(settings, tmp_path)


@pytest.fixture
def account(carrier):
    return SendingAccountFactory()


def test_a_message_goes_out_with_everything_that_proves_it(carrier, account):
    message = walking(body="Hello Alex")

    send()

    message, attempt, touch, decision = (
        now(message),
        Attempt.objects.get(),
        Touch.objects.get(),
        GateDecision.objects.get(),
    )
    sent = carrier.rows()
    assert [(row["key"], row["to"], row["sender"], row["body"]) for row in sent] == [
        (str(message.pk), message.endpoint.value, account.address, "Hello Alex")
    ]
    assert (message.state, message.account, message.settled_at, message.tries) == ("accepted", account, NOON, 1)
    assert message.ever_dispatched
    assert Settlement.objects.get().message == message
    assert bytes(attempt.token_hash) == sha256(sent[0]["token"].encode()).digest()
    assert len(sent[0]["token"]) >= 43
    assert (attempt.outcome, attempt.reference, attempt.decision_id) == ("accepted", "R1", decision.pk)
    assert (touch.contact, touch.endpoint, touch.channel, touch.at) == (message.contact, message.endpoint, "sms", NOON)
    assert (touch.source, touch.source_id, touch.counts) == ("campaigns.attempt", attempt.pk, True)
    assert (decision.action, decision.allowed, decision.channel) == (GateAction.DISPATCH, True, "sms")
    assert not deciding.replay(decision)
    talk = Conversation.objects.get()
    assert (message.conversation, talk.contact, talk.last_text) == (talk, message.contact, "Hello Alex")


def test_it_goes_out_once_however_often_it_is_asked_for(carrier, account):
    walking()

    for _ in range(3):
        send()

    assert len(carrier.ledger()) == Attempt.objects.count() == 1


@pytest.mark.parametrize("channel", ["sms", "email", "voicemail"])
def test_every_channel_has_its_way_to_them(carrier, settings, channel):
    SendingAccountFactory(channel=channel)
    message = walking(channel)

    send()

    message = now(message)
    kind = "email" if channel == "email" else "phone"
    assert (message.state, message.endpoint.kind) == ("accepted", kind)
    assert Touch.objects.get().channel == channel


def test_a_batch_is_of_one_account_and_of_nobody_twice(carrier, account, caplog):
    """The first message counts against the second; so they are never decided about together."""
    walk = EnrollmentFactory()
    for number in range(5):
        MessageFactory(by_hand=True, contact=walk.contact, dedupe_key=f"k{number}")

    for number in range(5):
        send(NOON + number * 2 * SECOND)

    assert not [line for line in caplog.records if "taken apart" in line.message]
    states = sorted(Message.objects.values_list("state", flat=True))
    assert states == ["accepted"] * 3 + ["blocked"] * 2
    assert len(carrier.ledger()) == 3
    assert {row.reason for row in Message.objects.filter(state="blocked")} == {"day_cap, number_day_cap"}


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


class TestNobodyMayDeliverItLater:
    @pytest.mark.parametrize("channel", ["sms", "voicemail"])
    def test_than_the_end_of_the_window(self, carrier, channel):
        SendingAccountFactory(channel=channel)
        at = NOON.replace(hour=23)  # 18:00 in Austin
        message = walking(channel, not_before=at)

        send(at)

        attempt = Attempt.objects.get()
        book = opening.book()
        key = now(message).endpoint.hours_profile.key
        law = {"sms": "sms", "voicemail": "rvm"}[channel]
        assert at < attempt.valid_until <= at + 4 * HOUR
        assert book.table.is_open(key, attempt.valid_until - SECOND, law)
        assert not book.table.is_open(key, attempt.valid_until, law)

    def test_than_the_message_itself_is_good_for(self, carrier, account):
        walking(expires_at=NOON + MINUTE)

        send()

        assert Attempt.objects.get().valid_until == NOON + MINUTE
        assert not carrier.rows()[0]["valid_until"] > (NOON + MINUTE).isoformat()


def test_a_message_that_is_too_late_is_not_sent(carrier, account):
    message = walking(not_before=NOON - HOUR, expires_at=NOON)

    send()

    message = now(message)
    assert (message.state, message.reason, message.settled_at) == ("expired", "too_late", NOON)
    assert not carrier.asked()


def test_the_next_number_serves_where_the_first_may_not_be_used(carrier, account):
    message = walking()
    second = give_point(message.contact, "phone", "+15125550188")
    first = Endpoint.objects.get(value=message.contact.primary_phone)
    SuppressionFactory(endpoint=first)

    send()

    assert now(message).endpoint == second.endpoint
    assert [row["to"] for row in carrier.rows()] == ["+15125550188"]


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

    @pytest.mark.parametrize("state", ["waiting", "active", "exited", "completed", "parked"])
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

    def test_a_walk_that_is_paused_keeps_its_message(self, carrier, account):
        message = walking()
        walks = type(message.enrollment).objects.filter(pk=message.enrollment_id)
        walks.update(state="paused", paused_from="waiting_send")

        send()
        assert now(message).state == "pending"
        walks.update(state="waiting_send", paused_from="")
        send(NOON + MINUTE)

        assert now(message).state == "accepted"

    def test_news_that_the_walk_has_not_heard_comes_first(self, carrier, account):
        message = walking()
        news = HappeningFactory(contact=message.contact)
        by_hand = MessageFactory(by_hand=True, contact=HappeningFactory(contact=walking().contact).contact)

        send()
        assert now(message).state == "pending"
        assert now(by_hand).state == "accepted"
        news.handled_at = NOON
        news.save()
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


class TestWhoSends:
    def test_the_account_of_whoever_sends_it_comes_before_everybodys(self, carrier, account):
        from crm.tests.factories import UserFactory

        rep = UserFactory(bdr=True)
        own = SendingAccountFactory(user=rep)
        SendingAccountFactory(user=UserFactory(bdr=True))
        mine, anybodys = walking(by=rep), walking()

        send()

        assert (now(mine).account, now(anybodys).account) == (own, account)

    def test_of_several_the_same_contact_always_gets_the_same(self, carrier, account):
        SendingAccountFactory()
        SendingAccountFactory()
        contact = EnrollmentFactory().contact
        for number in range(3):
            MessageFactory(by_hand=True, contact=contact, dedupe_key=f"k{number}")

        accounts.route(at=NOON)

        assert len(set(Message.objects.values_list("account", flat=True))) == 1

    def test_where_nobody_sends_on_the_channel_it_is_blocked(self, carrier, account):
        message = walking("email")

        send()

        message = now(message)
        assert (message.state, message.reason, message.settled_at) == ("blocked", "no_account", NOON)
        assert message.retry_at == NOON + HOUR

    def test_what_waits_for_an_account_that_is_switched_off_goes_to_another(self, carrier, account):
        message = walking(account=account)
        SendingAccount.objects.filter(pk=account.pk).update(is_active=False)
        other = SendingAccountFactory()

        send()
        assert now(message).state == "pending"
        accounts.unroute()
        send()

        assert (now(message).state, now(message).account) == ("accepted", other)


def test_a_batch_takes_the_same_number_of_statements_whatever_is_in_it(carrier, account):
    def statements():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            send()
        return len(queries)

    counted = []
    for number in (1, 1, 10, 40):
        campaign = CampaignFactory()
        for _ in range(number):
            walking(campaign=campaign)
        counted.append(statements())
    assert counted[1] == counted[2] == counted[3]
    assert counted[1] <= 25
    assert len(carrier.ledger()) == 52


def test_a_busy_person_waits_for_the_next_batch(carrier, account, monkeypatch):
    from campaigns.services.dispatch import locks

    message = walking()
    monkeypatch.setattr(locks, "_CONTACTS", locks._CONTACTS.replace("WHERE", "WHERE false AND"))
    send()
    assert (now(message).state, now(message).not_before) == ("pending", NOON + SECOND)
    monkeypatch.undo()
