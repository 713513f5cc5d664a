"""T2: taking messages, so that nobody else works on them (trust 3.2). It is a claim by number, and runs out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from campaigns.choices import RUNNING
from campaigns.services import bells
from config.kernel import prepared
from config.kernel.transactions import atomic_with_retries

HELD: Final = timedelta(seconds=60)  # longer than mark, call and record take together
ASIDE: Final = timedelta(hours=1)
TRIES: Final = 12  # after that somebody looks at it


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours; whoever claims it later has a higher number."""

    id: UUID
    claim: int
    contact_id: UUID
    campaign_id: UUID | None
    enrollment_id: UUID | None


# What somebody sent by hand goes first: they are waiting for it. Nobody waits for the disk: should the server die at
# this moment, the messages are not claimed, and whoever thinks so is refused the mark.
_CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT id, walks, not_before FROM (
            SELECT * FROM (
                SELECT m.id, m.not_before, false AS walks FROM campaigns_message m
                WHERE m.account_id = %(account)s AND m.campaign_id IS NULL AND m.state = 'pending'
                  AND NOT m.held AND m.not_before <= %(at)s::timestamptz
                ORDER BY m.not_before, m.id LIMIT %(room)s FOR NO KEY UPDATE SKIP LOCKED) by_hand
            UNION ALL
            SELECT walking.* FROM campaigns_campaign c CROSS JOIN LATERAL (
                SELECT m.id, m.not_before, true AS walks FROM campaigns_message m
                WHERE m.account_id = %(account)s AND m.campaign_id = c.id AND m.state = 'pending'
                  AND NOT m.held AND m.not_before <= %(at)s::timestamptz
                ORDER BY m.not_before, m.id LIMIT %(room)s FOR NO KEY UPDATE SKIP LOCKED) walking
            WHERE c.status = ANY(%(running)s::varchar[])) every
        WHERE set_config('synchronous_commit', 'off', true) = 'off'
        ORDER BY walks, not_before, id LIMIT %(room)s),
    mine AS (
        UPDATE campaigns_message m
        SET state = 'claimed', claim = m.claim + 1, claimed_until = %(until)s
        FROM due WHERE m.id = due.id
        RETURNING m.id, m.claim, m.contact_id, m.campaign_id, m.enrollment_id, due.walks, due.not_before)
    SELECT id, claim, contact_id, campaign_id, enrollment_id FROM mine ORDER BY walks, not_before, id"""


@atomic_with_retries
def claim(*, account_id: UUID, room: int, at: datetime) -> list[Claimed]:
    """Take up to ``room`` messages of this account that are due, none of a campaign or a walk that stands still."""
    params = {"account": account_id, "room": room, "at": at, "until": at + HELD, "running": list(RUNNING)}
    return [Claimed(*row) for row in prepared.rows(_CLAIM, params)]


_ASIDE = """
    WITH mine AS MATERIALIZED (
        SELECT id, CASE WHEN tries + 1 < %(most)s::int THEN 'pending' WHEN ever_dispatched THEN 'uncertain'
                        ELSE 'blocked' END AS goes
        FROM campaigns_message WHERE id = %(id)s AND claim = %(claim)s AND state = 'claimed' FOR NO KEY UPDATE)
    UPDATE campaigns_message m
    SET state = mine.goes, claimed_until = NULL, updated_at = %(at)s::timestamptz, reason = 'cannot_be_decided',
        tries = m.tries + 1,
        not_before = CASE WHEN mine.goes = 'pending' AND %(later)s::timestamptz < coalesce(m.expires_at, 'infinity')
                          THEN %(later)s::timestamptz ELSE m.not_before END,
        settled_at = CASE WHEN mine.goes = 'blocked' THEN %(at)s::timestamptz ELSE m.settled_at END
    FROM mine WHERE m.id = mine.id"""


@atomic_with_retries
def put_aside(one: Claimed, *, at: datetime) -> None:
    """Let a message wait an hour about which nothing could be decided: something is wrong with it, or with us.

    That counts as a try: after the last one it is blocked, or uncertain where a provider may have it.
    """
    prepared.run(_ASIDE, {"id": one.id, "claim": one.claim, "at": at, "later": at + ASIDE, "most": TRIES})
    bells.engine()
