"""Dispatch: claim, mark, call, record, over and over, on some threads beside each other.

While one batch waits for its provider, or for the moments that were reserved for it, the next one is decided about.
"""

import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, connections

from campaigns.providers import MessageProvider, sender_on
from campaigns.services.dispatch import accounts, calling, claiming, handing, recording, resting
from campaigns.services.dispatch.accounts import Account
from campaigns.services.dispatch.calling import Told
from campaigns.services.dispatch.claiming import Claimed
from campaigns.services.dispatch.handing import Marked
from config.kernel import clock, faults

logger = logging.getLogger(__name__)

PIPELINES: Final = 8
WAITS: Final = (0.1, 1.0, 4.0)  # seconds until what was called is written down, where the database is away
PAUSES: Final = (0.05, 1.0)  # seconds, at least and at most, until accounts that have no room are looked at again

faults.register("send.after_claim", "send.after_mark", "send.after_call", "send.after_record")


def dispatch(*, seconds: float, pipelines: int = PIPELINES) -> int:
    """Send what is due for at most about so many seconds, until nothing is; return how many messages were handled.

    However much has no account yet, half of the time at most goes into choosing one. Killing it at any moment is
    harmless: see ``sweeping``.
    """
    began = clock.monotonic()
    deadline = began + seconds
    while clock.monotonic() < began + seconds / 2 and accounts.route(at=clock.now()):
        pass
    with ThreadPoolExecutor(pipelines, thread_name_prefix="dispatch") as pool:
        running = [
            pool.submit(copy_context().run, _pipeline, lambda: clock.monotonic() < deadline) for _ in range(pipelines)
        ]
    return sum(done.result() for done in running)


def _pipeline(goes_on: Callable[[], bool]) -> int:
    """Send batch after batch, until nothing is due or the time is over."""
    handled = 0
    try:
        while goes_on():
            try:
                done = step()
            except (OperationalError, InterfaceError) as error:
                logger.warning("Dispatch begins anew after a %s of the database", type(error).__name__)
                connections.close_all()
                time.sleep(WAITS[1])
                done = 0
            if done is None:
                break
            handled += done
            if not done:
                time.sleep(_pause())
    finally:
        connections.close_all()
    return handled


def _pause() -> float:
    """Return how long to wait for an account that has room: one that is full all day is not asked all the time."""
    at = clock.now()
    rests = min((account.rests_for(at) for account in accounts.ready(at=at)), default=0.0)
    return min(max(rests, PAUSES[0]), PAUSES[1])


def step() -> int | None:
    """Send one batch of one account; return how many messages were claimed, None where nothing is due at all."""
    ready = accounts.ready(at=clock.now())
    if not ready:
        return None
    random.shuffle(ready)  # so that a fast account does not keep a slow one waiting
    return next((done for account in ready if (done := _batch_of(account))), 0)


def _batch_of(account: Account) -> int:
    """Send one batch; whatever breaks on the way lets this account rest, and is in no other's way."""
    try:
        return send_batch(account)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("Sending from the account %s broke: it rests", account.id)
        resting.set_aside(account_id=account.id, error=error, at=clock.now())
        return 0


def send_batch(account: Account) -> int:
    """Claim, mark, call and record one batch of ``account``; return how many messages were claimed."""
    room = account.room(clock.now())
    if not room:
        return 0
    try:
        provider = sender_on(account.provider)
    except ImproperlyConfigured as error:
        resting.shut(account_id=account.id, reason=str(error), at=clock.now())
        return 0
    claimed = claiming.claim(account_id=account.id, room=room, at=clock.now())
    if not claimed:
        return 0
    faults.point("send.after_claim")
    began, decided_at = clock.monotonic(), clock.now()
    marked = _mark(account, claimed, decided_at)
    faults.point("send.after_mark")
    if marked:
        told = calling.call(provider=provider, marked=marked, decided_at=decided_at, began=began)
        faults.point("send.after_call")
        _record(told, account, provider)
        faults.point("send.after_record")
    return len(claimed)


def _mark(account: Account, claimed: list[Claimed], at: datetime) -> list[Marked]:
    """Mark a batch; where that fails, one message after the other, so that one that always fails stops no other."""
    try:
        return handing.mark(account=account, claimed=claimed, at=at)
    except (OperationalError, InterfaceError):
        raise  # it is not the messages: they are put back when their claim has run out
    except Exception as error:
        if len(claimed) > 1:
            logger.warning("A batch of %d is taken apart after a %s", len(claimed), type(error).__name__)
            return [marked for one in claimed for marked in _mark(account, [one], at)]
        logger.exception("Message %s cannot be decided about, and is put aside", claimed[0].id)
        claiming.put_aside(claimed[0], at=at)
        return []


def _record(told: list[Told], account: Account, provider: MessageProvider) -> None:
    """Write what came of the calls, also where the database was away for a moment: nobody else knows it."""
    for wait in WAITS:
        try:
            recording.record(told=told, account=account, provider=provider, at=clock.now())
        except (OperationalError, InterfaceError):
            connections.close_all()
            time.sleep(wait)
        else:
            return
    recording.record(told=told, account=account, provider=provider, at=clock.now())
