"""Whoever was parked is tried again: what could not be done is done, and what went out is not said twice."""

from datetime import timedelta

import pytest

from campaigns.models import Enrollment, EnrollmentStep, Message, Settlement
from campaigns.rules import doing, waits
from campaigns.services import handling
from campaigns.tests import promises, sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory
from campaigns.tests.sending import claim, mark, send
from campaigns.tests.walks import assert_replays, begun, enrolled, paused, resumed, run, settle, walk_of
from config.testing import NOON
from crm.tests.factories import CompanyFactory, ContactFactory

pytestmark = pytest.mark.django_db
carrier, account = sending.carrier, sending.account
SAYING = drawing(node("sms", "sms_send"), node("wait", "wait"), node("end", "exit"), "sms>wait", "wait>end")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def walk(carrier, account) -> Enrollment:
    """They have got it, and something broke when their walk was told so."""
    (walk,) = enrolled(begun(SAYING), [ContactFactory(phone="+15125550134")])
    run(NOON)
    send(NOON)
    return walk


def breaks(*args, **options):
    raise OverflowError("not as it should be")


def test_what_went_out_is_not_said_again_and_they_go_on_behind_it(walk, carrier, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(waits, "ends_at", breaks)
        run(NOON)
    assert (walk_of(walk).state, walk_of(walk).node.key) == ("parked", "sms")

    assert handling.retry([walk.pk], by=None, at=NOON) == 1
    run(NOON)
    send(NOON)

    here = walk_of(walk)
    assert (here.state, here.node.key, here.last["outcome"]) == ("waiting", "wait", "accepted")
    assert len(carrier.ledger()) == Message.objects.count() == 1
    assert_replays(walk)


def test_behind_the_last_node_they_are_through(carrier, account, monkeypatch):
    (walk,) = enrolled(begun(drawing(node("sms", "sms_send"))), [ContactFactory(phone="+15125550134")])
    run(NOON)
    send(NOON)
    with monkeypatch.context() as broken:
        broken.setattr("campaigns.rules.steps.Steps.leave_send", breaks)
        run(NOON)
    assert walk_of(walk).state == "parked"

    handling.retry([walk.pk], by=None, at=NOON)

    assert (walk_of(walk).state, walk_of(walk).ended_at) == ("completed", NOON)
    assert_replays(walk)


@pytest.mark.parametrize("state", ["rejected", "blocked"])
def test_what_certainly_did_not_go_out_is_said_once_more_at_the_same_visit(state, carrier, account, monkeypatch):
    (walk,) = enrolled(begun(SAYING), [ContactFactory(phone="+15125550134")])
    run(NOON)
    settle(state, NOON)
    with monkeypatch.context() as broken:
        broken.setattr("campaigns.rules.walking._settle", breaks)
        run(NOON)
    assert walk_of(walk).state == "parked"

    handling.retry([walk.pk], by=None, at=NOON)
    run(NOON)

    assert (walk_of(walk).state, walk_of(walk).visit) == ("waiting_send", 1)
    assert list(Message.objects.order_by("id").values_list("visit", "state")) == [(1, state), (1, "pending")]
    assert_replays(walk)
    send(NOON)
    run(NOON + MINUTE)
    assert (walk_of(walk).node.key, len(carrier.ledger())) == ("wait", 1)
    assert EnrollmentStep.objects.get().outcome == "accepted"
    assert promises.numbers([walk.campaign]) == []


@pytest.fixture
def untold(carrier, account, monkeypatch) -> Enrollment:
    """Something broke while their walk heard of something else; what becomes of their message it is not told."""
    (walk,) = enrolled(begun(SAYING), [ContactFactory(phone="+15125550134")])
    run(NOON)
    parked(walk, monkeypatch)
    return walk


def parked(walk, monkeypatch, at=NOON, *, kind="call_outcome"):
    HappeningFactory(contact=walk.contact, kind=kind)
    with monkeypatch.context() as broken:
        broken.setattr("campaigns.rules.walking._hears", breaks)
        run(at)
    assert walk_of(walk).state == "parked"


def test_what_may_still_go_out_is_waited_for(untold, carrier):
    handling.retry([untold.pk], by=None, at=NOON)
    assert walk_of(untold).state == "waiting_send"
    assert_replays(untold)
    run(NOON)
    send(NOON)
    run(NOON)

    assert (walk_of(untold).node.key, walk_of(untold).last["outcome"]) == ("wait", "accepted")
    assert len(carrier.ledger()) == Message.objects.count() == 1


def test_what_was_tried_in_vain_and_certainly_was_not_sent_is_not_passed_over(carrier, account, monkeypatch):
    (walk,) = enrolled(begun(SAYING), [ContactFactory(phone="+15125550134")])
    run(NOON)
    carrier.behave("busy")
    send(NOON)
    parked(walk, monkeypatch)
    carrier.behave("accept")
    for minutes in range(1, 9):
        send(NOON + minutes * MINUTE)
    assert (Message.objects.get().state, Message.objects.get().held) == ("pending", True)

    handling.retry([walk.pk], by=None, at=NOON + 9 * MINUTE)
    run(NOON + 9 * MINUTE)
    send(NOON + 9 * MINUTE)
    run(NOON + 9 * MINUTE)

    assert (walk_of(walk).node.key, walk_of(walk).last["outcome"]) == ("wait", "accepted")
    assert len(carrier.ledger()) == Message.objects.count() == 1
    assert_replays(walk)


@pytest.mark.parametrize("state", ["uncertain", "not_sent_presumed"])
def test_of_what_nobody_knows_they_wait_until_somebody_does(untold, state):
    Message.objects.update(state="claimed")
    Message.objects.update(state="dispatching", ever_dispatched=True)
    for way in {"uncertain": ["uncertain"], "not_sent_presumed": ["uncertain", "not_sent_presumed"]}[state]:
        Message.objects.update(state=way)
    handling.retry([untold.pk], by=None, at=NOON)
    run(NOON)
    assert (walk_of(untold).state, Message.objects.count()) == ("waiting_send", 1)

    Message.objects.update(state="delivered", settled_at=NOON)
    run(NOON)

    assert walk_of(untold).node.key == "wait"


def test_what_is_claimed_when_they_are_parked_stands_still_until_they_go_on(carrier, account, monkeypatch):
    (walk,) = enrolled(begun(SAYING), [ContactFactory(phone="+15125550134")])
    run(NOON)
    claimed = claim(account)
    parked(walk, monkeypatch)
    assert mark(account, claimed) == []
    message = Message.objects.get()
    assert (message.state, message.reason, message.held) == ("pending", "walk_paused", True)

    handling.retry([walk.pk], by=None, at=NOON)
    run(NOON)
    send(NOON + MINUTE)

    assert Message.objects.get().state == "accepted"


def test_what_became_too_late_while_they_were_parked_is_said_once_they_are_not(untold, carrier):
    settle("expired", NOON)
    assert Settlement.objects.exists()

    handling.retry([untold.pk], by=None, at=NOON)
    assert not Settlement.objects.exists()
    run(NOON)
    send(NOON)
    run(NOON)

    assert (walk_of(untold).node.key, len(carrier.ledger())) == ("wait", 1)
    assert sorted(Message.objects.values_list("visit", "state")) == [(1, "accepted"), (1, "expired")]


def test_what_is_blocked_after_another_try_is_put_off_as_ever(untold, monkeypatch):
    for minutes in range(3):
        at = NOON + minutes * MINUTE
        handling.retry([untold.pk], by=None, at=at)
        run(at)
        parked(untold, monkeypatch, at)
        handling.retry([untold.pk], by=None, at=at)
        settle("blocked", at, reason="outside_hours", retry_at=at + MINUTE)
        run(at)
        assert walk_of(untold).state == "waiting"
    assert Message.objects.filter(visit=1, state="blocked").count() == 3


def test_whoever_leaves_from_where_they_were_parked_was_held_up_there_until_then(untold):
    assert walk_of(untold).held_since == NOON
    handling.leave([untold.pk], reason="Moved away", by=None, at=NOON + MINUTE)

    step = EnrollmentStep.objects.get()
    assert (step.outcome, step.begun_at, step.ended_at) == ("left", NOON, NOON + MINUTE)
    assert promises.numbers([untold.campaign]) == []


def test_a_wait_that_is_tried_again_begins_anew_at_the_same_visit(monkeypatch):
    (walk,) = enrolled(begun(drawing(node("wait", "wait"), node("end", "exit"), "wait>end")))
    run(NOON)
    parked(walk, monkeypatch)

    handling.retry([walk.pk], by=None, at=NOON + MINUTE)
    run(NOON + MINUTE)

    here = walk_of(walk)
    assert (here.state, here.visit, here.wake_at) == ("waiting", 1, NOON + MINUTE + timedelta(days=2))
    run(here.wake_at)
    step = EnrollmentStep.objects.get()
    assert (step.outcome, step.begun_at) == ("over", NOON)
    assert promises.numbers([walk.campaign]) == []


def test_whoever_was_not_held_up_yet_comes_to_the_node_at_the_same_visit(monkeypatch):
    (walk,) = enrolled(begun(SAYING))
    with monkeypatch.context() as broken:
        broken.setitem(doing.DOES, "sms_send", lambda steps, node: steps.park("Not today."))
        run(NOON)
    assert (walk_of(walk).state, walk_of(walk).visit) == ("parked", 1)

    handling.retry([walk.pk], by=None, at=NOON)
    run(NOON)

    assert (walk_of(walk).state, walk_of(walk).visit) == ("waiting_send", 1)
    assert_replays(walk)


def unbegun(walk, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr("campaigns.rules.walking._wake", breaks)
        run(NOON)
    assert (walk_of(walk).state, walk_of(walk).node) == ("parked", None)


class TestWhoeverHasNeverBegun:
    """Something broke when they were to begin, or to hear of something before they did."""

    def test_begins(self, monkeypatch):
        (walk,) = enrolled(begun(SAYING))
        unbegun(walk, monkeypatch)

        assert handling.retry([walk.pk], by=None, at=NOON) == 1
        assert_replays(walk)
        run(NOON)

        assert (walk_of(walk).state, walk_of(walk).visit) == ("waiting_send", 1)
        assert_replays(walk)
        assert promises.numbers([walk.campaign]) == []

    def test_hears_first_what_was_not_followed(self, monkeypatch):
        (walk,) = enrolled(begun(SAYING))
        parked(walk, monkeypatch, kind="reply")

        handling.retry([walk.pk], by=None, at=NOON)
        run(NOON)

        assert (walk_of(walk).state, walk_of(walk).reason) == ("exited", "replied")
        assert not Message.objects.exists()

    def test_waits_for_a_place_of_their_company(self, monkeypatch):
        campaign = begun(SAYING, company_limit=1)
        first, second, third = enrolled(campaign, ContactFactory.create_batch(3, company=CompanyFactory()))
        run(NOON)
        parked(second, monkeypatch)

        handling.retry([second.pk], by=None, at=NOON)
        run(NOON)
        assert [walk_of(walk).state for walk in (first, second, third)] == ["waiting_send", "pending", "pending"]
        handling.leave([first.pk], reason="Moved away", by=None, at=NOON)
        run(NOON)

        assert [walk_of(walk).state for walk in (first, second, third)] == ["exited", "waiting_send", "pending"]

    def test_begins_in_a_campaign_that_stands_still_once_it_goes_on(self, monkeypatch):
        (walk,) = enrolled(begun(SAYING))
        unbegun(walk, monkeypatch)
        paused(walk.campaign, NOON)

        handling.retry([walk.pk], by=None, at=NOON)
        run(NOON + MINUTE)
        assert walk_of(walk).state == "pending"
        resumed(walk.campaign, NOON + 2 * MINUTE)
        run(NOON + 2 * MINUTE + walk.campaign.spread)

        assert walk_of(walk).state == "waiting_send"
