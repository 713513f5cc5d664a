"""T3, the point of no return: the gate under the locks, and the mark that a provider may have it from now on.

One transaction per batch, in a number of statements that does not grow with it. Whoever is worked on elsewhere at this
moment is left for the next batch, and so is a second message to the same person or on the same line: the first one
counts against it. Lock order: DESIGN 13.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from calls.rules import opening
from calls.services import deciding
from calls.services.deciding import Ruling
from campaigns.choices import MessageState
from campaigns.providers import Outgoing, sender_on
from campaigns.rules.standing import HOLDS, WALK_PAUSED
from campaigns.services.dispatch import accounts, locks, marking
from campaigns.services.dispatch.accounts import Account, Wanted
from campaigns.services.dispatch.claiming import Claimed
from campaigns.services.dispatch.locks import Held, Line, Ready
from campaigns.services.dispatch.marking import Mark, Other
from config.kernel import faults
from config.kernel.gate import Approach, Verdict
from config.kernel.ids import uuid7
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel, GateAction

BUSY: Final = timedelta(seconds=1)  # until somebody whom others work on is tried again
HELD_BACK: Final = timedelta(seconds=5)  # until what waits for something else to end is looked at again
KEY_LIVES: Final = timedelta(hours=20)  # a provider recognises a repeat for a day
EMAIL_LIVES: Final = timedelta(hours=72)

faults.register("send.before_mark")


@dataclass(frozen=True, slots=True)
class Marked:
    """A message that a provider may be given now, once, at ``moment``; ``attempt_id`` is the try that says so.

    It has a place in what its account may send on ``day``. ``maybe_sent_at`` is when a provider may have got it by an
    earlier try, if by any.
    """

    message_id: UUID
    claim: int
    attempt_id: UUID
    contact_id: UUID
    endpoint_id: UUID
    tries: int
    idempotent: bool
    marked_at: datetime
    maybe_sent_at: datetime | None
    expires_at: datetime | None
    moment: datetime
    day: date
    outgoing: Outgoing


class _Crowded(Exception):
    """Others have reserved the moments that this batch was counting on, or some of its own come too late."""


def mark(*, account: Account, claimed: Sequence[Claimed], at: datetime) -> list[Marked]:
    """Decide about ``claimed`` messages of one account, and mark those that pass: they count from this commit on.

    Of all others what becomes of them is written: they wait, are blocked, or are too late. One whose moment would come
    after the time in which it may be delivered waits until the gate says so itself. One that somebody else has claimed
    since is left alone.
    """
    if account.is_in_no_hurry(at):
        try:  # the budget is locked as late as possible: all batches of the account wait for each other there
            return _mark(account=account, claimed=claimed, at=at, reserves_last=True)
        except _Crowded:
            pass
    return _mark(account=account, claimed=claimed, at=at, reserves_last=False)


@atomic_with_retries
def _mark(*, account: Account, claimed: Sequence[Claimed], at: datetime, reserves_last: bool) -> list[Marked]:
    held = locks.take(claimed=claimed, channel=account.channel)
    others: list[Other] = [_again(one, at, BUSY) for one in held.busy]
    passing = list(_decided(_to_be_asked(held, account, others, at), account, others, at))
    idempotent = sender_on(account.provider).is_idempotent
    told = [_marked(*each, account, idempotent=idempotent, at=at) for each in passing]
    if not reserves_last:
        told, left = _at_moments(told, account, passing, at)
        others += left
    marking.write([mark for mark, _ in told], account_id=account.id, provider=account.provider, at=at)
    marking.write_others(others, at=at)
    if reserves_last and passing:
        told, left = _at_moments(told, account, passing, at)
        if left:
            raise _Crowded
    faults.point("send.before_mark")
    return [one for _, one in told]


def _at_moments(
    told: Sequence[tuple[Mark, Marked]], account: Account, passing: Sequence[tuple[Ready, Line, Ruling]], at: datetime
) -> tuple[list[tuple[Mark, Marked]], list[Other]]:
    """Return those for whom there is a moment, each with its own, and what becomes of the others: the gate is asked
    about them again, of those whose time is nearly over once it is."""
    wanted = [
        Wanted(ready.segments, one.outgoing.valid_until, ready.by_id)
        for (ready, *_), (_, one) in zip(passing, told, strict=True)
    ]
    reserved = accounts.reserve(account_id=account.id, wanted=wanted, at=at)
    there, left = [], []
    for (mark, one), (ready, *_), moment in zip(told, passing, reserved.moments, strict=True):
        if moment:
            there.append((mark, replace(one, moment=moment, day=reserved.day)))
        else:
            ends_soon = one.outgoing.valid_until < at + accounts.AHEAD
            left.append(_again(ready, at, HELD_BACK if ends_soon else None))
    return there, left


def _to_be_asked(held: Held, account: Account, others: list[Other], at: datetime) -> list[tuple[Ready, list[Line]]]:
    """Return the messages about which the gate is asked, with the ways to reach them: nobody and no line twice."""
    asked: list[tuple[Ready, list[Line]]] = []
    taken: set[UUID] = set()
    for ready in held.ready:
        if other := _somebody_elses(ready, account, at) or _too_late(ready, account, at):
            others.append(other)
            continue
        lines = _candidates(ready, held.lines.get(ready.contact_id, []))
        subjects = {ready.contact_id, *(line.id for line in lines)}
        if subjects & held.skipped or subjects & taken:
            others.append(_again(ready, at, BUSY))
            continue
        taken |= subjects
        asked.append((ready, lines))
    return asked


def _candidates(ready: Ready, lines: list[Line]) -> list[Line]:
    """The ways to reach them, the best first; one that was tried already is the only one from then on."""
    if ready.endpoint_id is None:
        return lines
    return [line for line in lines if line.id == ready.endpoint_id] or [Line(ready.endpoint_id, "")]


def _somebody_elses(ready: Ready, account: Account, at: datetime) -> Other | None:
    """An account that was given to somebody sends nothing for others any more: another one does."""
    if account.user in {None, ready.by_id}:
        return None
    if ready.maybe_sent_at:
        return _ended(ready, MessageState.EXPIRED, "Its account was given to somebody else.")
    return replace(_again(ready, at, None), unrouted=True)


def _too_late(ready: Ready, account: Account, at: datetime) -> Other | None:
    """What may have been sent is repeated only as long as its provider recognises the repeat."""
    since = ready.maybe_sent_at
    if since and (at - since >= KEY_LIVES or not sender_on(account.provider).is_idempotent):
        return _ended(ready, MessageState.EXPIRED, "may_have_been_sent")
    if ready.expires_at and ready.expires_at <= at:
        return _ended(ready, MessageState.EXPIRED, "may_have_been_sent" if ready.maybe_sent_at else "too_late")
    return None


def _decided(
    asked: Sequence[tuple[Ready, list[Line]]], account: Account, others: list[Other], at: datetime
) -> Iterator[tuple[Ready, Line, Ruling]]:
    """Ask the gate about all of them at once; yield those that pass with their line, and say of the others why not."""
    if not asked:
        return
    subjects = [_approaches(ready, lines, account) for ready, lines in asked]
    users = [ready.by_id for ready, _ in asked]
    rulings = deciding.prove_each(action=GateAction.DISPATCH, subjects=subjects, user_ids=users, at=at)
    for (ready, lines), ruling in zip(asked, rulings, strict=True):
        if ruling.allowed:
            endpoint = ruling.verdict.approach.endpoint_id
            yield ready, next(line for line in lines if line.id == endpoint), ruling
        elif any(HOLDS.intersection(verdict.codes) for verdict in ruling.verdicts):
            others.append(_held_back(ready, ruling.verdict.codes, at))
        else:
            others.append(_blocked(ready, ruling, at))


def _approaches(ready: Ready, lines: list[Line], account: Account) -> list[Approach]:
    ids: list[UUID | None] = [line.id for line in lines]
    return [
        Approach(ready.contact_id, line, account.channel, ready.pair_id, ready.project_id, ready.id)
        for line in ids or [None]
    ]


def _held_back(ready: Ready, codes: Sequence[str], at: datetime) -> Other:
    """Nobody knows when this passes; of a walk that is paused the database says so."""
    return replace(_again(ready, at, HELD_BACK, ", ".join(codes)), held=WALK_PAUSED in codes)


def _blocked(ready: Ready, ruling: Ruling, at: datetime) -> Other:
    """What was certainly never sent, but tried, waits for its time by itself: nobody else would try it again."""
    earliest, reason = ruling.earliest, _reason(ruling.verdicts)
    if ready.ever_dispatched and earliest and (ready.expires_at is None or earliest < ready.expires_at):
        return _again(ready, at, earliest - at, reason)
    return _ended(ready, MessageState.BLOCKED, reason, earliest)


def _reason(verdicts: Sequence[Verdict]) -> str:
    """The codes of the best way to reach them, and which message came before it."""
    first = verdicts[0]
    twins = [str(block.evidence["message"]) for block in first.blocks if block.code == "duplicate_address"]
    return (", ".join(first.codes) + "".join(f" (as {twin})" for twin in twins))[:200]


def _ended(ready: Ready, state: MessageState, reason: str, retry_at: datetime | None = None) -> Other:
    """Nothing is said never to have been sent that was once given to a provider: then somebody has to look."""
    state = MessageState.UNCERTAIN if ready.ever_dispatched else state
    return Other(ready.id, ready.claim, state, reason, retry_at=retry_at)


def _again(one: Ready | Claimed, at: datetime, after: timedelta | None, reason: str = "") -> Other:
    not_before = at + after if after else None
    return Other(one.id, one.claim, MessageState.PENDING, reason, not_before=not_before)


def _marked(
    ready: Ready, line: Line, ruling: Ruling, account: Account, *, idempotent: bool, at: datetime
) -> tuple[Mark, Marked]:
    attempt, token = uuid7(), secrets.token_urlsafe(32)
    until = _valid_until(ready, ruling.verdict, account.channel, at)
    key = str(ready.id)
    receipt: Mapping[str, Any] = ruling.receipt or {}
    mark = Mark(
        message=ready.id, claim=ready.claim, attempt=attempt, number=ready.tries + 1, endpoint=line.id,
        contact=ready.contact_id, project=ready.project_id, user=ready.by_id, key=key,
        token=sha256(token.encode()).hexdigest(), until=until, text=_preview(ready), idempotent=idempotent,
        channel=account.channel, receipt=receipt,
    )  # fmt: skip
    outgoing = Outgoing(line.value, account.address, ready.body, key, token, until, ready.subject)
    return mark, Marked(
        ready.id, ready.claim, attempt, ready.contact_id, line.id, ready.tries + 1, idempotent, at,
        ready.maybe_sent_at, ready.expires_at, at, at.date(), outgoing,
    )  # fmt: skip


def _preview(ready: Ready) -> str:
    return " ".join((ready.subject or ready.body).split())[:200]


def _valid_until(ready: Ready, verdict: Verdict, channel: str, at: datetime) -> datetime:
    """Never past the contact's own window, where the channel has hours, nor past the message's time (INV-WINDOW)."""
    until = at + EMAIL_LIVES if channel == Channel.EMAIL else opening.closes(verdict.facts, at)
    return min(until, ready.expires_at) if ready.expires_at else until
