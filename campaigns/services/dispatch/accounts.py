"""Who sends: which accounts have something to send, and how much they may.

The pace of an account is one moment, ``SenderBudget.spent_until``: every segment moves it on by its share of a second,
and a message goes out at the moment that was reserved for it. Nothing is caught up: a rate is never exceeded.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from campaigns.choices import RUNNING
from campaigns.services import people
from campaigns.services.dispatch.resting import AWAKE
from config.kernel import prepared
from config.kernel.transactions import atomic_with_retries

BATCH: Final = 50
AHEAD: Final = timedelta(seconds=5)  # what is reserved later than this is not marked: see DESIGN 16
_LONG_AGO: Final = date(1, 1, 1)
_MOST: Final = 100  # segments; no message has as many
_LONGEST: Final = timedelta(days=1)  # that something waits for an account
_WESTWARD: Final = timedelta(days=2)  # so much earlier at most is the day of whoever moves around the world


@dataclass(frozen=True, slots=True)
class Account:
    """An account that has something to send, and how many messages it may send within the next seconds."""

    id: UUID
    channel: str
    provider: str
    address: str
    per_second: float
    per_day: int
    failures: int
    spent_until: datetime | None
    day: date | None
    sent: int | None
    zone: str = ""  # of whoever it is, in which its days begin and end
    user: UUID | None = None  # whose it is; None: everybody's

    def room(self, at: datetime) -> int:
        """Return how many messages of one segment may be marked now; after a refusal one, to see whether it is over."""
        return min(1 if self.failures else BATCH, self._left_today(at), self._slots(at))

    def is_in_no_hurry(self, at: datetime) -> bool:
        """Whether its pace and its day leave room for many batches: then hardly two of them want the same moments."""
        return min(self._left_today(at), self._slots(at)) >= 20 * BATCH

    def rests_for(self, at: datetime) -> float:
        """Return the seconds until there is room again: its day is full, or its pace is spent that far ahead."""
        if not self._left_today(at):
            return (_next_midnight(self._day(at), self.zone) - at).total_seconds()
        return max(0.0, (self._spent(at) - AHEAD - at).total_seconds())

    def _left_today(self, at: datetime) -> int:
        return max(0, self.per_day - ((self.sent or 0) if self.day == self._day(at) else 0))

    def _day(self, at: datetime) -> date:
        return _day_of(at, self.zone, self.day if (self.spent_until or at) <= self._spent(at) else None)

    def _spent(self, at: datetime) -> datetime:
        return _spent(self.spent_until, self.per_second, at)

    def _slots(self, at: datetime) -> int:
        return max(0, math.ceil((at + AHEAD - self._spent(at)).total_seconds() * self.per_second))


@dataclass(frozen=True, slots=True)
class Reserved:
    """The moments that messages go out at, in their order, None where there is none; and the day of the account on
    which those that go out take a place each."""

    day: date
    moments: Sequence[datetime | None]


# With something due: by hand, or of a campaign that runs. What stands still is not even looked at. Which
# comes first is asked so that PostgreSQL answers from the index of what is due, and from no other.
_READY = f"""
    SELECT a.id, a.channel, a.provider, a.address, a.per_second, a.per_day, a.failures, b.spent_until, b.day, b.sent,
           coalesce(u.time_zone, ''), a.user_id
    FROM campaigns_sendingaccount a LEFT JOIN campaigns_senderbudget b ON b.account_id = a.id
         LEFT JOIN crm_user u ON u.id = a.user_id
    WHERE a.is_active AND {AWAKE}
      AND NOT EXISTS (SELECT 1 FROM campaigns_sendingstop s WHERE s.lifted_at IS NULL AND s.channel IN ('', a.channel))
      AND ((SELECT m.id FROM campaigns_message m
            WHERE m.account_id = a.id AND m.campaign_id IS NULL AND m.state = 'pending'
              AND NOT m.held AND m.not_before <= %(at)s::timestamptz
            ORDER BY m.not_before, m.id LIMIT 1) IS NOT NULL
           OR EXISTS (SELECT 1 FROM campaigns_campaign c
                      WHERE c.status = ANY(%(running)s::varchar[])
                        AND (SELECT m.id FROM campaigns_message m
                             WHERE m.account_id = a.id AND m.campaign_id = c.id AND m.state = 'pending'
                               AND NOT m.held AND m.not_before <= %(at)s::timestamptz
                             ORDER BY m.not_before, m.id LIMIT 1) IS NOT NULL))"""  # noqa: S608 - our own words


def ready(*, at: datetime) -> list[Account]:
    """Return the accounts that have something due and do not rest, whether or not their pace lets them send now."""
    return [Account(*row) for row in prepared.rows(_READY, {"at": at, "running": list(RUNNING)})]


# The account of whoever sends it, else one of everybody's; of several always the same one for the same contact. Here
# and below an index gives the order in which messages are taken: in another one each chunk would read all that is left.
# An array says whom to write, because the plan is kept and made for chunks of any size: it would read all there are.
_ROUTE = """
    WITH lost AS (
        SELECT m.id, m.channel, m.by_id, m.contact_id, m.ever_dispatched,
               least(m.expires_at, m.no_account_since + %(longest)s::interval) AS too_late_at
        FROM campaigns_message m
        WHERE m.account_id IS NULL AND m.state = 'pending' AND m.not_before <= %(at)s::timestamptz
        ORDER BY m.not_before LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED),
    found AS MATERIALIZED (
        SELECT lost.*, (
            SELECT a.id FROM campaigns_sendingaccount a
            WHERE a.is_active AND a.channel = lost.channel AND (a.user_id IS NULL OR a.user_id = lost.by_id)
            ORDER BY a.user_id IS NULL, hashtextextended(a.id::text || lost.contact_id::text, 0) LIMIT 1) AS account_id
        FROM lost),
    judged AS MATERIALIZED (
        SELECT id, account_id, CASE
            WHEN account_id IS NOT NULL THEN 'pending'
            WHEN NOT ever_dispatched THEN 'blocked'
            WHEN %(later)s::timestamptz < coalesce(too_late_at, 'infinity') THEN 'waits'
            ELSE 'uncertain' END AS goes
        FROM found)
    UPDATE campaigns_message m
    SET account_id = j.account_id,
        state = CASE WHEN j.goes = 'waits' THEN 'pending' ELSE j.goes END,
        reason = CASE WHEN j.account_id IS NULL THEN 'no_account' ELSE m.reason END,
        retry_at = CASE WHEN j.goes = 'blocked' THEN %(later)s::timestamptz END,
        not_before = CASE WHEN j.goes = 'waits' THEN %(later)s::timestamptz ELSE m.not_before END,
        no_account_since = CASE WHEN j.account_id IS NULL THEN coalesce(m.no_account_since, %(at)s::timestamptz) END,
        settled_at = CASE WHEN j.goes = 'blocked' THEN %(at)s::timestamptz END,
        updated_at = %(at)s::timestamptz
    FROM judged j WHERE m.id = j.id AND m.id = ANY(ARRAY(SELECT id FROM judged))"""
# An account that was switched off sends nothing any more; somebody else's may. What may have gone out through it is
# looked for.
_UNROUTE = """
    WITH left_over AS MATERIALIZED (
        SELECT of_one.id FROM campaigns_sendingaccount a CROSS JOIN LATERAL (
            SELECT m.id FROM campaigns_message m WHERE m.account_id = a.id AND m.state = 'pending'
            ORDER BY m.campaign_id, m.held, m.not_before, m.id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED) of_one
        WHERE NOT a.is_active LIMIT %(limit)s),
    judged AS MATERIALIZED (
        SELECT l.id, EXISTS (SELECT FROM campaigns_attempt t
                             WHERE t.message_id = l.id AND t.outcome <> 'not_sent') AS may_be_sent
        FROM left_over l)
    UPDATE campaigns_message m
    SET account_id = CASE WHEN j.may_be_sent THEN m.account_id END,
        state = CASE WHEN j.may_be_sent THEN 'uncertain' ELSE m.state END,
        reason = CASE WHEN j.may_be_sent THEN 'Its account was switched off.' ELSE m.reason END
    FROM judged j WHERE m.id = j.id AND m.id = ANY(ARRAY(SELECT id FROM judged))"""


@atomic_with_retries
def route(*, at: datetime, limit: int = 1000) -> int:
    """Choose an account for what is due and has none, in one statement; return how many were looked at.

    Where nobody sends on a channel the message is blocked, as by the gate, and would pass in an hour at the earliest;
    one that was tried before, in vain, waits for that hour itself, but no longer than a day: then somebody looks at it.
    """
    params = {"at": at, "limit": limit, "later": at + timedelta(hours=1), "longest": _LONGEST}
    return prepared.run(_ROUTE, params)


@atomic_with_retries
def unroute(*, limit: int = 1000) -> int:
    """Take what waits for an account that was switched off away from it; return how much that was."""
    return prepared.run(_UNROUTE, {"limit": limit})


_TAKE_BACK = """
    UPDATE campaigns_message m SET account_id = NULL
    FROM campaigns_sendingaccount a
    WHERE a.id = %(account)s AND m.account_id = a.id AND m.state = 'pending' AND m.id = ANY(ARRAY(
        SELECT w.id FROM campaigns_message w
        WHERE w.account_id = %(account)s AND w.state = 'pending' AND w.by_id IS DISTINCT FROM a.user_id
          AND NOT EXISTS (SELECT FROM campaigns_attempt t WHERE t.message_id = w.id AND t.outcome <> 'not_sent')
        ORDER BY w.campaign_id, w.held, w.not_before, w.id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED))"""


def take_back(*, account_id: UUID, limit: int = 10_000) -> None:
    """Take what waits for an account that is somebody's now, and is not theirs, away from it: another one may have room
    for it. Whatever is left of very much is taken away when its turn comes. The caller is in a transaction."""
    prepared.run(_TAKE_BACK, {"account": account_id, "limit": limit})


class Wanted(NamedTuple):
    """A message that wants a moment: of how many segments, until when it may be delivered, and who sends it."""

    segments: int
    until: datetime
    by: UUID | None


# Locks the budget until the transaction ends, and makes it where there is none.
_BUDGET = f"""
    WITH budget AS (
        INSERT INTO campaigns_senderbudget (id, account_id, spent_until, day, sent)
        VALUES (clearline_uuid7(), %(account)s, %(at)s, %(day)s, 0)
        ON CONFLICT (account_id) DO UPDATE SET account_id = excluded.account_id
        RETURNING account_id, spent_until, day, sent)
    SELECT a.per_second, a.per_day, budget.spent_until, budget.day, budget.sent,
           a.is_active AND {AWAKE}, coalesce(u.time_zone, ''), a.user_id
    FROM budget JOIN campaigns_sendingaccount a ON a.id = budget.account_id
         LEFT JOIN crm_user u ON u.id = a.user_id"""  # noqa: S608 - our own words
_SPEND = """
    UPDATE campaigns_senderbudget SET spent_until = %(until)s, day = %(day)s, sent = %(sent)s
    WHERE account_id = %(account)s"""


def reserve(*, account_id: UUID, wanted: Sequence[Wanted], at: datetime) -> Reserved:
    """Reserve the next moments for messages, in their order. One for which there is no moment takes nothing of the pace
    or of the day.

    There is one within the next seconds, within what the account may send today, and from an account that is still
    everybody's or theirs. The caller is in a transaction and locks nothing after this (DESIGN 13).
    """
    params = {"account": account_id, "at": at, "day": _LONG_AGO}
    per_second, per_day, spent_until, day, sent, is_on, zone, user = prepared.rows(_BUDGET, params)[0]
    begun = _spent(spent_until, per_second, at)
    today = _day_of(at, zone, day if spent_until <= begun else None)
    moments: list[datetime | None] = []
    moment, used = begun, sent if day == today else 0
    for one in wanted:
        fits = is_on and user in {None, one.by} and used < per_day and moment < min(one.until, at + AHEAD)
        moments.append(moment if fits else None)
        if fits:
            moment, used = moment + timedelta(seconds=max(one.segments, 1) / per_second), used + 1
    if any(moments):
        prepared.run(_SPEND, {**params, "day": today, "until": moment, "sent": used})
    return Reserved(today, moments)


# What was reserved within the next seconds is on its way, and keeps its moments.
_CHANGE_PACE = """
    UPDATE campaigns_senderbudget
    SET spent_until = greatest(%(ahead)s::timestamptz,
            %(at)s::timestamptz + (spent_until - %(at)s::timestamptz) * %(share)s::float)
    WHERE account_id = %(account)s AND spent_until > %(ahead)s::timestamptz"""


def change_pace(*, account_id: UUID, old: float, new: float, at: datetime) -> None:
    """Let what was reserved at the ``old`` pace take no longer than it takes at the ``new`` one; nothing of the new one
    goes out between what is on its way."""
    if new > old:
        prepared.run(_CHANGE_PACE, {"account": account_id, "share": old / new, "at": at, "ahead": at + AHEAD})


_ZONE = """
    SELECT coalesce(u.time_zone, '') FROM campaigns_sendingaccount a LEFT JOIN crm_user u ON u.id = a.user_id
    WHERE a.id = %(account)s"""
_COUNT_AGAIN = """
    UPDATE campaigns_senderbudget SET sent = sent + 1 WHERE account_id = %(account)s AND day = %(day)s"""


def count_again(*, account_id: UUID, at: datetime) -> None:
    """Let what went out ``at`` some moment after all have its place again in the day of its account, if that is not
    over. The caller is in a transaction and locks nothing after this."""
    ((zone,),) = prepared.rows(_ZONE, {"account": account_id})
    prepared.run(_COUNT_AGAIN, {"account": account_id, "day": _day_of(at, zone, None)})


_USED = """
    SELECT b.day, b.sent, coalesce(u.time_zone, '')
    FROM campaigns_senderbudget b JOIN campaigns_sendingaccount a ON a.id = b.account_id
         LEFT JOIN crm_user u ON u.id = a.user_id
    WHERE b.account_id = %(account)s"""


def sent_today(*, account_id: UUID, at: datetime) -> int:
    """Return how many messages have a place in the day that it is for an account ``at`` this moment."""
    used = prepared.rows(_USED, {"account": account_id})
    return sum(sent for day, sent, zone in used if day == _day_of(at, zone, day))


def _spent(until: datetime | None, per_second: float, at: datetime) -> datetime:
    """Return up to when the pace is spent. What is later than anything can have been reserved by now was reserved by a
    clock that has been set back since, and is nothing."""
    latest = at + AHEAD + timedelta(seconds=_MOST / per_second)
    return until if until and at < until <= latest else at


def _day_of(at: datetime, zone: str, last: date | None) -> date:
    """Return which day it is for an account; one that was moved to the west has no day twice. A ``last`` one that is
    further ahead was of a clock that has been set back since."""
    today = at.astimezone(people.zone_of(zone)).date()
    return last if last and today < last <= today + _WESTWARD else today


def _next_midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=people.zone_of(zone))
