"""Whoever is paused by hand costs nobody anything: what would go out to them stands still, and goes out afterwards."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.models import Enrollment, Message
from campaigns.services import handling
from campaigns.services.dispatch import accounts, claiming, sweeping
from campaigns.tests import sending
from campaigns.tests.factories import walking
from campaigns.tests.sending import claim, mark, now, send
from config.kernel import faults
from config.testing import NOON, in_own_connection
from crm.models import Endpoint, GateDecision
from crm.tests.factories import SuppressionFactory

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


def pause(*messages, at=NOON):
    assert handling.pause([message.enrollment_id for message in messages], by=None, at=at) == len(messages)


def resume(*messages, at=NOON + HOUR):
    assert handling.resume([message.enrollment_id for message in messages], by=None, at=at) == len(messages)


def test_what_belongs_to_them_is_neither_claimed_nor_due_and_goes_out_once_they_go_on(carrier, account):
    message = walking(account=account)
    pause(message)

    assert accounts.ready(at=NOON) == []
    assert claim(account) == []
    assert (now(message).claim, now(message).held, GateDecision.objects.count()) == (0, True, 0)

    resume(message)
    assert not now(message).held
    send(NOON + HOUR)
    assert now(message).state == "accepted"


def test_what_is_claimed_when_they_are_paused_is_judged_once_and_stands_still(carrier, account):
    message = walking()
    claimed = claim(account)
    pause(message)

    assert mark(account, claimed) == []
    message = now(message)
    assert (message.state, message.reason, message.held, message.claim) == ("pending", "walk_paused", True, 1)
    for minutes in range(1, 4):
        send(NOON + minutes * MINUTE)
    assert now(message).claim == 1

    resume(message)
    send(NOON + HOUR)
    assert now(message).state == "accepted"


def test_what_a_dead_worker_had_claimed_stands_still_as_well(carrier, account):
    message = walking()
    claim(account)
    pause(message)

    sweeping.sweep(at=NOON + MINUTE)
    for minutes in range(1, 4):
        send(NOON + minutes * MINUTE)

    assert (now(message).state, now(message).held, now(message).claim) == ("pending", True, 2)


def test_nobody_waits_behind_them(carrier, account):
    still = [walking(account=account, not_before=NOON - HOUR) for _ in range(2)]
    pause(*still)
    others = [walking(account=account, campaign=message.campaign) for message in still]

    taken = [claiming.claim(account_id=account.pk, room=1, at=NOON) for _ in range(3)]

    assert {one.id for (one,) in taken[:2]} == {other.pk for other in others}
    assert taken[2] == []


def test_everything_is_checked_anew_when_they_go_on(carrier, account):
    message = walking()
    pause(message)
    SuppressionFactory(endpoint=Endpoint.objects.get(value=message.contact.primary_phone))

    resume(message)
    send(NOON + HOUR)

    assert (now(message).state, now(message).reason) == ("blocked", "endpoint_suppressed")
    assert not carrier.asked()


def test_whoever_leaves_meanwhile_gets_nothing(carrier, account):
    message = walking()
    pause(message)

    handling.leave([message.enrollment_id], reason="Moved away", by=None, at=NOON + MINUTE)

    assert (now(message).state, now(message).held) == ("cancelled", False)


def test_what_is_too_late_meanwhile_ends(carrier, account):
    message = walking(expires_at=NOON + HOUR)
    pause(message)

    assert sweeping.sweep(at=NOON + HOUR).expired == 1
    assert now(message).state == "expired"


def test_the_database_answers_from_the_index_alone(account):
    """What is due is found behind those who are paused without looking at any of them."""
    messages = [walking(account=account, not_before=NOON - HOUR) for _ in range(20)]
    pause(*messages)
    with connection.cursor() as cursor:
        for other_way in ("seqscan", "bitmapscan", "sort"):  # so few rows could be found in any way
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
        cursor.execute(
            """EXPLAIN SELECT id FROM campaigns_message m WHERE m.account_id = %s AND m.campaign_id = %s
               AND m.state = 'pending' AND NOT m.held AND m.not_before <= %s ORDER BY m.not_before, m.id LIMIT 50""",
            [account.pk, messages[0].campaign_id, NOON],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "campaigns_message_due" in plan
    assert "held = false" in plan
    assert "Filter" not in plan


@pytest.mark.django_db(transaction=True)
def test_whoever_goes_on_while_the_gate_still_says_paused_is_not_forgotten(carrier, account, monkeypatch):
    message = walking()
    claimed = claim(account)
    pause(message)
    resuming = threading.Thread(target=in_own_connection(lambda: resume(message)))

    def strike(name):
        if name == "send.before_mark":
            resuming.start()
            resuming.join(0.3)
            assert resuming.is_alive(), "the resumption did not wait for the mark"

    monkeypatch.setattr(faults, "strike", strike)
    assert mark(account, claimed) == []
    resuming.join(10)

    assert Enrollment.objects.get().state == "waiting_send"
    assert (Message.objects.get().state, Message.objects.get().held) == ("pending", False)
