"""Whatever an adapter does, it does to nobody else: not to its batch, not to the worker, not to the list of another."""

import asyncio
import threading
import time
from datetime import timedelta

import pytest

from campaigns.services.dispatch import calling, listing, looping, reconciling
from campaigns.tests import sending
from campaigns.tests.carriers import Carrier
from campaigns.tests.factories import walking
from campaigns.tests.sending import claim, mark
from config.kernel import clock
from config.kernel.providers import Unavailable
from config.testing import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(60)]
HOUR = timedelta(hours=1)
carrier, account = sending.carrier, sending.account


async def _nothing():
    return "here"


def test_one_that_cannot_be_called_off_is_waited_for_no_longer_than_any_other(carrier, account, monkeypatch):
    stubborn, *others = [walking() for _ in range(3)]
    monkeypatch.setattr(calling, "ANSWER", 0.2)
    send, over = Carrier.send, threading.Event()

    async def never_ends(self, outgoing):
        while outgoing.key == str(stubborn.pk) and not over.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        return await send(self, outgoing)

    monkeypatch.setattr(Carrier, "send", never_ends)
    marked = mark(account, claim(account))
    with clock.standing_at(NOON):
        told = calling.call(provider=carrier, marked=marked, decided_at=NOON, began=clock.monotonic())
    over.set()

    assert {one.marked.message_id: one.how for one in told} == {
        stubborn.pk: "uncertain", **{other.pk: "accepted" for other in others},
    }  # fmt: skip


def test_one_that_wants_to_end_the_process_while_it_lists_ends_nothing(carrier, account, monkeypatch):
    walking()
    claimed = claim(account)
    mark(account, claimed)

    async def exits(self, **asked):
        raise SystemExit(3)
        yield

    monkeypatch.setattr(Carrier, "sent", exits)
    with pytest.raises(RuntimeError, match="wanted to end the process: SystemExit"):
        listing.listed("sms", since=NOON, until=NOON + HOUR)
    tried = reconciling.Try(claimed[0].id, "sms", claimed[0].id, "sms", b"", None, NOON, "uncertain")
    assert reconciling._listed("sms", [tried], NOON) is None
    assert looping.run(_nothing()) == "here"


def test_what_one_has_left_behind_may_not_end_the_loop_either(caplog):
    def leaves():
        raise SystemExit(3)

    async def left_behind():
        asyncio.get_running_loop().call_soon(leaves)

    looping.run(left_behind())
    assert looping.run(_nothing()) == "here"
    assert "wanted to end the process" in caplog.text


def test_a_list_that_never_ends_cannot_be_had(carrier, monkeypatch):
    monkeypatch.setattr(listing, "LONGEST", 0.2)

    async def endless(self, **asked):
        await asyncio.sleep(30)
        yield

    monkeypatch.setattr(Carrier, "sent", endless)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="took too long"):
        listing.listed("sms", since=NOON, until=NOON + HOUR)
    assert time.monotonic() - began < 10
