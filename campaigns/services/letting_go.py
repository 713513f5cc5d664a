"""After a pause a backlog is let go bit by bit: waits keep what was left of them, what came due meanwhile is spread,
and what was about to go out is written anew, or goes out later where it was tried already.

An enrollment moves only in its campaign's epoch, and a resumption begins a new one, so nobody moves before they were
let go, whatever dies in between.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from campaigns.choices import LIVE, RUNNING, EnrollmentState, WaitMode
from campaigns.models import Campaign
from campaigns.rules import waits
from campaigns.services import bells, counting
from config.kernel import faults, prepared
from config.kernel.transactions import atomic_with_retries

CHUNK: Final = 2_000

_CHUNK = """
    SELECT id, epoch, state, paused_from, wake_at, wake_rule FROM campaigns_enrollment
    WHERE campaign_id = %(campaign)s AND id > %(after)s::uuid AND state = ANY(%(live)s::varchar[])
    ORDER BY id LIMIT %(size)s::int FOR NO KEY UPDATE"""
_THESE = """
    SELECT id, epoch, state, paused_from, wake_at, wake_rule FROM campaigns_enrollment
    WHERE campaign_id = %(campaign)s AND id = ANY(%(enrollments)s::uuid[]) AND state = ANY(%(live)s::varchar[])
    ORDER BY id FOR NO KEY UPDATE"""
_LET_GO = """
    UPDATE campaigns_enrollment e SET epoch = %(epoch)s::int, wake_at = m.wake_at
    FROM json_to_recordset(%(rows)s::json) AS m (id uuid, wake_at timestamptz) WHERE e.id = m.id"""
# What was written before a pause may say what is not so any more, in the name of whoever sent for it then. What was
# tried in vain stays the same message, and goes out when it would be written anew; what a provider may have, and is
# asked about again only as long as it remembers, waits for nothing. Whoever is parked stays so: another try writes it.
_ANEW = """
    WITH late AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%(rows)s::json) AS l (id uuid, wake_at timestamptz)),
    ready AS MATERIALIZED (
        SELECT m.id, m.enrollment_id, m.ever_dispatched, m.dedupe_key, l.wake_at
        FROM late l JOIN campaigns_enrollment e ON e.id = l.id
             JOIN campaigns_message m ON m.enrollment_id = e.id AND m.node_id = e.node_id AND m.visit = e.visit
        WHERE m.state = 'pending' ORDER BY m.id FOR NO KEY UPDATE OF m),
    later AS (
        UPDATE campaigns_message m SET not_before = r.wake_at, updated_at = %(at)s::timestamptz
        FROM ready r
        WHERE m.id = r.id AND r.ever_dispatched
          AND r.wake_at > m.not_before AND r.wake_at < coalesce(m.expires_at, 'infinity')
          AND NOT EXISTS (SELECT FROM campaigns_attempt t WHERE t.message_id = m.id AND t.outcome <> 'not_sent')),
    old AS MATERIALIZED (
        SELECT id, enrollment_id, wake_at, split_part(dedupe_key, '/', 4)::int + 1 AS tries
        FROM ready WHERE NOT ever_dispatched),
    gone AS (
        UPDATE campaigns_message m SET state = 'cancelled', reason = 'Written anew after a pause.',
                                       updated_at = %(at)s::timestamptz
        FROM old WHERE m.id = old.id),
    told AS (
        INSERT INTO campaigns_enrollmentevent (id, at, enrollment_id, kind, node_id, state, data)
        SELECT clearline_uuid7(), %(at)s::timestamptz, e.id, 'blocked', e.node_id,
               CASE WHEN e.state = 'paused' THEN 'paused' ELSE 'waiting' END,
               jsonb_build_object('reason', 'campaign_paused', 'wake_at', old.wake_at)
        FROM old JOIN campaigns_enrollment e ON e.id = old.enrollment_id WHERE e.state <> 'parked')
    UPDATE campaigns_enrollment e
    SET state = CASE WHEN e.state = 'paused' THEN 'paused' ELSE 'waiting' END,
        paused_from = CASE WHEN e.state = 'paused' THEN 'waiting' ELSE '' END,
        wake_at = CASE WHEN e.state <> 'paused' THEN old.wake_at END,
        "left" = CASE WHEN e.state = 'paused' THEN interval '0' END,
        wake_rule = jsonb_build_object('blocked', 'campaign_paused', 'tries', old.tries)
                    || CASE WHEN e.state = 'paused' THEN jsonb_build_object('until', old.wake_at) ELSE '{}' END
    FROM old WHERE e.id = old.enrollment_id AND e.state <> 'parked'
    RETURNING e.state"""
_FIRST = UUID(int=0)
_MAY_SEND: Final = frozenset({EnrollmentState.WAITING_SEND, EnrollmentState.PARKED})
EPOCH: Final = ("pauses", "epoch", "resumed_at", "let_go_to")

faults.register("letting_go.before_commit")


def begin_epoch(campaign: Campaign, *, since: datetime, at: datetime) -> None:
    """Let a campaign that has stood still ``since`` then run again, but its people only as ``let_go`` comes to them.

    The caller holds the row and saves ``EPOCH``. A first start is one too: people may be enrolled long before.
    """
    bells.enrolment()
    campaign.pauses = [*campaign.pauses, [since.isoformat(), at.isoformat()]]
    campaign.epoch, campaign.resumed_at, campaign.let_go_to = campaign.epoch + 1, at, None


def stands_since(campaign: Campaign) -> datetime:
    """Return when its people last moved: one that was completed in a pause has stood still since that began."""
    moved_last = datetime.fromisoformat(campaign.pauses[-1][1]) if campaign.pauses else campaign.created_at
    stopped = [at for at in (campaign.paused_at, campaign.ended_at) if at and at >= moved_last]
    return min(stopped, default=campaign.created_at)


def unfinished() -> list[UUID]:
    """Return the running campaigns whose backlog has not been let go altogether."""
    campaigns = Campaign.objects.filter(status__in=RUNNING, resumed_at__isnull=False)
    return list(campaigns.order_by("pk").values_list("pk", flat=True))


@atomic_with_retries
def let_go(*, campaign: UUID, at: datetime, size: int = CHUNK) -> bool:
    """Let the next chunk of a backlog go; say whether there may be more."""
    held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign)
    if held.resumed_at is None or held.status not in RUNNING:
        return False
    params = {"campaign": campaign, "after": held.let_go_to or _FIRST, "live": [str(s) for s in LIVE], "size": size}
    rows = prepared.named(_CHUNK, params)
    _let_go(held, rows, at)
    is_over = len(rows) < size
    held.let_go_to, held.resumed_at = (None, None) if is_over else (rows[-1]["id"], held.resumed_at)
    held.save(update_fields=["let_go_to", "resumed_at"])
    faults.point("letting_go.before_commit")
    return not is_over


def let_these_go(*, campaign: UUID, enrollments: Sequence[UUID], at: datetime) -> None:
    """Let those of these go whom ``let_go`` has still to come to. The caller is in a transaction."""
    held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign)
    if held.resumed_at:
        params = {"campaign": campaign, "enrollments": sorted(enrollments), "live": [str(s) for s in LIVE]}
        _let_go(held, prepared.named(_THESE, params), at)


def _let_go(campaign: Campaign, rows: Sequence[Mapping[str, Any]], at: datetime) -> None:
    late = [row for row in rows if row["epoch"] < campaign.epoch]
    told = [{"id": row["id"], "wake_at": _woken(campaign, row)} for row in late]
    if told:
        prepared.run(_LET_GO, {"epoch": campaign.epoch, "rows": orjson.dumps(told).decode()})
    sending = [row["id"] for row in late if row["epoch"] and _MAY_SEND & {row["state"], row["paused_from"]}]
    _write_anew(campaign, sending, at)


def _write_anew(campaign: Campaign, sending: Sequence[UUID], at: datetime) -> None:
    """Let these come to their message once more, one after the other, where it has not gone out; what was tried
    already goes out one after the other itself."""
    if not sending or campaign.resumed_at is None:
        return
    late = [{"id": key, "wake_at": campaign.resumed_at + campaign.spread * _fraction(key)} for key in sending]
    states = [state for (state,) in prepared.rows(_ANEW, {"rows": orjson.dumps(late).decode(), "at": at})]
    if number := states.count(EnrollmentState.WAITING):
        counts: dict[counting.Counted, int] = {(None, "state:waiting_send"): -number, (None, "state:waiting"): number}
        counting.add(campaign=campaign.pk, counts=counts)


def _woken(campaign: Campaign, row: Mapping[str, Any]) -> datetime | None:
    """Return when somebody wakes after the pauses that they have slept through."""
    if row["wake_at"] is None or campaign.resumed_at is None:
        return None
    rule = orjson.loads(row["wake_rule"]) if row["wake_rule"] else {}
    wake_at: datetime = row["wake_at"]
    if campaign.starts_per_day and row["state"] == EnrollmentState.PENDING:
        return wake_at  # they begin one after the other anyway, and nobody who came later before them
    mode = rule.get("config", {}).get("mode")
    if waits.is_for_a_time(rule):
        wake_at += _slept(campaign.pauses[row["epoch"] :], datetime.fromisoformat(rule["since"]), wake_at)
    if wake_at > campaign.resumed_at and mode != WaitMode.EVENT:
        return wake_at
    spread = campaign.spread if row["epoch"] else timedelta()  # before the first start there was no backlog
    let_go_at = campaign.resumed_at + spread * _fraction(row["id"])
    # The day of an event may be another one by now: the engine looks, not later than it would have on the day it was.
    return min(let_go_at, wake_at) if wake_at > campaign.resumed_at else let_go_at


def _slept(pauses: Sequence[Sequence[str]], since: datetime, wake_at: datetime) -> timedelta:
    """Return how long these pauses have held up a wait; one that was over before a pause began has waited enough."""
    slept = timedelta()
    for began, ended in ((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in pauses):
        if wake_at + slept > began:
            slept += max(timedelta(), ended - max(began, since))
    return slept


def _fraction(enrollment: UUID) -> float:
    """A number in [0, 1) that is everybody's own, the same at every try."""
    return int.from_bytes(hashlib.sha256(enrollment.bytes).digest()[:8], "big") / 2**64
