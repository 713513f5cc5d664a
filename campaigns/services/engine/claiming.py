"""Whom the engine looks at next. Every claim locks enrollments that nobody else works on, and nothing of people.

What they wish is read with it, because no walk goes on without asking.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from campaigns.choices import EnrollmentState
from campaigns.models import Campaign
from campaigns.rules.moves import Happened, Move, Settled, Standing
from campaigns.services import people, places
from campaigns.services.engine.news import HAS_NEWS, News
from campaigns.services.people import Wishes
from config.kernel import prepared

# What is of each of them alone, and what several may have in common.
_ALONE = "e.id, e.contact_id, e.pair_id, e.company_id, e.number, {enrolled_at}, {message}"
_ALIKE = f"""{people.WISHES}, {places.HELD}, e.graph_id::text, e.run_no, e.state, e.node_id::text, e.visit, e.visits,
           e.status_id::text, e.stage, e.last, e.wake_rule, e.execution_id::text, e.paused_from, e."left", e.reason,
           e.held_since IS NOT NULL"""
_ONE = _ALONE.format(enrolled_at="NULL::timestamptz", message="NULL::uuid")
_UNASKED = "NULL::text, NULL::int"
_TOLD = f"m.state, m.reason, m.retry_at, (m.node_id, m.visit) = (e.node_id, e.visit), {_UNASKED}"
_NOTHING = "NULL::text, NULL::text, NULL::timestamptz, NULL::bool"
_UNTOLD = f"{_NOTHING}, {_UNASKED}"
# What became of the last message of this visit, how many there were, and which of them a parked walk was not told of:
# it would make nothing of it.
_SENT = """
    (SELECT CASE WHEN m.state = 'not_sent_presumed' AND m.settled_at IS NULL THEN 'uncertain' ELSE m.state END
     FROM campaigns_message m
     WHERE m.enrollment_id = e.id AND (m.node_id, m.visit) = (e.node_id, e.visit) ORDER BY m.id DESC LIMIT 1),
    (SELECT count(*)::int FROM campaigns_message m
     WHERE m.enrollment_id = e.id AND (m.node_id, m.visit) = (e.node_id, e.visit))"""
_UNHEARD = """
    (SELECT m.id FROM campaigns_message m JOIN campaigns_settlement s ON s.message_id = m.id
     WHERE e.state = 'parked' AND m.enrollment_id = e.id ORDER BY m.id DESC LIMIT 1)"""
_THEM = "FROM campaigns_enrollment e JOIN crm_contact c ON c.id = e.contact_id"
_AT_THEIR_TIME = f"""
    SELECT {_ONE}, {_ALIKE}, NULL::timestamptz, {_UNTOLD} {_THEM}
    WHERE e.campaign_id = %(campaign)s AND e.wake_at <= %(at)s::timestamptz AND e.epoch = %(epoch)s::int
      AND e.state {{states}} AND NOT {HAS_NEWS}
    ORDER BY e.wake_at, e.id LIMIT %(size)s::int
    FOR NO KEY UPDATE OF e SKIP LOCKED"""
_DUE = _AT_THEIR_TIME.format(states="IN ('active', 'waiting')")  # as their index says; and so below
_TO_BEGIN = _AT_THEIR_TIME.format(states="= 'pending'")
_SETTLED = f"""
    SELECT {_ALONE.format(enrolled_at="NULL::timestamptz", message="m.id")}, {_ALIKE}, e.wake_at, {_TOLD}
    FROM campaigns_settlement s JOIN campaigns_message m ON m.id = s.message_id
         JOIN campaigns_enrollment e ON e.id = s.enrollment_id JOIN crm_contact c ON c.id = e.contact_id
    WHERE s.campaign_id = %(campaign)s AND e.state <> 'paused' AND NOT {HAS_NEWS}
    ORDER BY s.at, s.message_id LIMIT %(size)s::int
    FOR NO KEY UPDATE OF e SKIP LOCKED"""  # noqa: S608 - our own names
_BY_HAND = f"""
    SELECT {_ALONE.format(enrolled_at="NULL::timestamptz", message=_UNHEARD)}, {_ALIKE}, e.wake_at, {_NOTHING}, {_SENT}
    {_THEM}
    WHERE e.campaign_id = %(campaign)s AND e.id = ANY(%(enrollments)s::uuid[])
    ORDER BY e.id
    FOR NO KEY UPDATE OF e"""
# A provider may have it, and on its line somebody has answered since: until that is heard nothing is handed over (the
# gate). It is not proved, and stays to be found out; but who waits for an answer has it.
_IS_ANSWERED = """
    m.settled_at IS NULL
    AND EXISTS (SELECT FROM campaigns_attempt a WHERE a.message_id = m.id AND a.outcome <> 'not_sent')
    AND EXISTS (SELECT FROM campaigns_happening h JOIN campaigns_message heard ON heard.id = h.cause
                WHERE h.id = ANY(%(news)s::uuid[]) AND h.kind = 'reply' AND h.contact_id = e.contact_id
                  AND heard.endpoint_id = m.endpoint_id)"""
_HEARING = f"""
    SELECT {_ALONE.format(enrolled_at="e.enrolled_at", message="m.id")}, {_ALIKE}, e.wake_at, {_TOLD}
    {_THEM}
    LEFT JOIN LATERAL (SELECT m.id, m.reason, m.retry_at, m.node_id, m.visit,
                              CASE WHEN m.settled_at IS NULL THEN 'uncertain' ELSE m.state END AS state
                       FROM campaigns_message m LEFT JOIN campaigns_settlement s ON s.message_id = m.id
                       WHERE m.enrollment_id = e.id AND m.node_id = e.node_id AND m.visit = e.visit
                         AND (s.message_id IS NOT NULL OR {_IS_ANSWERED})
                       ORDER BY m.id DESC LIMIT 1) m ON e.state = 'parked' OR 'waiting_send' IN (e.state, e.paused_from)
    WHERE e.campaign_id = %(campaign)s AND e.contact_id = ANY(%(contacts)s::uuid[])
      AND e.state IN ('pending', 'active', 'waiting', 'waiting_send', 'paused', 'parked')
    ORDER BY e.id
    FOR NO KEY UPDATE OF e"""  # noqa: S608 - our own names


class Spot(NamedTuple):
    """Where somebody stands, and what became of the message that they wait for, as the database tells it.

    ``is_held``: they wait for a place of their company; ``stays``: they are held up at the node. ``wake_at`` is None
    for those who are at their time. ``sent`` and ``written`` are asked of those whom somebody points at, see
    ``Standing``.
    """

    is_held: bool
    graph: UUID
    run_no: int
    state: str
    node: UUID | None
    visit: int
    visits: str
    status: UUID | None
    stage: str
    last: str
    wake_rule: str | None
    execution: UUID | None
    paused_from: str
    left: timedelta | None
    reason: str
    stays: bool
    wake_at: datetime | None
    message_state: str | None
    message_reason: str | None
    retry_at: datetime | None
    is_theirs: bool | None
    sent: str | None
    written: int | None


def is_to_begin(one: Spot | Move) -> bool:
    """They have not begun, and will by themselves, or once somebody lets them go on."""
    return EnrollmentState.PENDING in (one.state, one.paused_from)


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """What several may have in common who were claimed together: wishes, where they stand, and what they are told."""

    wishes: Wishes
    spot: Spot
    happened: tuple[Happened, ...] = ()

    @property
    def settled(self) -> Settled | None:
        """What became of the message that they wait for; one of another visit is none of theirs any more."""
        spot = self.spot
        return Settled(spot.message_state or "", spot.message_reason or "", spot.retry_at) if spot.is_theirs else None

    def execution_in(self, campaign: Campaign) -> UUID | None:
        """Return in which execution they walk; whoever is to begin does so, or does not come to it, in the last one."""
        execution: UUID | None = campaign.execution_id if is_to_begin(self.spot) else self.spot.execution
        return execution

    def standing(self, keys: Mapping[UUID, str], statuses: Mapping[UUID, str], only: str) -> Standing:
        spot = self.spot
        rule = orjson.loads(spot.wake_rule) if spot.wake_rule else None
        return Standing(
            state=spot.state,
            node=keys.get(spot.node) if spot.node else None,
            visit=spot.visit,
            visits=orjson.loads(spot.visits),
            status=statuses.get(spot.status, "") if spot.status else "",
            stage=spot.stage,
            last=orjson.loads(spot.last),
            tries=rule.get("tries", 0) if rule else 0,
            wake_at=spot.wake_at,
            wake_rule=rule,
            paused_from=spot.paused_from,
            left=spot.left,
            reason=spot.reason,
            only=only,
            is_held=spot.stays,
            sent=spot.sent or "",
            written=spot.written or 0,
        )


class Claimed(NamedTuple):
    """One enrollment that is locked now. Whoever stands alike and is told the same shares ``stand``."""

    id: UUID
    contact: UUID
    pair: UUID | None
    company: UUID | None
    number: int
    enrolled_at: datetime | None
    message: UUID | None
    stand: Stand


_OWN: Final = 7  # columns that are of each of them alone; then come wishes, then a spot
_WISHES: Final = len(Wishes._fields)
_AS_TEXTS: Final = ("graph", "node", "status", "execution")  # keys that are read once per stand, and compared as texts


def _spot(told: Sequence[Any]) -> Spot:
    named = dict(zip(Spot._fields, told, strict=True))
    return Spot(**named | {name: named[name] and UUID(named[name]) for name in _AS_TEXTS})


def _claimed(rows: Iterable[tuple[Any, ...]]) -> list[Claimed]:
    stands: dict[tuple[Any, ...], Stand] = {}
    found = []
    for row in rows:
        alike = row[_OWN:]
        if (stand := stands.get(alike)) is None:
            stand = stands[alike] = Stand(Wishes(*alike[:_WISHES]), _spot(alike[_WISHES:]))
        found.append(Claimed._make((*row[:_OWN], stand)))
    return found


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
    return _claimed(prepared.rows(sql, params))


def settled(campaign: Campaign, *, size: int) -> list[Claimed]:
    """Claim those who have not been told yet what became of their message."""
    return _claimed(prepared.rows(_SETTLED, {"campaign": campaign.pk, "size": size}))


def hearing(campaign: Campaign, told: News) -> list[Claimed]:
    """Claim the walks that what was ``told`` is for, with what became of the message that they wait for, if that is
    known, or if they have answered it; whoever else moves them now is waited for."""
    params = {"campaign": campaign.pk, "contacts": sorted(told.by_contact), "news": told.ids}
    found = []
    for one in _claimed(prepared.rows(_HEARING, params)):
        if happened := told.of(one.contact, one.id, one.number):
            stand = Stand(one.stand.wishes, one.stand.spot, happened)
            found.append(one._replace(stand=stand, message=one.message if stand.settled else None))
    return found


def by_hand(campaign: Campaign, enrollments: Sequence[UUID]) -> list[Claimed]:
    """Claim what somebody has pointed at; whoever else moves them now is waited for."""
    params = {"campaign": campaign.pk, "enrollments": sorted(enrollments)}
    return _claimed(prepared.rows(_BY_HAND, params))
