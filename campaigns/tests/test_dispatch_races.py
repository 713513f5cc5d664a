"""Many workers, one message; people who stop while it is decided about (trust A11, A15, B1, C13, D9, E9)."""

import itertools
import threading
from datetime import timedelta

import pytest
from django.db import transaction

from campaigns.models import Attempt, Message
from campaigns.services.dispatch import accounts, calling, running
from campaigns.tests import sending
from campaigns.tests.factories import CampaignFactory, MessageFactory, SendingAccountFactory, walking
from campaigns.tests.sending import claim, mark, now, send
from config.kernel import clock, faults
from config.testing import NOON, in_own_connection
from crm.models import Contact, Endpoint, GateDecision, Suppression, Touch
from crm.services import suppressing
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
carrier, account = sending.carrier, sending.account


@pytest.fixture
def strike(monkeypatch):
    return lambda blow: monkeypatch.setattr(faults, "strike", blow)


def test_eight_workers_send_one_message_once(carrier, account, threads):
    message = walking()
    accounts.route(at=NOON)

    for _ in range(3):
        threads(*[send] * 8)

    assert carrier.ledger() == [str(message.pk)]
    assert Attempt.objects.count() == 1


def test_eight_workers_send_a_hundred_messages_once_each(carrier, account, threads):
    campaign = CampaignFactory()
    shared = ContactFactory(phone="+15125550177")
    messages = [walking(campaign=campaign) for _ in range(60)]
    by_hand = [MessageFactory(by_hand=True, contact=shared) for _ in range(5)]

    for seconds in range(0, 40, 2):
        at = NOON + seconds * SECOND
        threads(*[lambda at=at: send(at)] * 8)
        if not Message.objects.filter(state__in=["pending", "claimed"]).exists():
            break

    keys = carrier.ledger()
    assert len(keys) == len(set(keys)) == 63
    assert {now(message).state for message in messages} == {"accepted"}
    # The cap of three a day holds, whoever worked at the same moment.
    assert sorted(now(message).state for message in by_hand) == ["accepted"] * 3 + ["blocked"] * 2
    assert Touch.objects.filter(contact=shared).count() == 3


def test_a_stop_waits_for_the_mark_or_the_mark_for_the_stop(carrier, account, strike):
    """INV-STOP: of a mark and a stop at once one is first, and if that is the stop nothing goes out."""
    message = walking()
    line = Endpoint.objects.get(value=message.contact.primary_phone)
    committed = threading.Event()
    stopping = threading.Thread(target=in_own_connection(lambda: (stop(line), committed.set())))

    def blow(name):
        if name == "send.before_mark":
            stopping.start()
            assert not committed.wait(0.5), "the stop did not wait for the lock that the mark holds"

    strike(blow)
    marked = mark(account, claim(account))
    stopping.join()

    assert len(marked) == 1
    decision = GateDecision.objects.get(allowed=True)
    assert Suppression.objects.get().id > decision.id

    again = walking(contact=message.contact)
    strike(None)
    send(NOON + MINUTE)
    assert "endpoint_suppressed" in now(again).reason


def stop(line):
    suppressing.suppress(endpoint=line, reason="opted_out", source="reply", at=NOON)


def test_somebody_who_is_worked_on_is_left_for_the_next_batch(carrier, account):
    messages = [walking() for _ in range(3)]
    busy = messages[1]
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            list(Contact.objects.select_for_update(no_key=True).filter(pk=busy.contact_id))
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=in_own_connection(hold))
    holder.start()
    entered.wait(30)
    send()
    states = [now(message).state for message in messages]
    leave.set()
    holder.join()
    send(NOON + SECOND)

    assert states == ["accepted", "pending", "accepted"]
    assert now(busy).state == "accepted"


@pytest.mark.parametrize("what", ["line", "walk"])
def test_nor_is_a_line_or_a_walk_that_somebody_holds_waited_for(carrier, account, what):
    message = walking()
    row = message.enrollment if what == "walk" else Endpoint.objects.get(value=message.contact.primary_phone)
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            list(type(row).objects.select_for_update(no_key=True).filter(pk=row.pk))
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=in_own_connection(hold))
    holder.start()
    entered.wait(30)
    send()
    state = now(message).state
    leave.set()
    holder.join()
    send(NOON + SECOND)

    assert (state, now(message).state) == ("pending", "accepted")


def test_after_a_pause_has_committed_nothing_goes_out(carrier, account, strike):
    """E9: the pause waits for what is being marked; what was claimed before and not marked yet stays."""
    campaign = CampaignFactory()
    first = walking(campaign=campaign)
    second = walking(campaign=campaign)
    paused = threading.Event()

    def pause():
        with transaction.atomic():
            row = type(campaign).objects.select_for_update(no_key=True).get(pk=campaign.pk)
            row.status, row.paused_at = "paused", NOON
            row.save()
        paused.set()

    pausing = threading.Thread(target=in_own_connection(pause))

    def blow(name):
        if name == "send.before_mark" and not pausing.is_alive() and not paused.is_set():
            pausing.start()
            assert not paused.wait(0.5), "the pause did not wait for the mark"

    claimed = claim(account)
    strike(blow)
    marked = mark(account, claimed[:1])
    pausing.join()

    assert len(marked) == 1
    assert mark(account, claimed[1:]) == []
    assert sorted(now(message).state for message in (first, second)) == ["dispatching", "pending"]


def test_one_process_sends_on_several_pipelines(carrier, account):
    for _ in range(130):
        walking()

    with clock.standing_at(NOON):
        handled = running.dispatch(seconds=30, pipelines=3)

    assert handled == 130
    assert len(set(carrier.ledger())) == 130


def test_an_account_on_several_pipelines_sends_no_faster(carrier, monkeypatch):
    """Sixty messages at twenty a second have the sixty moments of three seconds, and nobody is asked before theirs."""
    account = SendingAccountFactory(per_second=20)
    for _ in range(60):
        walking(account=account)
    begun, moments, real = clock.monotonic(), [], calling.call

    def call(*, marked, **rest):
        moments.extend(one.moment for one in marked)
        return real(marked=marked, **rest)

    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(seconds=clock.monotonic() - begun))
    monkeypatch.setattr(calling, "call", call)
    running.dispatch(seconds=30, pipelines=4)

    moments.sort()
    assert len(moments) == len(carrier.asked()) == 60
    assert {later - earlier for earlier, later in itertools.pairwise(moments)} == {timedelta(seconds=0.05)}
    offsets = [(moment - NOON).total_seconds() + begun for moment in moments]
    assert all(asked >= due - 0.01 for asked, due in zip(carrier.asked(), offsets, strict=True))
