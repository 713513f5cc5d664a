"""What a provider answers, class by class (trust A4 to A9, A18, C14): what becomes of message and caps."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.choices import HappeningKind
from campaigns.models import Attempt, Happening, Message, SendingAccount
from campaigns.services.dispatch import claiming, reconciling, sweeping
from campaigns.services.dispatch.recording import FIRST_WAIT
from campaigns.tests import sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import claim, counted, mark, now, send
from campaigns.tests.walks import paused, resumed
from config.testing import NOON
from crm.models import Suppression, Touch

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)
carrier, account = sending.carrier, sending.account


def outcomes():
    return list(Attempt.objects.order_by("number").values_list("outcome", flat=True))


@pytest.mark.parametrize("mode", ["accept_then_500", "accept_then_hang", "500", "no_id", "garbage", "bug"])
def test_an_answer_that_proves_nothing_leaves_the_message_uncertain_and_is_never_asked_again(carrier, account, mode):
    carrier.behave(mode)
    message = walking()

    send()
    assert now(message).state == "uncertain"
    for hours in range(3):
        send(NOON + hours * HOUR)
        sweeping.sweep(at=NOON + hours * HOUR)

    message = now(message)
    assert (message.state, message.settled_at) == ("uncertain", None)
    assert len(carrier.asked()) == 1
    assert outcomes() == ["uncertain"]
    assert counted() == [True]


def test_words_that_no_database_keeps_take_nothing_from_what_came_of_it_nor_of_the_others(carrier, account):
    refused, taken = walking(), walking()
    carrier.behave("bad_words", refused.contact.points.get(kind="phone").endpoint.value)

    send()

    assert (now(refused).state, now(refused).reason) == ("rejected", "21211 RecipientRefused: Not a number.")
    assert now(taken).state == "accepted"


def test_a_second_try_that_may_be_a_second_send_is_refused_by_the_database(carrier, account):
    carrier.behave("accept_then_500")
    walking()
    send()
    first = Attempt.objects.get()

    with pytest.raises(IntegrityError, match="one_possible_send"), transaction.atomic():
        Attempt.objects.create(
            message=first.message, number=2, account=account, provider="sms", idempotent=False, key="x",
            token_hash=b"1" * 32, decision_id=first.decision_id, dispatched_at=NOON, valid_until=NOON,
        )  # fmt: skip


@pytest.mark.parametrize(("mode", "wait"), [("refused", timedelta(seconds=30)), ("busy", timedelta(minutes=7))])
def test_what_certainly_was_not_sent_is_tried_again_and_does_not_count(carrier, account, mode, wait):
    carrier.behave(mode)
    message = walking()

    send()

    assert (now(message).state, now(message).not_before) == ("pending", NOON + wait)
    assert counted() == [False]
    send(NOON + wait - SECOND)
    assert len(carrier.asked()) == 1

    carrier.behave("accept")
    send(NOON + wait)

    assert now(message).state == "accepted"
    assert outcomes() == ["not_sent", "accepted"]
    assert counted() == [False, True]
    assert len(carrier.ledger()) == 1


def test_the_gate_is_asked_again_before_every_try(carrier, account):
    carrier.behave("refused")
    message = walking()
    send()
    message.contact.do_not_text = True
    message.contact.save()
    carrier.behave("accept")

    send(NOON + HOUR)

    assert (now(message).state, now(message).reason) == ("uncertain", "do_not_text")
    assert not carrier.ledger()


def test_what_was_tried_in_vain_waits_until_it_would_pass(carrier, account):
    carrier.behave("refused")
    message = walking()
    send()
    carrier.behave("accept")
    night = NOON.replace(hour=4) + timedelta(days=1)

    send(night)

    assert (now(message).state, now(message).reason) == ("pending", "outside_hours")
    assert now(message).not_before == night.replace(hour=14)


def test_waits_grow_and_end_with_a_person(carrier, account):
    carrier.behave("refused")
    message = walking()
    waits = []
    at = NOON
    for _ in range(4):
        send(at)
        waits.append(now(message).not_before - at)
        at = now(message).not_before

    assert waits == [timedelta(seconds=30), MINUTE, 2 * MINUTE, 4 * MINUTE]
    Message.objects.filter(pk=message.pk).update(tries=claiming.TRIES - 1)
    send(at)
    assert now(message).state == "uncertain"


@pytest.mark.parametrize(
    ("mode", "state", "wait"),
    [("endless", "pending", DAY), ("ago", "pending", FIRST_WAIT), ("number", "pending", FIRST_WAIT),
     ("forgetful", "pending", FIRST_WAIT), *((mode, "uncertain", 0 * DAY) for mode in
                                             ("called_off", "ends_its_task", "exits", "unsayable"))],
)  # fmt: skip
def test_an_adapter_that_breaks_for_one_takes_nothing_from_what_came_of_the_others(carrier, account, mode, state, wait):
    bad, *others = [walking() for _ in range(5)]
    carrier.behave(mode, to=bad.contact.primary_phone)

    send()

    assert (now(bad).state, now(bad).not_before) == (state, NOON + wait)
    assert [now(message).state for message in others] == ["accepted"] * 4
    assert SendingAccount.objects.get().open_until is None


def test_whoever_asks_us_to_wait_for_ever_is_asked_again_tomorrow(carrier, account):
    carrier.behave("endless")
    message = walking(expires_at=NOON + timedelta(days=9))

    send()

    assert (now(message).state, now(message).not_before) == ("pending", NOON + DAY)


def test_what_would_be_too_late_is_not_waited_for(carrier, account):
    carrier.behave("busy")
    message = walking(expires_at=NOON + 5 * MINUTE)

    send()

    assert now(message).state == "uncertain"
    assert outcomes() == ["not_sent"]


def test_a_recipient_who_is_refused_is_alone_with_that(carrier, account):
    """Mautic #7226: one bad recipient is no reason to send the others again."""
    messages = [walking() for _ in range(5)]
    carrier.behave("bad_number", to=messages[2].contact.primary_phone)

    send()
    send(NOON + HOUR)

    assert [now(message).state for message in messages] == ["accepted"] * 2 + ["rejected"] + ["accepted"] * 2
    assert len(carrier.ledger()) == 4
    assert len(carrier.asked()) == 5
    bad = now(messages[2])
    assert "21211" in bad.reason
    assert bad.settled_at == NOON
    assert Touch.objects.filter(counts=False).get().contact == bad.contact


def test_a_message_that_is_refused_for_good_is_alone_with_that_and_says_why(carrier, account):
    refused, taken = walking(), walking()
    carrier.behave("refused_for_good", to=refused.contact.primary_phone)

    send()

    assert (now(refused).state, now(refused).reason) == ("rejected", "Rejected: No.")
    assert (now(taken).state, sorted(counted())) == ("accepted", [False, True])


def test_somebody_who_told_the_provider_to_stop_is_left_alone_on_every_channel(carrier, account):
    carrier.behave("stopped")
    message = walking()

    send()

    suppression = Suppression.objects.get()
    assert now(message).state == "rejected"
    assert (suppression.endpoint, suppression.channel, suppression.cause) == (now(message).endpoint, "", message.pk)
    assert suppression.source == "Test carrier"
    assert Happening.objects.filter(contact=message.contact, kind=HappeningKind.OPT_OUT, cause=message.pk).exists()


class TestAProviderThatRecognisesRepeats:
    """E-mail (trust A2, A6): at least once with one key, which for whoever gets it is once."""

    @pytest.fixture
    def post(self, carrier, settings):
        SendingAccountFactory(channel="email")
        return Carrier(**settings.PROVIDERS["email"]["OPTIONS"])

    @pytest.mark.parametrize("mode", ["accept_then_500", "500"])
    def test_is_asked_again_with_the_same_key(self, post, mode):
        post.behave(mode)
        message = walking("email")
        send()
        assert now(message).state == "pending"
        post.behave("accept")

        send(NOON + HOUR)

        assert now(message).state == "accepted"
        assert post.ledger() == [str(message.pk)]
        assert outcomes() == ["uncertain", "accepted"]
        assert len(post.asked()) == 2

    def test_is_not_asked_again_once_it_forgets_the_key(self, post):
        post.behave("accept_then_500")
        message = walking("email")
        send()

        send(NOON + 20 * HOUR)

        assert (now(message).state, now(message).reason) == ("uncertain", "may_have_been_sent")
        assert len(post.ledger()) == 1
        assert len(post.asked()) == 1

    @pytest.mark.parametrize("dies", [False, True])
    def test_is_not_asked_again_after_a_long_pause_and_its_message_is_looked_for_meanwhile(self, post, dies):
        post.behave("accept_then_500")
        message = walking("email")
        if dies:
            account = SendingAccount.objects.get()
            mark(account, claim(account))
            sweeping.sweep(at=NOON + MINUTE)
        else:
            send()
        assert now(message).state == "pending"
        paused(message.campaign, NOON + HOUR)
        post.behave("accept")

        sweeping.sweep(at=NOON + 20 * HOUR)
        assert now(message).state == "uncertain"
        reconciling.reconcile(at=NOON + 21 * HOUR)
        resumed(message.campaign, NOON + 100 * HOUR)
        for day in range(3):
            send(NOON + (100 + 24 * day) * HOUR)

        assert now(message).state == ("not_sent_presumed" if dies else "accepted")
        assert len(post.ledger()) == (0 if dies else 1)

    def test_is_asked_about_the_same_address(self, post):
        post.behave("500")
        message = walking("email")
        send()
        from crm.tests.factories import give_point

        first = now(message).endpoint
        message.contact.points.filter(kind="email").update(is_primary=False)
        give_point(message.contact, "email", "new@example.com", is_primary=True)
        post.behave("accept")

        send(NOON + HOUR)

        assert post.rows()[0]["to"] == first.value


def test_a_provider_that_gives_two_messages_one_id_harms_neither(carrier, account):
    carrier.behave("same_id")
    messages = [walking() for _ in range(3)]

    send()

    assert {now(message).state for message in messages} == {"accepted"}
    assert list(Attempt.objects.order_by("reference").values_list("reference", flat=True)) == ["R1", None, None]
