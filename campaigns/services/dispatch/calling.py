"""The call: what was marked is handed to its provider, once, outside any transaction (trust 3.2)."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final

from django.db import connection

from campaigns.providers import AccountRefused, MessageProvider, Receipt, RecipientRefused, usable_reference
from campaigns.services.dispatch import looping
from campaigns.services.dispatch.handing import Marked
from config.kernel import clock, faults
from config.kernel.providers import ProviderError, Rejected, Unavailable
from crm.services.normalization.text import one_line

logger = logging.getLogger(__name__)

DEADLINE: Final = 10.0  # seconds from the decision to the call: how stale a decision may be
ANSWER: Final = 15.0  # seconds that an adapter may take, whatever it promises
LONGEST_WISH: Final = timedelta(days=1)  # that a provider may ask us to wait

faults.register("send.before_http", "send.after_http")


class How(StrEnum):
    """How a call went: the classes of trust 3.2."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    ACCOUNT = "account"  # not sent either, because the account itself is refused
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one call. ``retry_after`` is the provider's wish where it was not sent."""

    marked: Marked
    how: How
    reference: str = ""
    detail: str = ""
    retry_after: timedelta | None = None
    opted_out: bool = False


def call(*, provider: MessageProvider, marked: Sequence[Marked], decided_at: datetime, began: float) -> list[Told]:
    """Hand every message over at its moment, and say how it went; never raises.

    ``began`` is when the decision at ``decided_at`` was begun, by ``clock.monotonic``: whatever cannot be called within
    ten seconds of it, or while it may be delivered, is not called at all, and was certainly not sent.
    """
    blocks: list[Any] = connection.atomic_blocks
    if any(not block._from_testcase for block in blocks):  # noqa: SLF001 - as Django's own ``durable`` does
        raise AssertionError("No provider is called inside a transaction.")
    return looping.run(_call_all(provider, marked, decided_at, began))


async def _call_all(
    provider: MessageProvider, marked: Sequence[Marked], decided_at: datetime, began: float
) -> list[Told]:
    def ticks(moment: datetime) -> float:
        return began + (moment - decided_at).total_seconds()

    calls = (_call(provider, one, ticks(one.moment), began, ticks(one.outgoing.valid_until)) for one in marked)
    return await asyncio.gather(*calls)


async def _call(provider: MessageProvider, marked: Marked, moment: float, began: float, until: float) -> Told:
    if (wait := moment - clock.monotonic()) > 0:
        await asyncio.sleep(wait)
    faults.point("send.before_http")
    if clock.monotonic() - began > DEADLINE:
        return Told(marked, How.NOT_SENT, detail="Not called: the decision had become too old.")
    if clock.monotonic() >= until:
        return Told(marked, How.NOT_SENT, detail="Not called: the time in which it may be delivered was over.")
    try:
        receipt = await looping.within(ANSWER, partial(_handed_over, provider, marked))
        reference = _reference(receipt.reference)
    except (Exception, asyncio.CancelledError) as error:  # whatever an adapter does, the message has a true state
        if _is_called_off():
            raise
        told = _refused(marked, error)
    else:
        told = Told(marked, How.ACCEPTED, reference=reference)
    faults.point("send.after_http")
    return told


async def _handed_over(provider: MessageProvider, marked: Marked) -> Receipt:
    return await provider.send(marked.outgoing)


def _is_called_off() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _reference(said: object) -> str:
    """:raises ValueError: an answer without a usable id is no receipt."""
    if reference := usable_reference(said):
        return reference
    raise ValueError("The provider's answer names no id.")


def _refused(marked: Marked, error: BaseException) -> Told:
    detail = _said(error)
    if isinstance(error, RecipientRefused):
        opted_out = bool(_of(error, "opted_out"))
        return Told(marked, How.REJECTED, detail=line(_of(error, "code"), detail), opted_out=opted_out)
    if isinstance(error, Rejected):
        return Told(marked, How.REJECTED, detail=detail)
    if isinstance(error, AccountRefused):
        return Told(marked, How.ACCOUNT, detail=detail, retry_after=_wish(_of(error, "retry_after")))
    if isinstance(error, Unavailable):
        return Told(marked, How.NOT_SENT, detail=detail, retry_after=_wish(_of(error, "retry_after")))
    if not isinstance(error, ProviderError | TimeoutError):
        logger.error(
            "An adapter broke: %s. The message %s may have been sent.", type(error).__name__, marked.message_id
        )
    return Told(marked, How.UNCERTAIN, detail=detail)


def _of(error: BaseException, name: str) -> Any:
    """What an error says; one of an adapter's own kind may have forgotten it."""
    return getattr(error, name, "")


def _wish(said: object) -> timedelta | None:
    """How long a provider wants us to wait, within reason; what is no time to wait is none."""
    return min(said, LONGEST_WISH) if isinstance(said, timedelta) and said > timedelta() else None


def _said(error: BaseException) -> str:
    return line(f"{type(error).__name__}:", error)


def line(*said: object) -> str:
    """Whatever a provider or its adapter says, as the database can keep it."""
    try:
        words = " ".join(map(str, said))
    except Exception:  # noqa: BLE001 - the error of an adapter may itself be broken
        words = "It cannot be said what."
    return one_line(words)[:300]
