"""What became of a message, and could not be followed, leads on whoever is parked at it once they answer; nothing that
was followed before, or set aside, does so again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.models import ContentTemplate, EnrollmentEvent, EnrollmentStep, Message
from campaigns.services import counting, handling, inbound
from campaigns.tests import promises, sending, test_unheard
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory
from campaigns.tests.sending import send
from campaigns.tests.test_unheard import ASKING
from campaigns.tests.walks import assert_replays, begun, enrolled, run, settle, walk_of
from config.testing import NOON
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
carrier, account, runs_broken = sending.carrier, sending.account, test_unheard.runs_broken
PHONE, HOUR = "+15125550134", timedelta(hours=1)
SAYING = drawing(node("sms", "sms_send"), *ASKING.nodes, "sms>ask", *ASKING.edges)


@pytest.fixture
def say(carrier, account):
    """Lets somebody come to a message, and wait for it."""

    def said(on_reply=""):
        (walk,) = enrolled(begun(replace(SAYING, on_reply=on_reply)), [ContactFactory(phone=PHONE)])
        run(NOON)
        return walk

    return said


def cannot_be_written(walk, at=NOON):
    ContentTemplate.objects.update(archived_at=at)
    run(at)
    assert walk_of(walk).reason == "There is no content 'hello' for sms any more."


def answers(walk, at=NOON, kind="reply"):
    HappeningFactory(contact=walk.contact, kind=kind)
    run(at)
    assert_replays(walk)
    assert promises.numbers([walk.campaign]) == []
    here = walk_of(walk)
    return here.state, here.node.key, here.reason


def blocked(walk):
    events = EnrollmentEvent.objects.filter(enrollment=walk, kind="blocked").count()
    return events, sum(numbers.get("blocked", 0) for numbers in counting.by_node(walk.campaign).values())


@pytest.mark.parametrize(("on_reply", "there"), [("", ("exited", "sms", "replied")), ("end", ("completed", "end", ""))])
class TestWhoeverAnswersWhereTheyAreParked:
    def test_is_not_blocked_once_more_by_what_has_put_them_off(self, say, on_reply, there):
        walk = say(on_reply)
        settle("blocked", NOON, reason="sms.hours", retry_at=NOON + HOUR)
        run(NOON)
        cannot_be_written(walk, NOON + HOUR)

        assert answers(walk, NOON + HOUR) == there
        assert blocked(walk) == (1, 1)

    @pytest.mark.parametrize("became", ["blocked", "rejected"])
    def test_has_nothing_to_do_with_what_was_set_aside_when_they_were_tried_again(
        self, say, runs_broken, on_reply, there, became
    ):
        walk = say(on_reply)
        settle(became, NOON)
        runs_broken("_settle")
        handling.retry([walk.pk], by=None, at=NOON)
        cannot_be_written(walk)

        assert answers(walk) == there
        assert blocked(walk) == (0, 0)
        assert not EnrollmentStep.objects.filter(outcome=became).exists()

    def test_is_blocked_once_by_what_they_could_not_be_told_of(self, say, runs_broken, on_reply, there):
        walk = say(on_reply)
        settle("blocked", NOON, reason="sms.hours", retry_at=NOON + HOUR)
        runs_broken("_settle")

        assert answers(walk) == there
        assert blocked(walk) == (1, 1)
        told = EnrollmentEvent.objects.get(enrollment=walk, kind="blocked").data
        assert told == {"reason": "sms.hours", "wake_at": (NOON + HOUR).isoformat()}


def test_whoever_answers_before_what_is_written_anew_goes_out_leaves(say, runs_broken, carrier):
    walk = say()
    carrier.behave("refused_for_good")
    send(NOON)
    runs_broken("_settle")
    handling.retry([walk.pk], by=None, at=NOON)
    run(NOON)
    assert sorted(Message.objects.values_list("state", flat=True)) == ["pending", "rejected"]
    inbound.receive(inbound.Heard("sms", "sms", PHONE, "+15125559999", "Who is it?", NOON, reference="in-1"))
    run(NOON)

    here = walk_of(walk)
    assert (here.state, here.node.key, here.reason) == ("exited", "sms", "replied")


@pytest.mark.parametrize("times", [0, 1, 2])
def test_what_they_are_told_while_they_are_parked_is_kept_until_they_answer(say, runs_broken, times):
    walk = say()
    HappeningFactory(contact=walk.contact, kind="call_outcome", data={"disposition": "Busy"})
    runs_broken()
    settle("accepted", NOON)
    run(NOON)
    for _ in range(times):
        assert answers(walk, kind="call_outcome")[:2] == ("parked", "sms")

    assert answers(walk) == ("waiting_send", "thanks", "")
    assert EnrollmentStep.objects.get().outcome == "accepted"
    assert "unsettled" not in walk_of(walk).last


def test_what_they_could_not_be_told_of_survives_another_break(say, runs_broken):
    walk = say()
    settle("accepted", NOON)
    runs_broken("_settle")
    HappeningFactory(contact=walk.contact, kind="call_outcome")
    runs_broken()

    assert answers(walk) == ("waiting_send", "thanks", "")
