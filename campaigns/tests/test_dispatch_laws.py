"""Laws of the send protocol, whatever happens in whatever order (trust 3.5): random schedules of workers who die, are
late and are told lies, sweeps, looks at ledgers, stops and time; and the ways that the database lets a message go."""

import itertools
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.test import override_settings
from hypothesis import Phase, given
from hypothesis import strategies as st

from calls.services import deciding
from campaigns.choices import NEVER_SENT, SETTLED, MessageState
from campaigns.models import Attempt, Happening, Message
from campaigns.models.messages import _WAYS
from campaigns.services.dispatch import accounts, calling, claiming, handing, ledgers, reconciling, recording, sweeping
from campaigns.tests import carriers
from campaigns.tests.factories import MessageFactory, SendingAccountFactory, walking
from campaigns.tests.sending import known
from config.kernel import clock
from config.testing import NOON, examples
from crm.models import Contact, Endpoint, GateDecision, Suppression, Touch
from crm.services import suppressing

pytestmark = pytest.mark.django_db
MODES = ["accept", "accept", "accept_then_500", "500", "refused", "busy", "bad_number", "suspended", "stopped", "bug"]
STEPS = st.one_of(
    st.tuples(st.just("work"), st.integers(0, 2)),
    st.tuples(st.just("die"), st.integers(0, 2)),
    st.tuples(st.just("mode"), st.sampled_from(MODES)),
    st.tuples(st.just("sweep"), st.just(0)),
    st.tuples(st.just("reconcile"), st.just(0)),
    st.tuples(st.just("stop"), st.integers(0, 1)),
    st.tuples(st.just("pass"), st.sampled_from([1, 5, 61, 130, 1000, 90_000])),
)
# Run to step k, die, let the lease run out, sweep: what a random schedule rarely finds (trust, finding 4).
DIRECTED = st.builds(
    lambda number, mode: [
        ("mode", mode), *[("work", 0)] * number, ("die", 0), ("pass", 61), ("sweep", 0), ("mode", "accept"),
        *[("work", 1)] * 4,
    ],
    st.integers(1, 4), st.sampled_from(MODES),
)  # fmt: skip


class World:
    """Three workers who go step by step, one carrier, two messages to people of whom one shares a line."""

    def __init__(self, channel, folder):
        self.channel, self.at = channel, NOON
        self.carrier = carriers.Carrier(str(folder / f"{channel}.sqlite"), is_idempotent=channel == "email")
        self.account = SendingAccountFactory(channel=channel)
        self.messages = [walking(channel) for _ in range(2)]
        self.workers = [{}, {}, {}]
        accounts.route(at=NOON)

    def do(self, name, what):
        with clock.standing_at(self.at):
            getattr(self, name)(what)

    def work(self, number):
        """The next step of a worker: claim, mark, call, record."""
        mine = self.workers[number]
        if "told" in mine:
            recording.record(told=mine["told"], account=known(self.account), provider=self.carrier, at=self.at)
            mine.clear()
        elif "marked" in mine:
            late = (self.at - mine["decided_at"]).total_seconds()
            mine["told"] = calling.call(
                provider=self.carrier, marked=mine["marked"], decided_at=mine["decided_at"],
                began=clock.monotonic() - late,
            )  # fmt: skip
        elif "claimed" in mine:
            mine["decided_at"] = self.at
            mine["marked"] = handing.mark(account=known(self.account), claimed=mine["claimed"], at=self.at)
        elif any(one.id == self.account.pk for one in accounts.ready(at=self.at)):
            claimed = claiming.claim(account_id=self.account.pk, room=50, at=self.at)
            mine.update({"claimed": claimed} if claimed else {})

    def die(self, number):
        self.workers[number].clear()

    def mode(self, name):
        self.carrier.behave(name)

    def sweep(self, _):
        sweeping.sweep(at=self.at)

    def reconcile(self, _):
        reconciling.reconcile(at=self.at)

    def stop(self, number):
        contact = Contact.objects.get(pk=self.messages[number].contact_id)
        value = contact.primary_email if self.channel == "email" else contact.primary_phone
        suppressing.suppress(endpoint=Endpoint.objects.get(value=value), reason="asked", source="test", at=self.at)

    def _pass(self, seconds):
        self.at += timedelta(seconds=seconds)

    def quiet(self):
        """Faults stop, time passes, everybody does their work (INV-NOLOSS)."""
        self.carrier.behave("accept")
        for worker in self.workers:
            worker.clear()
        for hours in (1, 25, 26):
            self.at += timedelta(hours=hours)
            self.do("sweep", 0)
            self.do("reconcile", 0)
            Happening.objects.update(handled_at=self.at)  # the engine has heard it, and lets them stay
            for _ in range(5):
                self.do("work", 0)
        # Days in which two messages went out, by the hour: that was two thirds of all the work.
        with clock.standing_at(self.at), patch.object(ledgers, "SLICE", timedelta(days=1)):
            self.found = ledgers.compare(since=NOON - timedelta(days=1), until=self.at, at=self.at)


setattr(World, "pass", World._pass)


@contextmanager
def undone():
    """As ``calls.tests.worlds.undone``, but part of the test's own transaction: dispatch refuses to call in another."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        try:
            yield
        finally:
            transaction.set_rollback(True)


@pytest.mark.parametrize("channel", ["sms", "email"])
@examples(15, phases=[Phase.explicit, Phase.generate])
@given(
    schedule=st.one_of(
        st.lists(STEPS, max_size=25), DIRECTED, st.tuples(DIRECTED, DIRECTED).map(lambda two: [*two[0], *two[1]])
    )
)
def test_whatever_happens_nobody_gets_it_twice_and_nothing_is_lost(channel, schedule):
    with tempfile.TemporaryDirectory() as folder, undone():
        given_ = {"BACKEND": "campaigns.tests.carriers.Carrier"}
        options = {"ledger": str(Path(folder) / f"{channel}.sqlite"), "is_idempotent": channel == "email"}
        with override_settings(PROVIDERS={**django_settings.PROVIDERS, channel: {**given_, "OPTIONS": options}}):
            world = World(channel, Path(folder))
            for name, what in schedule:
                world.do(name, what)
                keys = world.carrier.ledger()
                assert len(keys) == len(set(keys)), "INV-ONCE"
            world.quiet()
            hold(world)


def hold(world):
    keys = set(world.carrier.ledger())
    for message in Message.objects.all():
        final = {"accepted", "rejected", "blocked", "expired", "not_sent_presumed", "uncertain"}
        assert message.state in final, ("INV-NOLOSS", message.state, message.reason)
        assert message.state != "uncertain" or message.decided_at is None
        assert (str(message.pk) in keys) == (message.state == "accepted"), ("INV-TRUTH", message.state, message.reason)
        assert (message.settled_at is not None) == (message.state in SETTLED)
    for attempt in Attempt.objects.all():
        decision = GateDecision.objects.get(pk=attempt.decision_id)
        assert decision.allowed, "INV-GATE"
        assert decision.at == attempt.dispatched_at
        assert not deciding.replay(decision)
        stops = Suppression.objects.filter(endpoint=decision.endpoint_id, at__lt=decision.at, lifted_at=None)
        assert not stops.exists(), "INV-STOP"
        counts = Touch.objects.get(source="campaigns.attempt", source_id=attempt.pk).counts
        assert counts == (attempt.outcome not in {"not_sent", "rejected"})
    assert all(not one.strange and not one.twice and not one.missing for one in world.found)


SENT = {MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED}


@pytest.mark.parametrize("old", [state for state in MessageState if state != "received"])
def test_the_database_lets_a_message_go_only_the_ways_of_the_protocol(old):
    given_away = old in {"dispatching", "uncertain", "not_sent_presumed"}
    for new in set(MessageState) - {old, "received"}:
        message = MessageFactory(by_hand=True, state=old, ever_dispatched=given_away)
        sent = {} if new in NEVER_SENT else {"ever_dispatched": True}
        if new in _WAYS.get(old, []):
            Message.objects.filter(pk=message.pk).update(state=new, **sent)
        else:
            with pytest.raises(IntegrityError, match="never goes from"), transaction.atomic():
                Message.objects.filter(pk=message.pk).update(state=new, **sent)


def test_proof_leads_from_everywhere_but_from_what_was_never_sent():
    for old, new in itertools.product(set(MessageState) - {*NEVER_SENT, "received"} - SENT, SENT):
        assert new in _WAYS[old]


@pytest.mark.parametrize("state", NEVER_SENT)
def test_what_was_given_to_a_provider_is_never_said_not_to_have_been(state):
    with pytest.raises(IntegrityError, match="never_sent_is_true"), transaction.atomic():
        MessageFactory(by_hand=True, state=state, ever_dispatched=True)
    message = MessageFactory(by_hand=True, state="pending", ever_dispatched=True)
    with pytest.raises(IntegrityError, match="for ever"), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(ever_dispatched=False)
