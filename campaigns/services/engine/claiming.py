"""Whom the engine looks at next. Every claim locks enrollments that nobody else works on, and nothing of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from campaigns.models import Campaign
from campaigns.rules.moves import Happened, Settled, Standing
from config.kernel import prepared

_COLUMNS = """e.id, e.graph_id, e.contact_id, e.company_id, e.pair_id, e.run_no, e.state, e.node_id, e.visit, e.visits,
           e.status_id, e.last, e.wake_rule, e.execution_id"""
_MORE = 'e.wake_at, e.paused_from, e."left", e.enrolled_at, e.reason'  # of those who are not at their time
_AT_THEIR_TIME = f"""
    SELECT {_COLUMNS} FROM campaigns_enrollment e
    WHERE e.campaign_id = %(campaign)s AND e.wake_at <= %(at)s::timestamptz AND e.epoch = %(epoch)s::int
      AND e.state {{states}}
    ORDER BY e.wake_at, e.id LIMIT %(size)s::int
    FOR NO KEY UPDATE SKIP LOCKED"""  # noqa: S608 - our own names
_DUE = _AT_THEIR_TIME.format(states="IN ('active', 'waiting')")  # as their index says; and so below
_TO_BEGIN = _AT_THEIR_TIME.format(states="= 'pending'")
_SETTLED = f"""
    SELECT {_COLUMNS}, m.id AS message_id, m.state AS message_state, m.reason AS message_reason, m.retry_at,
           m.node_id AS message_node, m.visit AS message_visit
    FROM campaigns_settlement s JOIN campaigns_message m ON m.id = s.message_id
         JOIN campaigns_enrollment e ON e.id = s.enrollment_id
    WHERE s.campaign_id = %(campaign)s AND e.state <> 'paused'
    ORDER BY s.at, s.message_id LIMIT %(size)s::int
    FOR NO KEY UPDATE OF e SKIP LOCKED"""  # noqa: S608 - our own names
_BY_HAND = f"""
    SELECT {_COLUMNS}, {_MORE} FROM campaigns_enrollment e
    WHERE e.campaign_id = %(campaign)s AND e.id = ANY(%(enrollments)s::uuid[])
    ORDER BY e.id
    FOR NO KEY UPDATE"""  # noqa: S608 - our own names
# A provider may have it, and on its line somebody has answered since: until that is heard nothing is handed over (the
# gate). It is not proved, and stays to be found out; but who waits for an answer has it.
_IS_ANSWERED = """
    EXISTS (SELECT FROM campaigns_attempt a WHERE a.message_id = m.id AND a.outcome <> 'not_sent')
    AND EXISTS (SELECT FROM campaigns_happening h JOIN campaigns_message heard ON heard.id = h.cause
                WHERE h.id = ANY(%(news)s::uuid[]) AND h.kind = 'reply' AND h.contact_id = e.contact_id
                  AND heard.endpoint_id = m.endpoint_id)"""
_HEARING = f"""
    SELECT {_COLUMNS}, {_MORE}, m.id AS message_id, m.state AS message_state, m.reason AS message_reason, m.retry_at,
           m.node_id AS message_node, m.visit AS message_visit
    FROM campaigns_enrollment e
    LEFT JOIN LATERAL (SELECT m.id, m.reason, m.retry_at, m.node_id, m.visit,
                              CASE WHEN s.message_id IS NULL THEN 'uncertain' ELSE m.state END AS state
                       FROM campaigns_message m LEFT JOIN campaigns_settlement s ON s.message_id = m.id
                       WHERE m.enrollment_id = e.id AND m.node_id = e.node_id AND m.visit = e.visit
                         AND (s.message_id IS NOT NULL OR {_IS_ANSWERED})
                       ORDER BY m.id DESC LIMIT 1) m ON 'waiting_send' IN (e.state, e.paused_from)
    WHERE e.campaign_id = %(campaign)s AND e.contact_id = ANY(%(contacts)s::uuid[])
      AND e.state IN ('pending', 'active', 'waiting', 'waiting_send', 'paused', 'parked')
    ORDER BY e.id
    FOR NO KEY UPDATE OF e"""  # noqa: S608 - our own names
# An answer that is faster than our own note of what was sent is followed as soon as that is written (T4): whoever waits
# for it comes to that wait only then. Meanwhile the gate holds back everything else.
_NEWS = """
    SELECT h.id, h.contact_id, h.enrollment_id, h.kind, h.at, h.data FROM campaigns_happening h
    WHERE h.handled_at IS NULL AND (h.kind <> 'reply' OR NOT EXISTS (
        SELECT FROM campaigns_message m WHERE m.contact_id = h.contact_id AND m.state = 'dispatching'))
    ORDER BY h.id LIMIT %(size)s::int
    FOR UPDATE SKIP LOCKED"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One enrollment that is locked now, and why it was claimed."""

    row: Mapping[str, Any]
    settled: Settled | None = None
    happened: tuple[Happened, ...] = ()
    message: UUID | None = None

    def execution_in(self, campaign: Campaign) -> UUID | None:
        """Return in which execution they walk; whoever has not begun will do so in the last one."""
        begins = self.row["node_id"] is None
        execution: UUID | None = campaign.execution_id if begins else self.row["execution_id"]
        return execution

    def standing(self, keys: Mapping[UUID, str], statuses: Mapping[UUID, str], only: str) -> Standing:
        row = self.row
        rule = orjson.loads(row["wake_rule"]) if row["wake_rule"] else None
        return Standing(
            id=row["id"],
            state=row["state"],
            node=keys.get(row["node_id"]),
            visit=row["visit"],
            visits=orjson.loads(row["visits"]),
            status=statuses.get(row["status_id"], ""),
            last=orjson.loads(row["last"]),
            tries=rule.get("tries", 0) if rule else 0,
            wake_at=row.get("wake_at"),
            wake_rule=rule,
            paused_from=row.get("paused_from", ""),
            left=row.get("left"),
            reason=row.get("reason", ""),
            only=only,
        )


def due(campaign: Campaign, *, at: datetime, size: int) -> list[Claimed]:
    """Claim those whose time has come, whoever is under way first, of each the longest due; where the campaign has a
    pace nobody who is to begin."""
    claimed = _at_their_time(_DUE, campaign, at, size)
    left = 0 if campaign.starts_per_day else size - len(claimed)
    return claimed + (beginning(campaign, at=at, size=left) if left else [])


def beginning(campaign: Campaign, *, at: datetime, size: int) -> list[Claimed]:
    """Claim those who are to begin by now, whoever waits longest for it first."""
    return _at_their_time(_TO_BEGIN, campaign, at, size)


def _at_their_time(sql: str, campaign: Campaign, at: datetime, size: int) -> list[Claimed]:
    params = {"campaign": campaign.pk, "epoch": campaign.epoch, "at": at, "size": size}
    return [Claimed(row) for row in prepared.named(sql, params)]


def settled(campaign: Campaign, *, size: int) -> list[Claimed]:
    """Claim those who have not been told yet what became of their message."""
    rows = prepared.named(_SETTLED, {"campaign": campaign.pk, "size": size})
    return [Claimed(row, settled=_settled(row), message=row["message_id"]) for row in rows]


@dataclass(frozen=True, slots=True)
class News:
    """Happenings that are locked now, by contact in their order, each with the one walk that it is for, if it is."""

    ids: list[UUID]
    by_contact: Mapping[UUID, tuple[tuple[UUID | None, Happened], ...]]

    def of(self, row: Mapping[str, Any]) -> tuple[Happened, ...]:
        """Return what of it is for this walk."""
        return tuple(happened for walk, happened in self.by_contact[row["contact_id"]] if walk in (None, row["id"]))


def news(*, size: int) -> News:
    """Claim the oldest happenings that nobody has followed yet, and that can be followed now."""
    rows = prepared.rows(_NEWS, {"size": size})
    by_contact: dict[UUID, tuple[tuple[UUID | None, Happened], ...]] = {}
    for _, contact, walk, kind, at, data in rows:
        by_contact[contact] = (*by_contact.get(contact, ()), (walk, Happened(kind, at, orjson.loads(data))))
    return News([row[0] for row in rows], by_contact)


def hearing(campaign: Campaign, told: News) -> list[Claimed]:
    """Claim the walks that what was ``told`` is for, with what became of the message that they wait for, if that is
    known, or if they have answered it; whoever else moves them now is waited for."""
    params = {"campaign": campaign.pk, "contacts": sorted(told.by_contact), "news": told.ids}
    rows = prepared.named(_HEARING, params)
    claimed = []
    for row in rows:
        if happened := told.of(row):
            settled = _settled(row)
            message = row["message_id"] if settled else None
            claimed.append(Claimed(row, settled=settled, happened=happened, message=message))
    return claimed


def _settled(row: Mapping[str, Any]) -> Settled | None:
    """What became of the message that they wait for; one of another visit is none of theirs any more."""
    is_theirs = row["message_id"] and (row["message_node"], row["message_visit"]) == (row["node_id"], row["visit"])
    return Settled(row["message_state"], row["message_reason"], row["retry_at"]) if is_theirs else None


def by_hand(campaign: Campaign, enrollments: Sequence[UUID]) -> list[Claimed]:
    """Claim what somebody has pointed at; whoever else moves them now is waited for."""
    params = {"campaign": campaign.pk, "enrollments": sorted(enrollments)}
    return [Claimed(row) for row in prepared.named(_BY_HAND, params)]
