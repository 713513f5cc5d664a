"""kill -9 at every named place (trust A1 to A3, 3.7), and all connections cut there (B7): nobody gets anything twice,
and nothing is lost without a trace.

A dispatcher that is killed is a process of its own, and the carrier's ledger survives it.
"""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.models import Attempt, LedgerDay, Message, SenderBudget
from campaigns.services.dispatch import ledger_days, ledgers, reconciling, running, sweeping
from campaigns.tests import dispatcher, sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.sending import claim, mark, send
from config.embedded import places
from config.embedded.postgres import DATABASE
from config.kernel import clock, faults
from config.testing import NOON
from crm.models import GateDecision, Touch
from integrations.tests.dying import cut_at

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
NUMBER = 4
SENDING = sorted(name for name in faults.REGISTERED if name.startswith("send."))
AFTERWARDS = ["sweep.before_commit", "reconcile.before_commit"]
LEARNING = "evidence.before_commit"
COMPARING = "ledger.before_commit"
# Where the provider has it, or may have it, once the dispatcher is dead.
AFTER_THE_MARK = {
    "send.after_mark", "send.before_http", "send.after_http", "send.after_call", "send.before_record",
    "send.after_record",
}  # fmt: skip
carrier = sending.carrier


@pytest.fixture(scope="module")
def dispatchers(django_db_setup, tmp_path_factory):
    """A process that starts dispatchers on the test database, and where they complain."""
    address = os.environ["DATABASE_URL"].replace(f"/{DATABASE}?", f"/{connection.settings_dict['NAME']}?")
    complaints = tmp_path_factory.mktemp("dispatchers") / "stderr"
    with (
        complaints.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "campaigns.tests.dispatcher"],
            cwd=places.CHECKOUT, env={**os.environ, "DATABASE_URL": address}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
        ) as process,
    ):  # fmt: skip
        yield process, complaints


@pytest.fixture
def die(dispatchers, tmp_path):
    """``die(point, number)``: a dispatcher is killed when it comes to that point for the N-th time."""

    def die(point, number=1):
        process, complaints = dispatchers
        process.stdin.write(json.dumps({"ledgers": str(tmp_path), "point": point, "number": number}) + "\n")
        process.stdin.flush()
        ended = process.stdout.readline()
        assert ended == f"{-signal.SIGKILL}\n", f"it never came to {point}: {ended}{complaints.read_text()}"

    return die


@pytest.fixture(params=["killed", "cut"])
def strike(request):
    """``strike(point)``: a dispatcher is killed when it comes to that point, or loses the database there."""
    if request.param == "killed":
        return request.getfixturevalue("die")

    def cut(point):
        assert cut_at(point, lambda: dispatcher.work(point))

    return cut


def recover():
    """Let time pass, and everything that looks after messages do its work."""
    for minutes in (1, 2, 20, 21, 120):
        at = NOON + timedelta(minutes=minutes)
        with clock.standing_at(at):
            sweeping.sweep(at=at)
            reconciling.reconcile(at=at)
        send(at)
        send(at + timedelta(seconds=2))


def account_adds_up(carrier, provider):
    """INV-ONCE, INV-NOLOSS, INV-TRUTH, INV-GATE."""
    keys = carrier.ledger()
    assert len(keys) == len(set(keys))
    states = dict(Message.objects.values_list("id", "state"))
    assert set(states.values()) <= {"accepted", "not_sent_presumed"}
    assert {str(key) for key, state in states.items() if state == "accepted"} == set(keys)
    assert Attempt.objects.exclude(decision_id__in=GateDecision.objects.filter(allowed=True).values("id")).count() == 0
    assert Touch.objects.filter(source="campaigns.attempt").count() == Attempt.objects.count()
    with clock.standing_at(NOON + 3 * HOUR):
        found = ledgers.compare(since=NOON - HOUR, until=NOON + 3 * HOUR, at=NOON + 3 * HOUR)
    assert all(one.is_clean for one in found), found
    return states


@pytest.mark.parametrize("point", SENDING)
def test_an_sms_goes_out_once_or_waits_for_a_person(carrier, die, point):
    SendingAccountFactory()
    for _ in range(NUMBER):
        walking()

    die(point, number=2 if "http" in point else 1)
    asked = len(carrier.asked())
    recover()

    states = account_adds_up(carrier, "sms")
    if point in AFTER_THE_MARK:
        assert len(carrier.asked()) == asked, "somebody was asked again who may have had it"
    else:
        assert set(states.values()) == {"accepted"}
    if point == "send.after_mark":
        assert set(states.values()) == {"not_sent_presumed"}


@pytest.mark.parametrize("point", SENDING)
def test_an_email_goes_out_once(carrier, settings, die, point):
    SendingAccountFactory(channel="email")
    for _ in range(NUMBER):
        walking("email")
    post = Carrier(**settings.PROVIDERS["email"]["OPTIONS"])

    die(point)
    recover()

    assert set(account_adds_up(post, "email").values()) == {"accepted"}
    assert len(post.ledger()) == NUMBER


@pytest.mark.parametrize("point", AFTERWARDS)
def test_whoever_looks_after_them_may_be_struck_too(carrier, strike, point):
    account = SendingAccountFactory()
    for _ in range(NUMBER):
        walking()
    mark(account, claim(account))
    if point == "reconcile.before_commit":
        sweeping.sweep(at=NOON + HOUR)

    strike(point)
    recover()

    assert set(account_adds_up(carrier, "sms").values()) == {"not_sent_presumed"}


def test_whoever_learns_what_the_provider_has_may_be_struck_too(carrier, die, strike):
    account = SendingAccountFactory()
    for _ in range(NUMBER):
        walking()
    die("send.after_call")
    sweeping.sweep(at=NOON + HOUR)
    assert set(Message.objects.values_list("state", flat=True)) == {"uncertain"}

    strike(LEARNING)

    assert set(Message.objects.values_list("state", flat=True)) == {"uncertain"}
    recover()
    assert set(account_adds_up(carrier, "sms").values()) == {"accepted"}
    assert account.messages.count() == NUMBER


def test_whoever_compares_the_ledgers_may_be_struck_too(carrier, strike):
    account = SendingAccountFactory(created_at=NOON)
    messages = [walking() for _ in range(NUMBER)]

    strike(COMPARING)

    assert not LedgerDay.objects.exists()
    with clock.standing_at(NOON + 25 * HOUR):
        (row,) = ledger_days.compare_due(at=NOON + 25 * HOUR)
    assert (row.provider, row.ours, row.theirs, row.missing) == (account.provider, NUMBER, NUMBER, 0)
    assert account_adds_up(carrier, "sms") == {message.pk: "accepted" for message in messages}


@pytest.mark.parametrize("point", SENDING)
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_without_a_database_what_was_called_is_written_down_later_and_nobody_is_asked_twice(
    carrier, settings, channel, point
):
    """What was not marked goes out when its claim has run out (B6, B7)."""
    SendingAccountFactory(channel=channel)
    for _ in range(NUMBER):
        walking(channel)
    theirs = Carrier(**settings.PROVIDERS[channel]["OPTIONS"])

    def dispatch():
        with clock.standing_at(NOON):
            running.dispatch(seconds=5, pipelines=1)

    assert cut_at(point, dispatch)
    recover()

    assert set(account_adds_up(theirs, channel).values()) == {"accepted"}
    assert len(theirs.asked()) == NUMBER


def test_every_fault_point_of_dispatch_is_killed_by_a_test():
    ours = {
        name
        for name in faults.REGISTERED
        if name.partition(".")[0] in {"send", "sweep", "reconcile", "evidence", "ledger"}
    }

    assert ours == {*SENDING, *AFTERWARDS, LEARNING, COMPARING}
    assert ours > AFTER_THE_MARK


def test_a_budget_that_was_reserved_in_vain_is_no_loss(carrier, die):
    SendingAccountFactory()
    walking()

    die("send.after_mark")

    assert SenderBudget.objects.get().sent == 1
