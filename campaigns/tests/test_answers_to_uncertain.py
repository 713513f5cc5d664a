"""Whoever answers what nobody knows to have been sent has answered; whether it was sent stays to be found out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.models import Enrollment, EnrollmentEvent, Message, Settlement
from campaigns.services import handling, inbound
from campaigns.services.dispatch import exits, reconciling
from campaigns.tests import sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory, MessageFactory, SendingAccountFactory
from campaigns.tests.sending import send
from campaigns.tests.walks import assert_replays, begun, enrolled, run, walk_of
from config.kernel import clock
from config.testing import NOON
from crm.tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PHONE, MAIL = "+15125550134", "alex@example.com"
ASKING = drawing(
    node("sms", "sms_send"), node("ask", "wait_for"), node("bdr", "stage", status="Needs BDR"), node("wait", "wait"),
    node("end", "exit", reason="Silent"), "sms>ask", "ask:happened>bdr", "ask:timeout>end", "bdr>wait", "wait>end",
)  # fmt: skip
LEADING = replace(
    drawing(
        node("sms", "sms_send"), node("wait", "wait"), node("thanks", "wait"), node("end", "exit"),
        "sms>wait", "wait>end", "thanks>end",
    ),
    on_reply="thanks",
)  # fmt: skip
carrier, account = sending.carrier, sending.account


@pytest.fixture
def post(carrier, settings):
    SendingAccountFactory(channel="email")
    return Carrier(**settings.PROVIDERS["email"]["OPTIONS"])


def uncertain(carrier, mode, drawn=ASKING, person=None):
    """Somebody whose first message ended in ``mode``, so that nobody knows whether it was sent."""
    (walk,) = enrolled(begun(drawn), [person or ContactFactory(phone=PHONE, email=MAIL)])
    run(NOON)
    carrier.behave(mode)
    send()
    carrier.behave("accept")
    run(NOON)
    assert (walk_of(walk).state, outbound().ever_dispatched) == ("waiting_send", True)
    return walk


def answer(at=NOON + MINUTE, sender=PHONE, channel="sms"):
    inbound.receive(inbound.Heard(channel, channel, sender, "+15125559999", "Yes, call me.", at, reference="in-1"))
    run(at)


def reconcile(at):
    with clock.standing_at(at):
        return reconciling.reconcile(at=at)


def outbound():
    return Message.objects.get(direction="outbound")


def stands(walk):
    walk = walk_of(walk)
    return walk.state, walk.node and walk.node.key, walk.reason


def assert_answered_once(walk, key, known="uncertain"):
    """It has gone the way of an answer, no message was written twice, and nothing is left to be told."""
    assert stands(walk) == ("waiting", key, "")
    passed = EnrollmentEvent.objects.filter(enrollment=walk, kind="passed", data__has_key="outcome").order_by("id")
    assert [event.data["outcome"] for event in passed] == [known, "reply"][: 1 + (key == "wait")]
    assert outbound()
    assert not Settlement.objects.exists()
    assert_replays(walk)


@pytest.mark.parametrize(("mode", "later", "sent"), [
    ("accept_then_hang", "accepted", 1), ("500", "not_sent_presumed", 0),
])  # fmt: skip
@pytest.mark.parametrize(("drawn", "key"), [(ASKING, "wait"), (LEADING, "thanks")])
def test_an_answer_comes_before_it_is_known_what_was_sent(carrier, account, mode, later, sent, drawn, key):
    walk = uncertain(carrier, mode, drawn)
    answer()
    assert_answered_once(walk, key)
    assert outbound().state == "uncertain", "an answer proves nothing of it"

    reconcile(NOON + 15 * MINUTE)
    for minutes in (15, 90):
        run(NOON + minutes * MINUTE)
        send(NOON + minutes * MINUTE)

    assert_answered_once(walk, key)
    assert outbound().state == later
    assert len(carrier.ledger()) == sent


@pytest.mark.parametrize(("decide", "copies"), [(exits.write_off, 1), (exits.resend, 2)])
def test_an_answer_comes_to_what_presumably_was_not_sent(carrier, account, decide, copies):
    walk = uncertain(carrier, "500")
    reconcile(NOON + 15 * MINUTE)
    answer(NOON + 20 * MINUTE)
    assert_answered_once(walk, "wait")
    message = outbound()
    assert list(Message.objects.unsure()) == [message]

    decide(message=message, by=UserFactory(admin=True), at=NOON + 30 * MINUTE)
    run(NOON + 30 * MINUTE)

    assert stands(walk) == ("waiting", "wait", "")
    assert Message.objects.filter(direction="outbound").count() == copies
    assert not Settlement.objects.exists()


def test_an_answer_after_what_was_found_is_an_answer_to_it(carrier, account):
    walk = uncertain(carrier, "accept_then_hang")
    reconcile(NOON + 2 * MINUTE)
    answer(NOON + 3 * MINUTE)
    assert_answered_once(walk, "wait", known="accepted")


def test_an_answer_to_a_repeat_that_is_still_to_come_lets_it_not_go_out(carrier, post):
    """A mailbox recognises the repeat by its key; whoever has answered is not written to again all the same."""
    drawn = drawing(
        node("mail", "email_send"), node("ask", "wait_for"), node("wait", "wait"), node("end", "exit"),
        "mail>ask", "ask:happened>wait", "ask:timeout>end", "wait>end",
    )  # fmt: skip
    walk = uncertain(post, "accept_then_500", drawn)
    assert outbound().state == "pending"
    answer(sender=MAIL, channel="email")
    assert_answered_once(walk, "wait")

    send(NOON + 2 * MINUTE)
    assert (outbound().state, len(post.asked())) == ("uncertain", 1)
    reconcile(NOON + 4 * MINUTE)
    run(NOON + 4 * MINUTE)
    assert_answered_once(walk, "wait")


def test_an_answer_to_what_certainly_was_not_sent_is_none_to_it(carrier, account):
    walk = uncertain(carrier, "refused")
    answer()
    assert stands(walk) == ("exited", "sms", "replied")


def test_what_is_no_answer_leads_nobody_on(carrier, account):
    walk = uncertain(carrier, "500")
    HappeningFactory(contact=walk.contact, kind="link_click", cause=outbound().pk)
    run(NOON + MINUTE)
    assert stands(walk) == ("waiting_send", "sms", "")


def test_an_answer_that_was_heard_before_is_none_to_it(carrier, account):
    person = ContactFactory(phone=PHONE, email=MAIL)
    enrolled(begun(drawing(node("wait", "wait"), node("end", "exit"), "wait>end")), [person])
    run(NOON - DAY)
    answer(NOON - DAY)
    walk = uncertain(carrier, "500", person=person)
    HappeningFactory(contact=person, kind="call_outcome", data={"disposition": "Busy"})
    run(NOON + MINUTE)
    assert stands(walk) == ("waiting_send", "sms", "")


def test_an_answer_of_somebody_else_on_the_same_line_is_none_to_it(carrier, account):
    walk = uncertain(carrier, "500")
    enrolled(begun(drawing(node("wait", "wait"), node("end", "exit"), "wait>end")), [other := ContactFactory()])
    heard = MessageFactory(by_hand=True, contact=other, endpoint=outbound().endpoint)
    HappeningFactory(contact=other, cause=heard.pk)
    HappeningFactory(contact=walk.contact, kind="call_outcome", data={"disposition": "Busy"})
    run(NOON + MINUTE)
    assert stands(walk) == ("waiting_send", "sms", "")


def test_an_answer_on_another_line_is_none_to_it(carrier, account):
    walk = uncertain(carrier, "500")
    answer(sender=MAIL, channel="email")
    assert stands(walk) == ("exited", "sms", "replied")


def test_whoever_is_paused_has_answered_and_goes_that_way_once_they_may(carrier, account):
    walk = uncertain(carrier, "500")
    handling.pause([walk.pk], by=None, at=NOON)
    answer()
    assert Enrollment.objects.get(pk=walk.pk).state == "paused"
    handling.resume([walk.pk], by=None, at=NOON + DAY)
    run(NOON + DAY)
    assert_answered_once(walk, "wait")
