"""What T3 writes: receipts, touches, conversations, attempts and the marks themselves by one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from calls.services.deciding import RECEIPTS
from campaigns.choices import SETTLED, MessageState
from campaigns.services import bells
from campaigns.services.dispatch.claiming import HELD
from config.kernel import prepared

TOUCHES: Final = "campaigns.attempt"  # the source of the touch of a message: each try is one


@dataclass(frozen=True, slots=True)
class Mark:
    """A message that passed, its next try, and the receipt of the gate."""

    message: UUID
    claim: int
    attempt: UUID
    number: int
    endpoint: UUID
    contact: UUID
    project: UUID | None
    user: UUID | None
    key: str
    token: str  # the hash of it, in hexadecimal digits
    until: datetime
    text: str
    idempotent: bool
    channel: str
    receipt: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Other:
    """A message that does not go out now. ``not_before`` is when it is tried again, if not at once; ``held``: not
    before its walk, which the caller has locked, goes on; ``unrouted``: not from the account that it has."""

    id: UUID
    claim: int
    state: MessageState
    reason: str
    retry_at: datetime | None = None
    not_before: datetime | None = None
    held: bool = False
    unrouted: bool = False


_WRITE = f"""
    WITH s AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(marks)s::jsonb) AS s (
            message uuid, claim int, attempt uuid, number smallint, endpoint uuid, contact uuid, project uuid,
            "user" uuid, key varchar, token varchar, until timestamptz, text varchar, idempotent boolean,
            channel varchar, decision uuid)),
    receipts AS ({RECEIPTS}),
    touches AS (
        INSERT INTO crm_touch (id, contact_id, endpoint_id, project_id, channel, at, user_id, source, source_id, counts)
        SELECT clearline_uuid7(), s.contact, s.endpoint, s.project, s.channel, %(at)s::timestamptz, s."user",
               '{TOUCHES}', s.attempt, true FROM s),
    talks AS (
        INSERT INTO campaigns_conversation AS talk (id, contact_id, last_at, last_direction, last_text, unread)
        SELECT clearline_uuid7(), s.contact, %(at)s::timestamptz, 'outbound', s.text, 0 FROM s
        ON CONFLICT (contact_id) DO UPDATE
        SET last_at = excluded.last_at, last_direction = 'outbound', last_text = excluded.last_text,
            updated_at = excluded.last_at
        RETURNING talk.id, talk.contact_id),
    tries AS (
        INSERT INTO campaigns_attempt (id, message_id, number, account_id, provider, idempotent, key, token_hash,
                                       decision_id, dispatched_at, valid_until)
        SELECT s.attempt, s.message, s.number, %(account)s::uuid, %(provider)s, s.idempotent, s.key,
               decode(s.token, 'hex'), s.decision, %(at)s::timestamptz, s.until FROM s)
    UPDATE campaigns_message m
    SET state = 'dispatching', ever_dispatched = true, endpoint_id = s.endpoint, account_id = %(account)s::uuid,
        conversation_id = talks.id, tries = s.number, claimed_until = %(held)s::timestamptz, reason = '',
        retry_at = NULL, updated_at = %(at)s::timestamptz
    FROM s JOIN talks ON talks.contact_id = s.contact
    WHERE m.id = s.message AND m.claim = s.claim AND m.state = 'claimed'"""  # noqa: S608 - our own words

# Somebody who waits does not wait beyond the time of the message: it is looked at again before that is over.
_OTHERS = """
    WITH o AS (
        SELECT * FROM jsonb_to_recordset(%(others)s::jsonb) AS o (
            id uuid, claim int, state varchar, reason varchar, retry_at timestamptz, not_before timestamptz,
            held boolean, unrouted boolean, settled boolean)),
    mine AS MATERIALIZED (
        SELECT m.id FROM campaigns_message m JOIN o ON o.id = m.id AND o.claim = m.claim
        WHERE m.state = 'claimed' ORDER BY m.id FOR NO KEY UPDATE OF m)
    UPDATE campaigns_message m
    SET state = o.state, reason = o.reason, retry_at = o.retry_at, claimed_until = NULL, held = o.held,
        account_id = CASE WHEN NOT o.unrouted THEN m.account_id END,
        not_before = CASE WHEN o.not_before < coalesce(m.expires_at, 'infinity') THEN o.not_before
                          ELSE m.not_before END,
        settled_at = CASE WHEN o.settled THEN %(at)s::timestamptz ELSE m.settled_at END,
        updated_at = %(at)s::timestamptz
    FROM o JOIN mine ON mine.id = o.id WHERE m.id = o.id"""


def write(marks: Sequence[Mark], *, account_id: UUID, provider: str, at: datetime) -> None:
    """Write that a provider may have these from now on. The caller holds the locks of all of them."""
    if not marks:
        return
    rows = [
        {name: getattr(mark, name) for name in Mark.__slots__ if name != "receipt"} | {"decision": mark.receipt["id"]}
        for mark in marks
    ]
    written = prepared.run(
        _WRITE,
        {
            "marks": orjson.dumps(rows).decode(), "receipts": orjson.dumps([m.receipt for m in marks]).decode(),
            "account": account_id, "provider": provider, "at": at, "held": at + HELD,
        },
    )  # fmt: skip
    if written != len(marks):
        raise AssertionError(f"{written} of {len(marks)} messages were marked, though all are locked.")


def write_others(others: Sequence[Other], *, at: datetime) -> None:
    """Write what becomes of messages that do not go out now."""
    if not others:
        return
    rows = [
        {name: getattr(other, name) for name in Other.__slots__} | {"settled": other.state in SETTLED}
        for other in others
    ]
    prepared.run(_OTHERS, {"others": orjson.dumps(rows).decode(), "at": at})
    bells.engine()
