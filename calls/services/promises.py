"""The promise to call somebody back: one per pair, made, kept or dropped by outcomes, given back by corrections."""

from datetime import datetime
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from calls.choices import Scope
from calls.models import CallEvent, CallSession, Disposition
from calls.services import hints
from calls.services.undoing import Made, before, instant, others, text
from config.kernel import clock, kept
from config.kernel.transactions import at_the_end
from crm.models import ProjectContact

KIND = "callback"
_CLOSE_PAIRS = {Scope.PROJECT, Scope.CONTACT, Scope.PAIR}  # a closed number leaves others to call back on


class Promise(NamedTuple):
    """When somebody is called back, and by whom; two times None where nothing is promised."""

    at: datetime | None
    by: UUID | None


NOTHING = Promise(None, None)


class _Change(NamedTuple):
    pair: UUID
    seen: Promise
    wanted: Promise
    at: datetime


def of(pair_id: UUID | None) -> Promise:
    if pair_id is None:
        return NOTHING
    return Promise(*_promise(key=pair_id)[0])


@kept.question
def _promise(key: UUID) -> QuerySet[ProjectContact, tuple[datetime | None, UUID | None]]:
    return ProjectContact.objects.filter(pk=key).values_list("callback_at", "callback_by")


def foresee(
    session: CallSession, disposition: Disposition, *, seen: Promise, callback_at: datetime | None, at: datetime
) -> Made | None:
    """Return what the outcome does to the promise of its pair; None: it leaves it alone.

    An outcome that asks for a time promises it, any other one keeps a promise that is due, and one that closes the
    pair for longer than until the promised moment drops it. ``at`` is when the outcome begins to take effect.
    """
    if not session.pair_id:
        return None
    if disposition.asks_callback and callback_at:
        then = Promise(callback_at, session.rep_id)
    elif seen.at and (seen.at <= at or _outlasts(disposition, seen.at, at)):
        then = NOTHING
    else:
        return None
    return {"was": text(seen.at), "by": text(seen.by), "is": text(then.at), "is_by": text(then.by)}


def wanted(made: Made) -> Promise:
    return Promise(instant(made["is"]), _id(made["is_by"]))


def _id(value: str | None) -> UUID | None:
    return UUID(value) if value else None


def _outlasts(disposition: Disposition, moment: datetime, at: datetime) -> bool:
    if disposition.do_not_call:
        return True
    closes = disposition.terminal_scope in _CLOSE_PAIRS
    return closes and (disposition.terminal_for is None or at + disposition.terminal_for > moment)


def without(old: CallEvent, *, seen: Promise) -> Promise:
    """Return what would be promised without ``old``: what was before it, unless somebody has promised anew since."""
    made = old.facts.get("made", {}).get(KIND)
    if not made or seen.at != instant(made["is"]):
        return seen
    rest = others(old, KIND, session__pair=old.session.pair_id)
    if seen.at and any(said.corrected_by is None and instant(said.made["is"]) == seen.at for said in rest):
        return seen
    first = before(old, KIND, rest)
    return Promise(instant(first["was"]), _id(first["by"]))


def put(pair_id: UUID | None, promise: Promise, *, seen: Promise, at: datetime) -> None:
    """Write what is promised, at the end of the transaction, when all pairs that it moves are locked in their order.

    ``seen`` is what is written there as yet.
    """
    if pair_id and promise != seen:
        at_the_end(_write, [_Change(pair_id, seen, promise, at)])


def _write(changes: set[_Change]) -> None:
    for change in sorted(changes, key=attrgetter("pair")):
        row = ProjectContact.objects.filter(pk=change.pair)
        if change.wanted.at is None:
            row = row.filter(callback_at=change.seen.at)  # what somebody has promised meanwhile is not dropped
        row.update(callback_at=change.wanted.at, callback_by=change.wanted.by, updated_at=clock.now())
        hints.refresh(at=change.at, pair_ids=[change.pair])
