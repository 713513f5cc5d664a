"""A worker that was away too long, or that the news overtakes, says only what it can prove (trust A10, A12)."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from campaigns.models import Attempt, Message
from campaigns.services import evidence
from campaigns.services.dispatch import accounts, calling, recording, running, sweeping
from campaigns.tests import sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import SendingAccountFactory, walking
from campaigns.tests.plays import standing_still
from campaigns.tests.sending import claim, counted, known, mark, now, send
from config.kernel import clock
from config.testing import NOON
from crm.models import Touch

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
carrier, account = sending.carrier, sending.account


class TestWhoeverWasAwayTooLong:
    """A10: a worker that was stopped between its mark and its call."""

    def test_does_not_call(self, carrier, account):
        walking()
        marked = mark(account, claim(account))

        told = calling.call(
            provider=carrier, marked=marked, decided_at=NOON, began=clock.monotonic() - calling.DEADLINE - 1
        )

        assert [one.how for one in told] == ["not_sent"]
        assert not carrier.asked()

    @pytest.mark.parametrize("point", ["send.before_mark", "send.after_mark", "send.before_http"])
    def test_sends_it_later_once_wherever_it_stood_still_since_it_decided(self, carrier, account, point):
        message = walking()
        with standing_still(point, seconds=3600):
            send()

        assert not carrier.asked()
        assert (now(message).state, Attempt.objects.get().outcome, counted()) == ("pending", "not_sent", [False])
        send(NOON + HOUR)
        assert (now(message).state, len(carrier.ledger())) == ("accepted", 1)

    def test_is_measured_from_the_decision_and_not_from_the_moment_of_each_message(self, carrier, account):
        """One that was to wait for its moment is no younger for it."""
        type(account).objects.update(per_second=1)
        messages = [walking() for _ in range(3)]
        with standing_still("send.after_mark", seconds=calling.DEADLINE + 0.5):
            send()

        assert not carrier.asked()
        assert {now(message).state for message in messages} == {"pending"}

    def test_calls_within_the_deadline(self, carrier, account):
        walking()
        with standing_still("send.after_mark", seconds=calling.DEADLINE - 5):
            send()

        assert len(carrier.ledger()) == 1

    def test_says_only_what_it_can_prove(self, carrier, account):
        message = walking()
        marked = mark(account, claim(account))
        sweeping.sweep(at=NOON + HOUR)
        assert now(message).state == "uncertain"
        told = [calling.Told(marked[0], calling.How.ACCEPTED, reference="R9")]

        recording.record(told=told, account=known(account), provider=carrier, at=NOON + HOUR)

        assert now(message).state == "accepted"
        assert Attempt.objects.get().reference == "R9"

    @pytest.mark.parametrize("how", ["uncertain", "rejected", "not_sent"])
    def test_changes_nothing_that_news_has_proved(self, carrier, account, how):
        message = walking()
        marked = mark(account, claim(account))
        Message.objects.filter(pk=message.pk).update(state="delivered", settled_at=NOON)

        told = [calling.Told(marked[0], calling.How(how))]
        recording.record(told=told, account=known(account), provider=carrier, at=NOON + HOUR)

        assert now(message).state == "delivered"
        assert counted() == [True]

    def test_has_lost_its_claim(self, carrier, account):
        message = walking()
        claimed = claim(account)
        sweeping.sweep(at=NOON + 2 * MINUTE)
        send(NOON + 2 * MINUTE)

        assert mark(account, claimed) == []

        assert len(carrier.ledger()) == Attempt.objects.count() == 1
        assert now(message).state == "accepted"

    def test_does_not_mark_what_somebody_else_has_claimed_since(self, carrier, account):
        message = walking()
        mine = claim(account)
        sweeping.sweep(at=NOON + 2 * MINUTE)
        theirs = claim(account, at=NOON + 2 * MINUTE)

        assert mark(account, mine) == []
        assert (now(message).state, now(message).claim) == ("claimed", 2)
        assert len(mark(account, theirs)) == 1

    @pytest.mark.parametrize("how", ["uncertain", "rejected", "not_sent", "account"])
    def test_says_nothing_of_a_message_that_somebody_else_is_sending(self, carrier, how):
        account = SendingAccountFactory(channel="email")
        message = walking("email")
        marked = mark(account, claim(account))
        sweeping.sweep(at=NOON + 2 * MINUTE)
        mark(account, claim(account, at=NOON + 2 * MINUTE), at=NOON + 2 * MINUTE)

        told = [calling.Told(marked[0], calling.How(how))]
        recording.record(told=told, account=known(account), provider=carrier, at=NOON + 3 * MINUTE)

        assert (now(message).state, now(message).claim) == ("dispatching", 2)


def test_an_adapter_that_never_answers_is_waited_for_a_while_and_nobody_knows(carrier, account, monkeypatch):
    """A4: whatever it promises of time-outs of its own."""
    message = walking()

    async def silent(self, outgoing):
        await asyncio.sleep(3600)

    monkeypatch.setattr(type(carrier), "send", silent)
    monkeypatch.setattr(calling, "ANSWER", 0.05)
    send()

    assert (now(message).state, Attempt.objects.get().outcome) == ("uncertain", "uncertain")


@pytest.mark.parametrize("state", ["not_sent_presumed", "rejected"])
def test_late_proof_of_a_message_with_a_key_keeps_the_id_of_its_provider(carrier, settings, state):
    account, post = SendingAccountFactory(channel="email"), Carrier(**settings.PROVIDERS["email"]["OPTIONS"])
    message = walking("email")
    marked = mark(account, claim(account))
    Attempt.objects.update(outcome=state)
    Message.objects.update(state="uncertain")
    Message.objects.update(state=state, settled_at=NOON + HOUR)

    told = [calling.Told(marked[0], calling.How.ACCEPTED, reference="R9")]
    recording.record(told=told, account=known(account), provider=post, at=NOON + 2 * HOUR)

    assert (now(message).state, now(message).anomaly) == ("accepted", "late_evidence")
    assert evidence.bind(provider="email", status="undelivered", reference="R9", at=NOON + 3 * HOUR)


def test_a_call_that_is_called_off_says_nothing(carrier, account, monkeypatch):
    """Whoever ends the worker: what nobody has seen the end of is the sweeper's."""
    walking()
    (marked,) = mark(account, claim(account))
    carrier.latency = 60

    async def called_off():
        call = asyncio.create_task(calling._call(carrier, marked, 0.0, clock.monotonic(), float("inf")))
        await asyncio.sleep(0.01)
        call.cancel()
        await call

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(called_off())


def test_what_nobody_can_write_down_because_the_database_stays_away_is_left_to_the_sweeper(
    carrier, account, monkeypatch
):
    message = walking()
    tries = []

    def away(**said):
        tries.append(said["told"])
        raise OperationalError("The database is away.")

    monkeypatch.setattr(recording, "record", away)
    monkeypatch.setattr(running, "WAITS", (0, 0))
    monkeypatch.setattr(running, "connections", SimpleNamespace(close_all=lambda: None))
    with pytest.raises(OperationalError):
        send()

    assert len(tries) == 3
    assert (now(message).state, len(carrier.ledger())) == ("dispatching", 1)


@pytest.mark.parametrize(
    ("how", "state", "counts"),
    [("not_sent", "not_sent_presumed", False), ("account", "not_sent_presumed", False), ("rejected", "rejected", False),
     ("uncertain", "uncertain", True)],
)  # fmt: skip
def test_what_the_sweeper_gave_up_is_settled_by_what_its_worker_knows_and_never_tried_again(
    carrier, account, how, state, counts
):
    """The sweeper was faster; who comes late knows better, but to try again is a person's decision now."""
    message = walking()
    marked = mark(account, claim(account))
    sweeping.sweep(at=NOON + HOUR)
    assert now(message).state == "uncertain"

    told = [calling.Told(marked[0], calling.How(how), detail="late")]
    recording.record(told=told, account=known(account), provider=carrier, at=NOON + HOUR)

    assert (now(message).state, counted()) == (state, [counts])
    send(NOON + 2 * HOUR)
    assert not carrier.asked()


def test_whoever_proves_late_what_was_given_up_is_marked_and_counts_again(carrier, account, caplog):
    """A14: also where nobody but the worker itself has the proof, and whatever a person has done since."""
    message = walking()
    marked = mark(account, claim(account))
    with clock.standing_at(NOON):
        told = calling.call(provider=carrier, marked=marked, decided_at=NOON, began=clock.monotonic())
    sweeping.sweep(at=NOON + HOUR)
    Attempt.objects.update(outcome="not_sent_presumed")
    Message.objects.update(state="not_sent_presumed", settled_at=NOON + HOUR)
    Touch.objects.update(counts=False)

    for _ in range(2):
        recording.record(told=told, account=known(account), provider=carrier, at=NOON + 2 * HOUR)

    assert (now(message).state, now(message).anomaly) == ("accepted", "late_evidence")
    assert (Attempt.objects.get().reference, counted()) == ("R1", [True])
    assert caplog.text.count("was sent although") == 1


@pytest.mark.parametrize("how", ["not_sent", "rejected"])
@pytest.mark.parametrize("swept", [False, True])
def test_what_an_earlier_try_may_have_sent_is_never_said_not_to_be(carrier, settings, how, swept):
    """Trust 0.3: whoever knows only of the second try leaves it to those who look."""
    account = SendingAccountFactory(channel="email")
    post = Carrier(**settings.PROVIDERS["email"]["OPTIONS"])
    post.behave("accept_then_500")
    message = walking("email")
    send()
    marked = mark(account, claim(account, at=NOON + MINUTE), at=NOON + MINUTE)
    if swept:
        Message.objects.update(dropped=True)
        sweeping.sweep(at=NOON + HOUR)
        assert now(message).state == "uncertain"

    told = [calling.Told(marked[0], calling.How(how))]
    recording.record(told=told, account=known(account), provider=post, at=NOON + HOUR)

    assert now(message).state == ("pending" if (how, swept) == ("not_sent", False) else "uncertain")


def test_news_that_comes_before_our_own_record_is_not_written_over(carrier, account, settings):
    """A12: the callback arrives while the request is still open."""
    message = walking()
    marked = mark(account, claim(account))
    Message.objects.filter(pk=message.pk).update(state="delivered", settled_at=NOON)
    Attempt.objects.update(reference="R1", outcome="accepted")

    told = [calling.Told(marked[0], calling.How.ACCEPTED, reference="R1")]
    recording.record(told=told, account=known(account), provider=carrier, at=NOON)

    assert now(message).state == "delivered"
    assert Attempt.objects.get().reference == "R1"


class TestTheEndOfTheTimeInWhichItMayBeDelivered:
    """A16, INV-WINDOW: the moment of the call counts, and not that of the decision."""

    @pytest.mark.parametrize("in_no_hurry", [False, True])
    def test_nothing_is_marked_whose_moment_would_come_after_it(self, carrier, account, monkeypatch, in_no_hurry):
        walking()
        (first,) = mark(account, claim(account))
        closes = first.outgoing.valid_until
        type(account).objects.update(per_second=1)
        messages = [walking() for _ in range(3)]
        monkeypatch.setattr(accounts.Account, "is_in_no_hurry", lambda self, at: in_no_hurry)

        marked = mark(account, claim(account, closes - SECOND), closes - SECOND)

        assert [(one.moment, one.outgoing.valid_until) for one in marked] == [(closes - SECOND, closes)]
        states = sorted(now(message).state for message in messages)
        assert states == ["dispatching", "pending", "pending"]
        assert Attempt.objects.count() == Touch.objects.count() == 2
        send(closes + MINUTE)
        assert sorted(now(message).state for message in messages) == ["blocked", "blocked", "dispatching"]
        assert {row.reason for row in Message.objects.filter(state="blocked")} == {"outside_hours"}

    def test_nothing_is_called_after_it(self, carrier, account):
        message = walking(expires_at=NOON + 3 * SECOND)
        with standing_still("send.after_mark", seconds=4):
            send()

        assert not carrier.asked()
        assert Attempt.objects.get().outcome == "not_sent"
        assert (now(message).state, counted()) == ("uncertain", [False])
