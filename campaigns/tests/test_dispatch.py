"""A message that is due goes out once, with everything that proves it, whatever else is in its batch."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from calls.rules import opening
from calls.services import deciding
from campaigns.admin.words import in_words
from campaigns.models import Attempt, Conversation, Message, Settlement
from campaigns.services.dispatch import calling, handing
from campaigns.tests import sending
from campaigns.tests.factories import CampaignFactory, EnrollmentFactory, MessageFactory, SendingAccountFactory, walking
from campaigns.tests.sending import claim, mark, now, send
from config.kernel import clock
from config.testing import NOON
from crm.choices import GateAction
from crm.models import Endpoint, GateDecision, Touch
from crm.tests.factories import SuppressionFactory, give_point

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


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


class TestAMessageThatCannotBeDecidedAbout:
    """B16, B17: the poison is put aside for an hour, a dozen times; then somebody is told."""

    @pytest.fixture
    def poison(self, monkeypatch):
        preview = handing._preview

        def broken(ready):
            if ready.body == "poison":
                raise RuntimeError("out of order")
            return preview(ready)

        monkeypatch.setattr(handing, "_preview", broken)
        return walking(body="poison")

    def test_stops_no_other(self, carrier, account, poison):
        others = [walking() for _ in range(3)]

        send()

        assert {now(message).state for message in others} == {"accepted"}
        assert (now(poison).state, now(poison).not_before) == ("pending", NOON + HOUR)
        assert len(carrier.ledger()) == 3

    def test_is_blocked_in_the_end_and_its_walk_goes_on_by_the_rule_of_its_node(self, carrier, account, poison):
        for tries in range(12):
            assert (now(poison).state, now(poison).tries) == ("pending", tries)
            Message.objects.filter(pk=poison.pk).update(not_before=NOON)
            send()

        ended = now(poison)
        assert (ended.state, ended.reason, ended.retry_at) == ("blocked", "cannot_be_decided", None)
        assert ended.settled_at == NOON
        assert Settlement.objects.get().message_id == poison.pk
        assert in_words(f"blocked: {ended.reason}").startswith("Blocked: Nothing could be decided about it")

    def test_is_uncertain_in_the_end_where_a_provider_may_have_it(self, carrier, account, poison):
        Message.objects.filter(pk=poison.pk).update(ever_dispatched=True, tries=11)

        send()

        assert (now(poison).state, now(poison).reason) == ("uncertain", "cannot_be_decided")


def test_no_provider_is_called_inside_a_transaction(carrier, account):
    walking()
    marked = mark(account, claim(account))

    with transaction.atomic(), pytest.raises(AssertionError, match="inside a transaction"):
        calling.call(provider=carrier, marked=marked, decided_at=NOON, began=clock.monotonic())

    assert not carrier.asked()
