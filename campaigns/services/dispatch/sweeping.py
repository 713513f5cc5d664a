"""What dead workers leave behind: put back where it certainly was not sent, else uncertain; and what is too late."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from campaigns.services.dispatch import accounts
from campaigns.services.dispatch.handing import KEY_LIVES
from config.kernel import faults, prepared
from config.kernel.transactions import atomic_with_retries

BATCH: Final = 500

faults.register("sweep.before_commit")


@dataclass(frozen=True, slots=True)
class Swept:
    """How many messages were put back, became uncertain, were too late, and lost an account that was switched off."""

    back: int = 0
    uncertain: int = 0
    expired: int = 0
    unrouted: int = 0

    @property
    def all(self) -> int:
        return self.back + self.uncertain + self.expired + self.unrouted


# Without the mark there was no call. With it there may have been one, and only a provider that knows its key is asked
# again, as long as it does: however long it waits, for its campaign or for its account, it is too late after that. A
# try that is known to have failed is no reason to wait. As in ``accounts`` a chunk reads no more than it takes.
_LAPSED = """
    WITH lapsed AS MATERIALIZED (
        SELECT m.id, m.state, m.tries, m.not_before FROM campaigns_message m
        WHERE m.state IN ('claimed', 'dispatching') AND m.claimed_until <= %(at)s
        ORDER BY m.claimed_until LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED),
    judged AS MATERIALIZED (
        SELECT l.id, l.state, l.tries, unproved.until, CASE
            WHEN l.state = 'claimed' THEN 'pending'
            WHEN unproved.until > greatest(%(at)s::timestamptz, l.not_before) THEN 'pending'
            ELSE 'uncertain' END AS goes
        FROM lapsed l CROSS JOIN LATERAL (
            SELECT CASE WHEN bool_and(a.idempotent) THEN min(a.dispatched_at) + %(lives)s::interval END AS until
            FROM campaigns_attempt a WHERE a.message_id = l.id AND a.outcome <> 'not_sent') unproved),
    tries AS (
        UPDATE campaigns_attempt a SET outcome = 'uncertain', recorded_at = %(at)s::timestamptz,
                                       detail = 'Whoever called did not come back.'
        FROM judged j WHERE a.message_id = j.id AND a.number = j.tries AND a.outcome = 'dispatching')
    UPDATE campaigns_message m
    SET state = j.goes, claimed_until = NULL, updated_at = %(at)s::timestamptz,
        expires_at = CASE j.goes WHEN 'pending' THEN least(m.expires_at, j.until) ELSE m.expires_at END,
        reason = CASE j.goes WHEN 'uncertain' THEN 'Whoever called did not come back.' ELSE m.reason END
    FROM judged j WHERE m.id = j.id AND m.id = ANY(ARRAY(SELECT id FROM judged))
    RETURNING m.state"""
_LATE = """
    WITH late AS MATERIALIZED (
        SELECT m.id FROM campaigns_message m
        WHERE m.state = 'pending' AND m.expires_at IS NOT NULL AND m.expires_at <= %(at)s
        ORDER BY m.expires_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE campaigns_message m
    SET state = CASE WHEN m.ever_dispatched THEN 'uncertain' ELSE 'expired' END,
        reason = CASE WHEN EXISTS (SELECT FROM campaigns_attempt t
                                   WHERE t.message_id = m.id AND t.outcome <> 'not_sent')
                 THEN 'may_have_been_sent' ELSE 'too_late' END,
        settled_at = CASE WHEN m.ever_dispatched THEN m.settled_at ELSE %(at)s::timestamptz END,
        updated_at = %(at)s::timestamptz
    WHERE m.id = ANY(ARRAY(SELECT id FROM late))"""


@atomic_with_retries
def sweep(*, at: datetime, limit: int = BATCH) -> Swept:
    """Look after up to ``limit`` messages of each kind, in three statements; call it until it finds nothing."""
    states = [state for (state,) in prepared.rows(_LAPSED, {"at": at, "limit": limit, "lives": KEY_LIVES})]
    uncertain = states.count("uncertain")
    expired = prepared.run(_LATE, {"at": at, "limit": limit})
    swept = Swept(len(states) - uncertain, uncertain, expired, accounts.unroute(limit=limit))
    faults.point("sweep.before_commit")
    return swept
