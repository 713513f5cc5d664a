"""The locks of T3, and what is read under them: contacts, endpoints, campaigns, walks, messages, each by id."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from campaigns.services.dispatch.claiming import Claimed
from config.kernel import prepared
from crm.choices import REACHED_BY, Channel


@dataclass(frozen=True, slots=True)
class Line:
    """A number or address of a contact."""

    id: UUID
    value: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that is still ours, as it is under the locks. ``maybe_sent_at`` is when a provider may first have got
    it: an attempt that is known to have failed before does not count."""

    id: UUID
    claim: int
    contact_id: UUID
    enrollment_id: UUID | None
    pair_id: UUID | None
    project_id: UUID | None
    by_id: UUID | None
    endpoint_id: UUID | None
    subject: str
    body: str
    segments: int
    expires_at: datetime | None
    tries: int
    ever_dispatched: bool
    maybe_sent_at: datetime | None


@dataclass
class Held:
    """What is ours until the transaction ends. ``skipped`` are lines that somebody else works on at this moment."""

    ready: list[Ready] = field(default_factory=list)
    busy: list[Claimed] = field(default_factory=list)
    lines: dict[UUID, list[Line]] = field(default_factory=dict)
    skipped: set[UUID] = field(default_factory=set)


_CONTACTS = "SELECT id FROM crm_contact WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
_POINTS = """
    SELECT p.contact_id, e.id, e.value FROM crm_contactpoint p JOIN crm_endpoint e ON e.id = p.endpoint_id
    WHERE p.contact_id = ANY(%(ids)s::uuid[]) AND p.kind = %(kind)s
    ORDER BY p.is_primary DESC, p.verified_at DESC NULLS LAST, p.id"""
_LINES = "SELECT id FROM crm_endpoint WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
# Whoever pauses a campaign waits for us, or we for them: after their commit nothing goes out (DESIGN 22).
_CAMPAIGNS = "SELECT id FROM campaigns_campaign WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE"
_WALKS = "SELECT id FROM campaigns_enrollment WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE SKIP LOCKED"
_MESSAGES = """
    SELECT m.id, m.claim, m.contact_id, m.enrollment_id, walk.pair_id, pair.project_id, m.by_id, tried.endpoint_id,
           m.subject, m.body, m.segments, m.expires_at, m.tries, m.ever_dispatched, tried.maybe_sent_at
    FROM (SELECT m.* FROM unnest(%(ids)s::uuid[], %(claims)s::int[]) AS mine (id, claim)
          JOIN campaigns_message m ON m.id = mine.id AND m.claim = mine.claim AND m.state = 'claimed'
          ORDER BY m.id FOR NO KEY UPDATE OF m) m
    LEFT JOIN campaigns_enrollment walk ON walk.id = m.enrollment_id
    LEFT JOIN crm_projectcontact pair ON pair.id = walk.pair_id
    LEFT JOIN LATERAL (
        SELECT m.endpoint_id, min(a.dispatched_at) AS maybe_sent_at FROM campaigns_attempt a
        WHERE a.message_id = m.id AND a.outcome <> 'not_sent' HAVING count(*) > 0) tried ON m.ever_dispatched"""


def take(*, claimed: Sequence[Claimed], channel: str) -> Held:
    """Lock everything that the decision about ``claimed`` messages stands on, in order, in six statements."""
    contacts = _ids(_CONTACTS, {one.contact_id for one in claimed})
    points = prepared.rows(_POINTS, {"ids": sorted(contacts), "kind": REACHED_BY[Channel(channel)].value})
    held = Held()
    for contact_id, line_id, value in points:
        held.lines.setdefault(contact_id, []).append(Line(line_id, value))
    asked_for = {line_id for _, line_id, _ in points}
    held.skipped = asked_for - _ids(_LINES, asked_for)
    free = [one for one in claimed if one.contact_id in contacts]
    _ids(_CAMPAIGNS, {one.campaign_id for one in free if one.campaign_id})
    walks = _ids(_WALKS, {one.enrollment_id for one in free if one.enrollment_id})
    ours = [one for one in free if not one.enrollment_id or one.enrollment_id in walks]
    mine = set(ours)
    held.busy = [one for one in claimed if one not in mine]
    asked = {"ids": [one.id for one in ours], "claims": [one.claim for one in ours]}
    place = {one.id: number for number, one in enumerate(claimed)}
    held.ready = sorted((Ready(*row) for row in prepared.rows(_MESSAGES, asked)), key=lambda one: place[one.id])
    return held


def _ids(sql: str, ids: set[UUID]) -> set[UUID]:
    return {key for (key,) in prepared.rows(sql, {"ids": sorted(ids)})} if ids else set()
