"""T5 of the send protocol: what a provider proves about a message, whenever and however often it comes (trust 3.2).

Proof beats everything that we have concluded ourselves, so it may leave any state; among proofs the rank only rises.
Any order and repetition of the same news therefore ends the same.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Coalesce

from calls.services import hints
from campaigns.choices import Anomaly, AttemptOutcome, MessageState
from campaigns.models import Attempt, Message
from campaigns.providers import usable_reference
from campaigns.services import bells
from campaigns.services.dispatch import accounts
from campaigns.services.dispatch.marking import TOUCHES
from config.kernel import faults
from config.kernel.errors import NotThere
from config.kernel.transactions import atomic_with_retries
from crm.models import Contact, Endpoint, Touch
from crm.services.locking import lock_all
from crm.services.normalization.text import one_line

logger = logging.getLogger(__name__)

faults.register("evidence.before_commit")

PROOFS: Final = {
    "accepted": MessageState.ACCEPTED,
    "undelivered": MessageState.UNDELIVERED,
    "delivered": MessageState.DELIVERED,
}
_RANK: Final = {state: rank for rank, state in enumerate(PROOFS.values(), start=1)}
# We were sure that the provider does not have it.
_SURE: Final = {AttemptOutcome.NOT_SENT, AttemptOutcome.NOT_SENT_PRESUMED, AttemptOutcome.REJECTED}
_TAKEN_TOO: Final = "The provider says that this try was taken as well."
GIVEN_UP: Final = {MessageState.NOT_SENT_PRESUMED, MessageState.REJECTED}


# A token proves its own try, whatever else its row says: an id that another try has stays there.
_ATTEMPTS = """
    UPDATE campaigns_attempt a
    SET outcome = 'accepted', recorded_at = CASE WHEN a.outcome = 'accepted' THEN a.recorded_at ELSE t.at END,
        reference = coalesce(a.reference, CASE WHEN NOT EXISTS (
            SELECT 1 FROM campaigns_attempt o WHERE o.provider = a.provider AND o.reference = t.reference)
            THEN nullif(t.reference, '') END)
    FROM (SELECT id, reference, moment.at FROM unnest(%s::uuid[], %s::text[]) AS u (id, reference),
                 (VALUES (%s::timestamptz)) AS moment (at)) t
    WHERE a.id = t.id"""
_MESSAGES = """
    UPDATE campaigns_message m
    SET state = t.state, reason = t.reason, claimed_until = NULL, retry_at = NULL, updated_at = t.at,
        settled_at = coalesce(m.settled_at, t.at)
    FROM (SELECT u.*, moment.at FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS u (id, state, reason),
                 (VALUES (%s::timestamptz)) AS moment (at)) t
    WHERE m.id = t.id"""


class NotOurs(NotThere):
    """No message of ours was handed over with this token, or has this reference."""

    code = "not_ours"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a provider says of the message whose token has this ``hash`` (``hash_of``); see ``bind``.

    It may say anything: a status that nobody knows proves that it has the message, and a reference or reason that
    cannot be kept is none.
    """

    hash: bytes
    status: str
    reference: str = ""
    reason: str = ""


class _PeopleFirst(Exception):
    """Who was touched has to be locked before the message."""


@atomic_with_retries
def bind(*, provider: str, status: str, at: datetime, token: str = "", reference: str = "", reason: str = "") -> bool:
    """Keep that ``provider`` says ``status`` ("accepted", "delivered" or "undelivered") of a message of ours.

    The message is found by the secret that travelled with it, or else by the provider's own ``reference``. Return
    whether this was news. Where we had concluded that it was not sent it is marked, logged, and counts in the caps
    again. ``at`` is when we learn it; ``reason`` is the provider's, of what was not delivered. The engine is rung for,
    whose walk may go on.

    :raises NotOurs: there is no such message.
    """
    return _told(attempt_of(provider, token, reference), _kept(Proof(b"", status, reference, reason)), at)


def bind_all(proofs: Sequence[Proof], *, at: datetime) -> list[bool]:
    """Bind what is plain of ``proofs`` in a handful of statements, however many; say of each whether it was.

    Plain is what we have not concluded otherwise, and what is ours. The rest is left to ``bind``, one by one.
    """
    return _bind_plain(list(map(_kept, proofs)), at)[0]


def learn(proofs: Sequence[Proof], *, at: datetime) -> int:
    """Bind all of ``proofs``, the plain ones together and every other one by itself; return how many were news."""
    proofs = list(map(_kept, proofs))
    plain, risen = _bind_plain(proofs, at)
    return risen + sum(_bind_alone(proof, at) for proof, bound in zip(proofs, plain, strict=True) if not bound)


def hash_of(token: str) -> bytes:
    """Return the SHA-256 of a token: the only trace that we keep of it."""
    return sha256(token.encode(errors="replace")).digest()


def _kept(proof: Proof) -> Proof:
    """Return ``proof`` as the database can keep it."""
    return replace(
        proof,
        status=proof.status if proof.status in PROOFS else "accepted",
        reference=usable_reference(proof.reference),
        reason=one_line(proof.reason)[:200],
    )


@atomic_with_retries
def _bind_alone(proof: Proof, at: datetime) -> bool:
    attempt = Attempt.objects.select_related("message").filter(token_hash=proof.hash).first()
    return attempt is not None and _told(attempt, proof, at)


def _told(attempt: Attempt, proof: Proof, at: datetime) -> bool:
    if _is_known(attempt, PROOFS[proof.status], proof.reference):
        return False
    try:
        with transaction.atomic():
            return _bound(attempt, proof, at, people_locked=False)
    except _PeopleFirst:  # rolling back has let the message go
        message = attempt.message
        lock_all(Contact, [message.contact_id] if message.contact_id else [])
        lock_all(Endpoint, [message.endpoint_id] if message.endpoint_id else [])
        return _bound(attempt, proof, at, people_locked=True)


@atomic_with_retries
def _bind_plain(proofs: Sequence[Proof], at: datetime) -> tuple[list[bool], int]:
    hashes = [proof.hash for proof in proofs]
    tries = _locked(hashes)
    best: dict[UUID, Proof] = {}
    references: dict[UUID, str] = {}
    plain = [tries.get(one) for one in hashes]
    for attempt, proof in zip(plain, proofs, strict=True):
        if attempt is not None:
            best[attempt.pk] = max(best.get(attempt.pk, proof), proof, key=_rank)
            references[attempt.pk] = references.get(attempt.pk) or proof.reference
    told = [attempt for attempt in tries.values() if attempt.pk in best]
    _write_attempts(told, references, at)
    risen = _write_messages(told, best, at)
    faults.point("evidence.before_commit")
    return [attempt is not None for attempt in plain], risen


def _locked(hashes: list[bytes]) -> dict[bytes, Attempt]:
    """Lock the messages of these tries, in their order, and return the tries that nothing was concluded of."""
    ids = set(Attempt.objects.filter(token_hash__in=hashes).values_list("message_id", flat=True))
    lock_all(Message, ids)
    found = Attempt.objects.filter(token_hash__in=hashes).select_related("message")
    return {
        bytes(attempt.token_hash): attempt
        for attempt in found
        if attempt.outcome not in _SURE and attempt.message.state not in GIVEN_UP
    }


def _write_attempts(told: Sequence[Attempt], references: Mapping[UUID, str], at: datetime) -> None:
    rows, given = [], set[tuple[str, str]]()
    for attempt in told:
        reference = "" if attempt.reference or attempt.idempotent else references[attempt.pk]
        if (attempt.provider, reference) in given:
            reference = ""
        given.add((attempt.provider, reference))
        if reference or attempt.outcome != AttemptOutcome.ACCEPTED:
            rows.append((attempt.pk, reference))
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_ATTEMPTS, [*map(list, zip(*rows, strict=True)), at])


def _write_messages(told: Sequence[Attempt], best: Mapping[UUID, Proof], at: datetime) -> int:
    """Of a message with several tries the furthest proof counts; return how many are further now."""
    rows: dict[UUID, Proof] = {}
    for attempt in told:
        proof, known = best[attempt.pk], rows.get(attempt.message_id)
        has = _RANK.get(MessageState(attempt.message.state), 0)
        if _rank(proof) > max(has, _rank(known) if known else 0):
            rows[attempt.message_id] = proof
    if rows:
        states = [PROOFS[proof.status].value for proof in rows.values()]
        reasons = [proof.reason if proof.status == "undelivered" else "" for proof in rows.values()]
        with connection.cursor() as cursor:
            cursor.execute(_MESSAGES, [list(rows), states, reasons, at])
        bells.engine()
    return len(rows)


def _rank(proof: Proof) -> int:
    return _RANK[PROOFS[proof.status]]


def attempt_of(provider: str, token: str, reference: str) -> Attempt:
    """Return the try with this token, or else with this ``reference`` of the provider. :raises NotOurs: see there."""
    attempts = Attempt.objects.select_related("message")
    if token:
        found = attempts.filter(token_hash=hash_of(token)).first()
    else:
        known = usable_reference(reference)
        found = attempts.filter(provider=provider, reference=known).first() if known else None
    if found is None:
        raise NotOurs("This is about no message of ours. Another installation may share the account.")
    return found


def _is_known(attempt: Attempt, proof: MessageState, reference: str) -> bool:
    """Whether all of it was learned before: ranks and references never go back, so this needs no lock."""
    named = not reference or attempt.reference or attempt.idempotent
    rank = _RANK.get(MessageState(attempt.message.state), 0)
    return bool(named and attempt.outcome == AttemptOutcome.ACCEPTED and rank >= _RANK[proof])


def _bound(attempt: Attempt, told: Proof, at: datetime, *, people_locked: bool) -> bool:
    message = Message.objects.select_for_update(no_key=True, of=("self",)).get(pk=attempt.message_id)
    attempt.refresh_from_db()
    late = attempt.outcome in _SURE or message.state in GIVEN_UP
    touch = Touch.objects.filter(source=TOUCHES, source_id=attempt.pk, counts=False)
    counts_again = late and touch.exists()
    if counts_again:
        if not people_locked:
            raise _PeopleFirst
        touch.update(counts=True)
        hints.refresh(at=at, contact_ids=[message.contact_id] if message.contact_id else [])
    changed = _settle_attempt(attempt, told.reference, at)
    changed = _settle_message(message, PROOFS[told.status], told.reason, late, at) or changed
    if late and changed:
        logger.error("Message %s was sent although we had concluded that it was not", message.pk)
    if counts_again:
        accounts.count_again(account_id=attempt.account_id, at=attempt.dispatched_at)
    faults.point("evidence.before_commit")
    return changed


def _settle_attempt(attempt: Attempt, reference: str, at: datetime) -> bool:
    """Say that this try was taken; of several that may have been, the database lets one say so."""
    changes: dict[str, Any] = {}
    others = Attempt.objects.filter(message=attempt.message_id).exclude(pk=attempt.pk)
    if attempt.outcome != AttemptOutcome.ACCEPTED:
        rival = not attempt.idempotent and attempt.outcome == AttemptOutcome.NOT_SENT
        if not (rival and others.exclude(outcome=AttemptOutcome.NOT_SENT).exists()):
            changes = {"outcome": AttemptOutcome.ACCEPTED, "recorded_at": at}
        elif attempt.detail != _TAKEN_TOO:
            changes = {"detail": _TAKEN_TOO, "recorded_at": at}
    # Of a message that is known by its key each try may get the same reference: whoever gets it as an answer keeps it.
    if reference and not attempt.reference and not attempt.idempotent:
        named = Attempt.objects.filter(provider=attempt.provider, reference=reference)
        if not named.exists():
            changes["reference"] = reference
    if changes:
        Attempt.objects.filter(pk=attempt.pk).update(**changes)
    return bool(changes)


def _settle_message(message: Message, proof: MessageState, reason: str, late: bool, at: datetime) -> bool:
    rises = _RANK[proof] > _RANK.get(MessageState(message.state), 0)
    changes: dict[str, Any] = {}
    if rises:
        said = reason if proof == MessageState.UNDELIVERED else ""
        changes = {"state": proof, "reason": said, "claimed_until": None, "retry_at": None}
        changes["settled_at"] = Coalesce("settled_at", at)
        bells.engine()
    if late and message.anomaly != Anomaly.LATE_EVIDENCE:
        changes["anomaly"] = Anomaly.LATE_EVIDENCE
    if changes:
        Message.objects.filter(pk=message.pk).update(**changes, updated_at=at)
    return bool(changes)
