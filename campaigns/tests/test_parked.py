"""Whoever is parked only could not go on: an answer leads them as it leads others, and ends the parking."""

from dataclasses import replace
from datetime import timedelta

import pytest

from campaigns.models import ContentTemplate, EnrollmentStep, Message, Settlement
from campaigns.rules import walking
from campaigns.rules.drawings import DrawnNode
from campaigns.services import handling, inbound
from campaigns.tests import promises, sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory
from campaigns.tests.sending import send
from campaigns.tests.test_unheard import ASKING
from campaigns.tests.walks import assert_replays, begun, enrolled, paused, resumed, run, walk_of
from config.testing import NOON
from crm.tests.factories import ContactFactory, SuppressionFactory

pytestmark = pytest.mark.django_db
carrier, account = sending.carrier, sending.account
PHONE, HOUR = "+15125550134", timedelta(hours=1)
EVE = drawing(
    DrawnNode("eve", "wait", "", {"mode": "event", "days": -1, "time": "10:00"}), node("bdr", "stage"),
    node("rest", "wait"), node("end", "exit"), "eve>end", "bdr>rest", "rest>end",
)  # fmt: skip


@pytest.fixture
def park(monkeypatch):
    """Parks somebody where they stand: what happens to them, by default a call that ended, cannot be followed."""

    def parked(walk, kind="call_outcome", verb="_hears"):
        HappeningFactory(contact=walk.contact, kind=kind, data={"disposition": "Busy"})
        with monkeypatch.context() as broken:
            broken.setattr(walking, verb, lambda *told: 1 / 0)
            run(NOON)
        assert walk_of(walk).state == "parked"

    return parked


def answers(walk, at=NOON, kind="reply"):
    HappeningFactory(contact=walk.contact, kind=kind)
    run(at)
    assert_replays(walk)
    assert promises.numbers([walk.campaign]) == []
    return walk_of(walk)


def test_where_an_answer_is_waited_for_it_leads_on(park):
    (walk,) = enrolled(begun(ASKING))
    run(NOON)
    park(walk)

    here = answers(walk)
    assert (here.state, here.node.key, here.reason, Message.objects.get().held) == ("waiting_send", "thanks", "", False)
    step = EnrollmentStep.objects.get()
    assert (step.node.key, step.outcome, step.exit) == ("ask", "reply", "happened")


def test_where_the_graph_sends_whoever_answers_they_go():
    (walk,) = enrolled(begun(replace(EVE, on_reply="bdr"), event_date=None))
    run(NOON)
    assert walk_of(walk).reason.startswith("Nobody has said on which day the event is")

    here = answers(walk)
    assert (here.state, here.node.key, here.stage, here.wake_at) == ("waiting", "rest", "bdr", NOON + timedelta(days=2))


def test_an_outcome_that_is_waited_for_leads_on_too(park):
    called = drawing(node("call", "wait_for", event="call_outcome"), node("more", "wait_for"), "call:happened>more")
    (walk,) = enrolled(begun(called))
    run(NOON)
    park(walk, kind="link_click")

    assert answers(walk, kind="call_outcome").node.key == "more"


def test_an_answer_that_leads_nowhere_ends_the_walk():
    (walk,) = enrolled(begun(EVE, event_date=None))
    run(NOON)

    assert (walk_of(walk).state, answers(walk).reason) == ("parked", "replied")


def test_nobody_who_has_never_begun_is_led_anywhere(park):
    (walk,) = enrolled(begun(replace(EVE, on_reply="bdr")))
    park(walk)

    here = answers(walk)
    assert (here.state, here.reason, here.node) == ("exited", "replied", None)


@pytest.mark.parametrize(("kind", "reason"), [("opt_out", "opted_out"), ("meeting", "meeting")])
def test_what_ends_every_walk_ends_theirs(park, kind, reason):
    (walk,) = enrolled(begun(replace(ASKING, on_reply="thanks")))
    run(NOON)
    park(walk)

    assert answers(walk, kind=kind).reason == reason


def test_nobody_to_whom_nothing_may_be_sent_is_led_on(park):
    person = ContactFactory(phone=PHONE)
    (walk,) = enrolled(begun(ASKING), [person])
    run(NOON)
    park(walk)
    SuppressionFactory(endpoint=person.points.get().endpoint, at=NOON)

    assert answers(walk).reason == "suppressed"


def test_in_a_campaign_that_stands_still_they_go_on_once_it_does(park):
    campaign = begun(ASKING, spread_minutes=0)
    (walk,) = enrolled(campaign)
    run(NOON)
    park(walk)
    paused(campaign, NOON)

    for _ in range(2):  # whoever has answered has answered
        here = answers(walk)
        assert (here.state, here.node.key, here.wake_rule) == ("active", "thanks", {"led_by": "reply"})
    resumed(campaign, NOON + HOUR)
    run(NOON + HOUR)
    assert (walk_of(walk).state, Message.objects.count()) == ("waiting_send", 1)


@pytest.mark.parametrize("kind", ["reply", "call_outcome"])
@pytest.mark.parametrize("is_tried_again", [True, False])
def test_whoever_had_answered_before_has_answered_until_they_begin_where_that_led_them(park, kind, is_tried_again):
    campaign = begun(ASKING, spread_minutes=0)
    (walk,) = enrolled(campaign)
    run(NOON)
    paused(campaign, NOON)
    answers(walk)
    park(walk, kind)
    if is_tried_again:
        handling.retry([walk.pk], by=None, at=NOON)

    here = answers(walk)
    assert (here.state, here.node.key) == ("active" if is_tried_again else "parked", "thanks")
    handling.retry([walk.pk], by=None, at=NOON)
    resumed(campaign, NOON + HOUR)
    run(NOON + HOUR)
    assert (walk_of(walk).state, Message.objects.count()) == ("waiting_send", 1)
    assert answers(walk, NOON + HOUR).reason == "replied", "it has begun"


def test_whoever_had_answered_and_cannot_be_sent_what_that_leads_to_has_answered_too():
    asking = drawing(node("ask", "wait_for"), node("thanks", "sms_send", content="thanks"), "ask:happened>thanks")
    campaign = begun(asking, spread_minutes=0)
    (walk,) = enrolled(campaign)
    run(NOON)
    paused(campaign, NOON)
    answers(walk)
    resumed(campaign, NOON + HOUR)
    run(NOON + HOUR)
    assert walk_of(walk).reason == "There is no content 'thanks' for sms any more."

    assert answers(walk, NOON + HOUR).state == "parked"


SAYING = drawing(node("sms", "sms_send"), *ASKING.nodes, "sms>ask", *ASKING.edges)


class TestWhoeverIsParkedAtAMessage:
    """The message that they have got: something broke behind it, or before they were told what became of it."""

    @pytest.fixture
    def walk(self, carrier, account):
        (walk,) = enrolled(begun(SAYING), [ContactFactory(phone=PHONE)])
        run(NOON)
        return walk

    @staticmethod
    def says(walk, words="Yes, call me."):
        inbound.receive(inbound.Heard("sms", "sms", PHONE, "+15125559999", words, NOON, reference="in-1"))
        run(NOON)
        assert_replays(walk)
        assert not Settlement.objects.exists()
        return walk_of(walk)

    @pytest.mark.parametrize("verb", ["_settle", "_hears"])
    def test_has_got_what_they_answer(self, walk, park, verb):
        send(NOON)
        park(walk, verb=verb)

        here = self.says(walk)
        assert (here.state, here.node.key) == ("waiting_send", "thanks")
        assert EnrollmentStep.objects.get().outcome == "accepted"

    @pytest.mark.parametrize("kind", ["call_outcome", "reply"])
    def test_has_got_what_they_answered_when_that_could_not_be_followed(self, walk, monkeypatch, carrier, kind):
        carrier.behave("accept_then_hang")
        send(NOON)
        with monkeypatch.context() as broken:
            broken.setattr(walking, "_hears", lambda *told: 1 / 0)
            assert self.says(walk).state == "parked"

        here = answers(walk, kind=kind)
        assert (here.node.key, here.state) == ("thanks", "exited" if kind == "reply" else "waiting_send")

    def test_has_got_what_they_answer_in_another_way(self, walk, park):
        send(NOON)
        park(walk)

        assert answers(walk).node.key == "thanks"

    def test_has_not_got_what_is_to_be_written_anew(self, walk, park):
        park(walk)
        Message.objects.update(state="cancelled")

        assert (answers(walk).reason, walk_of(walk).node.key) == ("replied", "sms")

    def test_goes_on_from_what_nobody_knows_to_have_been_sent(self, walk, park, carrier):
        carrier.behave("accept_then_hang")
        send(NOON)
        carrier.behave("accept")
        park(walk)

        assert self.says(walk).node.key == "thanks"

    def test_stays_there_whatever_else_happens(self, walk, park, carrier):
        carrier.behave("accept_then_hang")
        send(NOON)
        park(walk)
        Message.objects.update(state="delivered", settled_at=NOON)

        here = answers(walk, kind="call_outcome")
        assert (here.state, here.node.key) == ("parked", "sms")

    def test_leaves_where_nothing_was_sent(self, walk, park):
        park(walk)

        assert (self.says(walk).reason, Message.objects.get(direction="outbound").state) == ("replied", "cancelled")


def test_what_was_to_be_sent_where_they_were_parked_does_not_go_out_any_more(carrier, account, park):
    drawn = drawing(node("sms", "sms_send"), node("said", "sms_send", content="said"), "sms>said")
    ContentTemplate.objects.create(key="said", channel="sms", name="Said", body="Glad to hear that.")
    (walk,) = enrolled(begun(replace(drawn, on_reply="said")), [ContactFactory(phone=PHONE)])
    run(NOON)
    park(walk)
    send(NOON)

    assert answers(walk).node.key == "said"
    for minutes in range(3):
        send(NOON + timedelta(minutes=minutes))
    assert [row["body"] for row in carrier.rows()] == ["Glad to hear that."]
    assert sorted(Message.objects.values_list("state", "reason")) == [("accepted", ""), ("blocked", "walk_elsewhere")]
