"""Looking for messages of which nobody knows whether they were sent, in the provider's own list (trust 3.2).

What it lists was sent. What it does not list after a quarter of an hour, or a day for voicemail, presumably was not:
then a person decides what follows. A list that cannot be had proves nothing.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from campaigns.choices import AttemptOutcome
from campaigns.providers import SKEW, Sent
from campaigns.services import evidence
from campaigns.services.dispatch.listing import listed
from campaigns.services.evidence import Proof
from config.kernel import faults, prepared
from config.kernel.providers import ProviderError
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel

logger = logging.getLogger(__name__)

FIRST_LOOK: Final = timedelta(minutes=2)
LAST_LOOK: Final = timedelta(minutes=15)
LAST_LOOK_VOICEMAIL: Final = timedelta(hours=24)
BATCH: Final = 1000

faults.register("reconcile.before_commit")


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt of an uncertain message; ``hash`` is of the token that its provider was told."""

    message_id: UUID
    channel: str
    id: UUID
    provider: str
    hash: bytes
    reference: str | None
    at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many messages were found, and how many presumably never went out."""

    found: int = 0
    absent: int = 0


_UNCERTAIN = """
    SELECT m.id, m.channel, a.id, a.provider, a.token_hash, a.reference, a.dispatched_at, a.outcome
    FROM (SELECT m.id, m.channel FROM campaigns_message m
          WHERE m.state = 'uncertain' AND m.decided_at IS NULL AND m.id > %(after)s::uuid
            AND NOT EXISTS (SELECT 1 FROM campaigns_attempt a WHERE a.message_id = m.id
                            AND a.dispatched_at > %(at)s::timestamptz - %(first)s::interval)
          ORDER BY m.id LIMIT %(limit)s) m
    JOIN campaigns_attempt a ON a.message_id = m.id ORDER BY m.id, a.number"""
_ABSENT = """
    WITH mine AS MATERIALIZED (
        SELECT m.id FROM campaigns_message m WHERE m.id = ANY(%(ids)s::uuid[]) AND m.state = 'uncertain'
        ORDER BY m.id FOR NO KEY UPDATE),
    tries AS (
        UPDATE campaigns_attempt a SET outcome = 'not_sent_presumed', recorded_at = %(at)s::timestamptz
        FROM mine WHERE a.message_id = mine.id AND a.outcome IN ('dispatching', 'uncertain'))
    UPDATE campaigns_message m
    SET state = 'not_sent_presumed', updated_at = %(at)s::timestamptz
    FROM mine WHERE m.id = mine.id"""


def reconcile(*, at: datetime) -> Reconciled:
    """Settle what can be settled of all uncertain messages; ask each provider for its list once per thousand."""
    found = absent = 0
    after = UUID(int=0)
    while tries := _tries(after, at):
        done = _settle(tries, at)
        found, absent = found + done.found, absent + done.absent
        after = tries[-1].message_id
    return Reconciled(found, absent)


def _tries(after: UUID, at: datetime) -> list[Try]:
    asked = {"after": after, "at": at, "first": FIRST_LOOK, "limit": BATCH}
    return [Try(*row) for row in prepared.rows(_UNCERTAIN, asked)]


def _settle(tries: Sequence[Try], at: datetime) -> Reconciled:
    listed: dict[str, dict[bytes | str, Sent] | None] = {}
    for provider in sorted({one.provider for one in tries}):
        listed[provider] = _listed(provider, [one for one in tries if one.provider == provider], at)
    proofs, found, unknown, youngest = [], set[UUID](), set[UUID](), dict[UUID, Try]()
    for one in tries:
        youngest[one.message_id] = one
        rows = listed[one.provider]
        sent = rows and (rows.get(bytes(one.hash)) or (one.reference and rows.get(one.reference)))
        if sent:
            proofs.append(Proof(bytes(one.hash), sent.status, sent.reference))
            found.add(one.message_id)
        elif rows is None and one.outcome != AttemptOutcome.NOT_SENT:
            unknown.add(one.message_id)
    over = [key for key, one in youngest.items() if key not in found | unknown and at - one.at >= _last_look(one)]
    return Reconciled(evidence.learn(proofs, at=at), _presume(over, at))


def _last_look(one: Try) -> timedelta:
    return LAST_LOOK_VOICEMAIL if one.channel == Channel.VOICEMAIL else LAST_LOOK


@atomic_with_retries
def _presume(ids: Sequence[UUID], at: datetime) -> int:
    """Say of these that they presumably never went out; what was proved meanwhile stays proved."""
    if not ids:
        return 0
    absent = prepared.run(_ABSENT, {"ids": sorted(ids), "at": at})
    faults.point("reconcile.before_commit")
    return absent


def _listed(provider: str, tries: Sequence[Try], at: datetime) -> dict[bytes | str, Sent] | None:
    """Return what a provider lists of ``tries``, by the hash of its token and by its id; None: it does not say."""
    wanted: set[bytes | str] = {bytes(one.hash) for one in tries} | {one.reference for one in tries if one.reference}
    since, until = min(one.at for one in tries) - SKEW, at + SKEW
    try:
        lines = listed(provider, since=since, until=until, picks=lambda sent: not wanted.isdisjoint(_keys(sent)))
    except ProviderError as error:
        logger.warning("The list of %s cannot be had: %s. Looking again later.", provider, type(error).__name__)
    except Exception:
        logger.exception("The adapter of %s broke while listing", provider)
    else:
        return {key: sent for sent in lines for key in _keys(sent)}
    return None


def _keys(sent: Sent) -> tuple[bytes, str]:
    return evidence.hash_of(sent.token), sent.reference
