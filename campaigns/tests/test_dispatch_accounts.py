"""Whose account sends a message, and what becomes of an account that is refused (trust A17)."""

import logging
from datetime import timedelta

import pytest

from campaigns.models import Message, SendingAccount
from campaigns.services import accounts as editing
from campaigns.services.dispatch import accounts, calling, claiming, recording, resting, running
from campaigns.tests import carriers, sending
from campaigns.tests.factories import EnrollmentFactory, MessageFactory, SendingAccountFactory, walking
from campaigns.tests.sending import claim, known, mark, now, send
from config.kernel import clock
from config.testing import NOON
from crm.models import Touch
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


class TestWhoSends:
    def test_the_account_of_whoever_sends_it_comes_before_everybodys(self, carrier, account):
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

    def test_what_was_tried_in_vain_through_it_goes_to_another_too(self, carrier, account):
        carrier.behave("refused")
        message = walking()
        send()
        SendingAccount.objects.filter(pk=account.pk).update(is_active=False)
        carrier.behave("accept")

        accounts.unroute()
        send(NOON + HOUR)  # there is none yet
        assert (now(message).state, now(message).reason) == ("pending", "no_account")
        other = SendingAccountFactory()
        send(NOON + 2 * HOUR)

        assert (now(message).state, now(message).account) == ("accepted", other)
        assert carrier.ledger() == [str(message.pk)]

    def test_what_may_have_gone_out_through_it_is_looked_for(self, settings, carrier):
        post = carriers.Carrier(**settings.PROVIDERS["email"]["OPTIONS"])
        account = SendingAccountFactory(channel="email")
        post.behave("accept_then_500")
        message = walking("email")
        send()
        SendingAccount.objects.filter(pk=account.pk).update(is_active=False)
        SendingAccountFactory(channel="email")

        accounts.unroute()
        send(NOON + HOUR)

        assert (now(message).state, now(message).account) == ("uncertain", account)
        assert post.ledger() == [str(message.pk)]


class TestAnAccountThatIsRefused:
    def test_rests_with_one_alert_and_loses_nothing(self, carrier, account, caplog):
        carrier.behave("suspended")
        messages = [walking() for _ in range(60)]

        with caplog.at_level(logging.ERROR):
            for number in range(4):
                send(NOON + number * SECOND)

        assert len(carrier.asked()) == 50
        assert len([line for line in caplog.records if "refuses the account" in line.message]) == 1
        assert {now(message).state for message in messages} == {"pending"}
        row = SendingAccount.objects.get()
        assert (row.open_until, row.failures) == (NOON + 5 * MINUTE, 1)
        assert not Touch.objects.counting().exists()

    def test_is_tried_with_one_message_and_rests_longer(self, carrier, account):
        carrier.behave("suspended")
        for _ in range(10):
            walking()
        send()

        send(NOON + 5 * MINUTE)

        assert len(carrier.asked()) == 11
        assert SendingAccount.objects.get().open_until == NOON + 15 * MINUTE

    def test_goes_on_once_a_message_is_taken(self, carrier, account):
        carrier.behave("suspended")
        messages = [walking() for _ in range(10)]
        send()
        carrier.behave("accept")

        send(NOON + 5 * MINUTE)
        send(NOON + 6 * MINUTE)

        row = SendingAccount.objects.get()
        assert (row.open_until, row.failures, row.open_reason) == (None, 0, "")
        assert {now(message).state for message in messages} == {"accepted"}

    def test_leaves_the_others_alone(self, carrier, account, settings, tmp_path):
        SendingAccountFactory(channel="email")
        carrier.behave("suspended")
        walking()
        email = walking("email")

        send()

        assert now(email).state == "accepted"

    def test_rests_as_long_as_its_provider_asks_and_none_of_its_messages_has_had_its_last_try(self, carrier, account):
        carrier.behave("unwelcome")
        message = walking()
        for number in range(claiming.TRIES + 1):
            SendingAccount.objects.update(open_until=None, failures=0)
            send(NOON + number * SECOND)
        assert SendingAccount.objects.get().open_until == NOON + claiming.TRIES * SECOND + 9 * HOUR
        assert (now(message).state, now(message).tries) == ("pending", claiming.TRIES + 1)


class TestAnAccountOfWhichNothingIsClear:
    """Its provider answers everything with 500: the queue of those who have to look is not filled with all there is."""

    def test_sends_one_at_a_time_and_then_rests_until_something_is_clear(self, carrier, account, caplog):
        carrier.behave("500")
        for _ in range(60):
            walking()
        with caplog.at_level(logging.ERROR):
            for number in range(9):
                send(NOON + number * SECOND)

        row = SendingAccount.objects.get()
        assert (len(carrier.asked()), row.failures) == (50 + 4, resting.PATIENCE)
        assert row.open_until == NOON + 4 * SECOND + resting.REST
        assert [line.message for line in caplog.records if "says nothing clear" in line.message]
        carrier.behave("accept")
        send(row.open_until)
        assert (SendingAccount.objects.get().failures, len(carrier.ledger())) == (0, 1)
        send(row.open_until + SECOND)
        assert len(carrier.ledger()) == 6

    def test_is_in_no_trouble_where_one_of_them_is(self, carrier, account):
        carrier.behave("500", to=walking().contact.primary_phone)
        walking()
        for number in range(9):
            send(NOON + number * SECOND)

        assert (SendingAccount.objects.get().failures, SendingAccount.objects.get().open_reason) == (0, "")


@pytest.mark.parametrize("tried", [False, True])
def test_what_waits_for_an_account_that_was_given_to_somebody_goes_out_from_another(carrier, account, tried):
    message, anybodys = walking(by=UserFactory(bdr=True)), walking()
    accounts.route(at=NOON)
    if tried:
        carrier.behave("refused")
        send()
        carrier.behave("accept")
    editing.edit(row=account, changes={"user": UserFactory(bdr=True)}, by=None, at=NOON)
    other = SendingAccountFactory()

    for seconds in range(3):
        send(NOON + HOUR + seconds * SECOND)

    assert [(now(one).state, now(one).account) for one in (message, anybodys)] == [("accepted", other)] * 2


@pytest.mark.parametrize("why", [{"per_day": 1}, {"open_until": NOON + HOUR, "failures": 1}])
def test_what_waits_for_one_that_sends_nothing_now_goes_out_from_another_at_once(carrier, account, why):
    walking()
    send()
    message = walking(by=UserFactory(bdr=True))
    accounts.route(at=NOON)
    SendingAccount.objects.update(**why)
    other = SendingAccountFactory()

    editing.edit(row=account, changes={"user": UserFactory(bdr=True)}, by=None, at=NOON)
    send()

    assert (now(message).state, now(message).account) == ("accepted", other)


def test_a_batch_that_was_under_way_ends_no_rest_that_has_begun_since(carrier, account):
    SendingAccount.objects.update(failures=1)
    walking()
    account.refresh_from_db()
    (marked,) = mark(account, claim(account))
    resting.shut(account_id=account.pk, reason="Refused", at=NOON)

    told = [calling.Told(marked, calling.How.ACCEPTED, reference="R1")]
    recording.record(told=told, account=known(account), provider=carrier, at=NOON)

    assert SendingAccount.objects.get().open_until == NOON + 10 * MINUTE


def test_a_rest_that_a_wrong_clock_has_made_keeps_nobody_silent(carrier, account):
    resting.shut(account_id=account.pk, reason="Refused", at=NOON + timedelta(days=300))
    message = walking()

    send()

    assert now(message).state == "accepted"
    assert SendingAccount.objects.get().open_until is None


def test_what_may_have_gone_out_from_an_account_that_was_given_to_somebody_is_looked_for(settings, carrier):
    post = carriers.Carrier(**settings.PROVIDERS["email"]["OPTIONS"])
    account = SendingAccountFactory(channel="email")
    post.behave("accept_then_500")
    message = walking("email")
    send()
    editing.edit(row=account, changes={"user": UserFactory(bdr=True)}, by=None, at=NOON)
    SendingAccountFactory(channel="email")

    send(NOON + HOUR)

    assert (now(message).state, now(message).account) == ("uncertain", account)
    assert post.ledger() == [str(message.pk)]


@pytest.mark.parametrize(("place", "name"), [(accounts.Account, "room"), (recording, "record")])
def test_whatever_breaks_for_one_account_lets_it_rest_and_stops_no_other(
    carrier, account, monkeypatch, caplog, place, name
):
    SendingAccountFactory(channel="email")
    email, message = walking("email"), walking()
    works = getattr(place, name)

    def breaks(*told, **said):
        if (told or [said["account"]])[0].id == account.pk:
            raise OverflowError("secret")
        return works(*told, **said)

    monkeypatch.setattr(place, name, breaks)
    with clock.standing_at(NOON), caplog.at_level(logging.ERROR):
        accounts.route(at=NOON)
        for _ in range(5):
            running.step()

    assert now(email).state == "accepted"
    assert now(message).state in {"pending", "dispatching"}
    row = SendingAccount.objects.get(pk=account.pk)
    assert (row.open_until, row.failures) == (NOON + 5 * MINUTE, 1)
    assert row.open_reason == "Sending from it stopped by an error (OverflowError)."
    assert [str(account.pk) in line.message for line in caplog.records] == [True]


def test_an_adapter_that_is_not_there_rests_the_account(carrier):
    account = SendingAccountFactory(provider="nowhere")
    message = walking()

    send()

    assert now(message).state == "pending"
    assert "nowhere" in SendingAccount.objects.get(pk=account.pk).open_reason


def test_an_account_is_mended_only_where_it_was_broken(account, django_assert_num_queries):
    with django_assert_num_queries(1):
        resting.mend(account_id=account.pk, at=NOON)
