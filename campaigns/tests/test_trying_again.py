"""Whoever was parked is tried again: what could not be done is done, and what went out is not said twice."""

import pytest

from campaigns.models import Enrollment, Message
from campaigns.rules import doing, waits
from campaigns.services import handling
from campaigns.tests import sending
from campaigns.tests.drawings import drawing, node
from campaigns.tests.sending import send
from campaigns.tests.walks import assert_replays, begun, enrolled, run, settle, walk_of
from config.testing import NOON
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
carrier, account = sending.carrier, sending.account
SAYING = drawing(node("sms", "sms_send"), node("wait", "wait"), node("end", "exit"), "sms>wait", "wait>end")


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
def test_what_certainly_did_not_go_out_is_said_at_another_visit(state, account, monkeypatch):
    (walk,) = enrolled(begun(SAYING))
    run(NOON)
    settle(state, NOON)
    with monkeypatch.context() as broken:
        broken.setattr("campaigns.rules.walking._settle", breaks)
        run(NOON)
    assert walk_of(walk).state == "parked"

    handling.retry([walk.pk], by=None, at=NOON)
    run(NOON)

    assert (walk_of(walk).state, walk_of(walk).visit) == ("waiting_send", 2)
    assert sorted(Message.objects.values_list("visit", "state")) == [(1, state), (2, "pending")]
    assert_replays(walk)


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
