"""What a provider's own ledger proves about messages: it beats all that we have only concluded (trust 3.2, T5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from campaigns.choices import MessageState
from campaigns.providers import Sent
from campaigns.services.dispatch.marking import TOUCHES
from config.kernel import prepared
from config.kernel.transactions import atomic_with_retries

_S = MessageState
_RANKS: Final[Mapping[str, int]] = {_S.ACCEPTED: 1, _S.UNDELIVERED: 2, _S.DELIVERED: 3}
_STATES: Final = {"accepted": _S.ACCEPTED, "delivered": _S.DELIVERED, "undelivered": _S.UNDELIVERED}
# We had said, or were about to find out, that it was not sent.
_WRONG: Final = {_S.NOT_SENT_PRESUMED, _S.REJECTED, _S.PENDING, _S.CLAIMED}
LATE: Final = "late_evidence"


@dataclass(frozen=True, slots=True)
class Proof:
    """A line of a provider's ledger, and the attempt whose token it carries."""

    attempt_id: UUID
    message_id: UUID
    sent: Sent


_NOW = """
    SELECT m.id, m.state FROM campaigns_message m WHERE m.id = ANY(%(ids)s::uuid[]) ORDER BY m.id FOR NO KEY UPDATE"""
_PROVE = f"""
    WITH r AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
            message uuid, attempt uuid, provider varchar, reference varchar, state varchar, anomaly varchar)),
    tries AS (
        UPDATE campaigns_attempt a
        SET outcome = 'accepted', recorded_at = coalesce(a.recorded_at, %(at)s::timestamptz),
            reference = coalesce(a.reference, CASE WHEN NOT EXISTS (
                SELECT 1 FROM campaigns_attempt o WHERE o.provider = a.provider AND o.reference = r.reference)
                THEN r.reference END)
        FROM r WHERE a.id = r.attempt AND a.outcome <> 'accepted'),
    touches AS (
        UPDATE crm_touch t SET counts = true FROM r
        WHERE t.source = '{TOUCHES}' AND t.source_id = r.attempt AND NOT t.counts)
    UPDATE campaigns_message m
    SET state = r.state, claimed_until = NULL, reason = '', settled_at = coalesce(m.settled_at, %(at)s::timestamptz),
        anomaly = CASE WHEN r.anomaly = '' THEN m.anomaly ELSE r.anomaly END, updated_at = %(at)s::timestamptz
    FROM r WHERE m.id = r.message AND r.state <> ''"""  # noqa: S608 - our own words


@atomic_with_retries
def prove(*, proofs: Sequence[Proof], at: datetime) -> int:
    """Let these messages be sent, if they are not said to be yet, in two statements; return how many changed.

    A state never falls. One that we had said was not sent is marked as an anomaly.
    """
    by_message = {proof.message_id: proof for proof in proofs}
    if not by_message:
        return 0
    states = dict(prepared.rows(_NOW, {"ids": sorted(by_message)}))
    rows, changed = [], 0
    for message_id, now in states.items():
        proof = by_message[message_id]
        state = _risen(now, proof.sent.status)
        changed += bool(state)
        rows.append(
            {
                "message": message_id,
                "attempt": proof.attempt_id,
                "reference": proof.sent.reference[:120],
                "state": state,
                "anomaly": LATE if now in _WRONG else "",
            }
        )
    prepared.run(_PROVE, {"rows": orjson.dumps(rows).decode(), "at": at})
    return changed


def _risen(now: str, status: str) -> str:
    """Return the state that a proof lifts a message to, "" where it is there already."""
    state = _STATES.get(status, _S.ACCEPTED)
    return state.value if _RANKS.get(now, 0) < _RANKS[state] else ""
