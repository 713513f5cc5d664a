"""What a batch of moves leaves in the database, each table by one statement, in the order of the locks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.choices import ENDED, EnrollmentState
from campaigns.models import Campaign
from campaigns.rules.moves import Move
from campaigns.services import bells, counting, places, routes
from campaigns.services.engine.claiming import Claimed
from config.kernel import prepared
from config.kernel.ids import uuids7
from crm.choices import Channel, Priority


class _Statement:
    """A statement that reads ``{rows}`` from one array per column."""

    def __init__(self, sql: str, **columns: str) -> None:
        arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())
        names = ", ".join(f'"{name}"' for name in columns)
        self.sql, self.columns = sql.replace("{rows}", f"unnest({arrays}) AS m ({names})"), columns


# Whoever waits as before is of the epoch that they were of: after a pause they are still to be let go.
_ENROLLMENTS = _Statement(
    """
    UPDATE campaigns_enrollment e
    SET state = m.state, node_id = m.node, visit = m.visit, visits = m.visits, status_id = m.status,
        last = m.last, wake_at = m.wake_at, wake_rule = nullif(m.wake_rule, 'null'), reason = m.reason,
        ended_at = CASE WHEN m.ended THEN coalesce(e.ended_at, %(at)s::timestamptz) END, paused_from = m.paused_from,
        epoch = CASE WHEN (m.state, m.wake_at) IS NOT DISTINCT FROM (e.state, e.wake_at) THEN e.epoch
                     ELSE %(epoch)s::int END,
        execution_id = m.execution, "left" = make_interval(secs => m."left")
    FROM {rows} WHERE e.id = m.id""",
    id="uuid",
    state="text",
    node="uuid",
    visit="int",
    visits="jsonb",
    status="uuid",
    last="jsonb",
    wake_at="timestamptz",
    wake_rule="jsonb",
    reason="text",
    ended="bool",
    paused_from="text",
    execution="uuid",
    left="float",
)
_STEPS_END = _Statement(
    """
    UPDATE campaigns_enrollmentstep s SET ended_at = %(at)s::timestamptz, outcome = m.outcome, exit = m.exit
    FROM {rows} WHERE s.enrollment_id = m.enrollment AND s.ended_at IS NULL""",
    enrollment="uuid",
    outcome="text",
    exit="text",
)
_STEPS_BEGIN = _Statement(
    """
    INSERT INTO campaigns_enrollmentstep (id, enrollment_id, node_id, visit, begun_at)
    SELECT clearline_uuid7(), m.enrollment, m.node, m.visit, %(at)s::timestamptz
    FROM {rows}""",
    enrollment="uuid",
    node="uuid",
    visit="int",
)
_EVENTS = _Statement(
    """
    INSERT INTO campaigns_enrollmentevent (id, at, enrollment_id, kind, node_id, exit, state, by_id, data)
    SELECT m.id, %(at)s::timestamptz, m.enrollment, m.kind, m.node, m.exit, m.state, %(by)s::uuid,
           m.data
    FROM {rows}""",
    id="uuid",
    enrollment="uuid",
    kind="text",
    node="uuid",
    exit="text",
    state="text",
    data="jsonb",
)
_CANCEL = """
    UPDATE campaigns_message m
    SET state = CASE WHEN m.ever_dispatched THEN 'uncertain' ELSE 'cancelled' END, reason = 'They left the campaign.',
        settled_at = CASE WHEN NOT m.ever_dispatched THEN %(at)s::timestamptz END, updated_at = %(at)s::timestamptz
    WHERE m.id IN (SELECT id FROM campaigns_message WHERE enrollment_id = ANY(%(enrollments)s::uuid[])
                     AND state = 'pending' ORDER BY id FOR NO KEY UPDATE)"""
_TOLD = "DELETE FROM campaigns_settlement WHERE message_id = ANY(%(messages)s::uuid[])"
_TOLD_ENDED = """
    DELETE FROM campaigns_settlement WHERE message_id IN (
        SELECT id FROM campaigns_message WHERE enrollment_id = ANY(%(enrollments)s::uuid[]))"""
_SENDS = _Statement(
    """
    INSERT INTO campaigns_message (id, channel, contact_id, campaign_id, enrollment_id, node_id, run_no, visit, by_id,
        content, subject, body, segments, consent, dedupe_key, not_before, created_at, updated_at,
        state, direction, reason, tries, claim, ever_dispatched, anomaly)
    SELECT clearline_uuid7(), m.channel, m.contact, %(campaign)s, m.enrollment, m.node, m.run_no, m.visit,
        %(sender)s::uuid, m.content, m.subject, m.body, m.segments, m.consent, m.dedupe_key, %(at)s::timestamptz,
        %(at)s::timestamptz, %(at)s::timestamptz, 'pending', 'outbound', '', 0, 0, false, ''
    FROM {rows}""",
    channel="text",
    contact="uuid",
    enrollment="uuid",
    node="uuid",
    run_no="int",
    visit="int",
    content="text",
    subject="text",
    body="text",
    segments="int",
    consent="text",
    dedupe_key="text",
)
_TASKS = _Statement(
    """
    INSERT INTO campaigns_calltask (id, enrollment_id, node_id, visit, contact_id, pair_id, priority, script, outcome,
        created_at, updated_at)
    SELECT clearline_uuid7(), m.enrollment, m.node, m.visit, m.contact, m.pair, m.priority, m.script, '',
        %(at)s::timestamptz, %(at)s::timestamptz
    FROM {rows}""",
    enrollment="uuid",
    node="uuid",
    visit="int",
    contact="uuid",
    pair="uuid",
    priority="int",
    script="text",
)
_TASKS_OFF = """
    UPDATE campaigns_calltask SET cancelled_at = %(at)s::timestamptz, updated_at = %(at)s::timestamptz
    WHERE enrollment_id = ANY(%(enrollments)s::uuid[]) AND done_at IS NULL AND cancelled_at IS NULL"""
# As many of a company begin as have ended, those who wait longest.
_NEXT_OF_COMPANY = """
    UPDATE campaigns_enrollment SET wake_at = %(at)s::timestamptz
    WHERE id IN (
        SELECT held.id
        FROM unnest(%(companies)s::uuid[], %(freed)s::int[]) AS free (company, places),
             LATERAL (SELECT e.id FROM campaigns_enrollment e
                      WHERE e.campaign_id = %(campaign)s AND e.company_id = free.company AND e.state = 'pending'
                        AND e.wake_at IS NULL
                      ORDER BY e.id LIMIT free.places FOR NO KEY UPDATE SKIP LOCKED) held)"""


class Batch:
    """The moves of one campaign that are written together."""

    def __init__(
        self, campaign: Campaign, *, statuses: Mapping[str, UUID], at: datetime, by: UUID | None = None
    ) -> None:
        self._campaign, self._statuses, self._at, self._by = campaign, statuses, at, by
        self._moved: list[tuple[Claimed, Move]] = []
        self._messages: list[UUID] = []

    def add(self, claimed: Claimed, move: Move | None) -> None:
        """Take in what becomes of one enrollment; None: nothing but that its message was heard of."""
        if claimed.message:
            self._messages.append(claimed.message)
        if move:
            self._moved.append((claimed, move))

    def write(self) -> None:
        """Write all of it: enrollments and what hangs on them, then messages, then numbers (DESIGN 13)."""
        ended = [(c, m) for c, m in self._moved if m.state in ENDED and c.row["state"] not in ENDED]
        gone = [c.row["id"] for c, m in self._moved if m.state == EnrollmentState.EXITED]
        self._run(_ENROLLMENTS, (self._enrollment(c, m) for c, m in self._moved))
        self._run(_STEPS_END, (self._ended(c, m.ended) for c, m in self._moved if m.ended))
        self._run(_STEPS_BEGIN, (self._begun(c, m) for c, m in self._moved if m.begun))
        self._run(_EVENTS, self._events())
        self._run(_TASKS, self._tasks())
        if gone:
            prepared.run(_TASKS_OFF, {"at": self._at, "enrollments": gone})
            prepared.run(_CANCEL, {"at": self._at, "enrollments": gone})
            prepared.run(_TOLD_ENDED, {"enrollments": gone})
        self._run(_SENDS, self._sends())
        if any(move.sends for _, move in self._moved):
            bells.dispatcher()
        if self._messages:
            prepared.run(_TOLD, {"messages": self._messages})
        if self._campaign.company_limit:
            self._let_next_begin(ended)
        self._count()

    def _run(self, statement: _Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        if told := list(rows):
            of_all = {
                "at": self._at,
                "epoch": self._campaign.epoch,
                "campaign": self._campaign.pk,
                "sender": self._campaign.sender_id,
                "by": self._by,
            }
            prepared.run(statement.sql, {**of_all, **prepared.columns(told, statement.columns)})

    def _id(self, claimed: Claimed, key: str | None) -> UUID | None:
        return routes.map_of(claimed.row["graph_id"]).ids.get(key) if key else None

    def _enrollment(self, claimed: Claimed, move: Move) -> dict[str, Any]:
        return {
            "id": claimed.row["id"],
            "state": move.state,
            "node": self._id(claimed, move.node),
            "visit": move.visit,
            "visits": move.visits,
            "status": self._statuses.get(move.status),
            "last": move.last,
            "wake_at": move.wake_at,
            "wake_rule": move.wake_rule,
            "reason": move.reason,
            "ended": move.state in ENDED,
            "paused_from": move.paused_from,
            "execution": claimed.execution_in(self._campaign) if move.node else None,
            "left": move.left.total_seconds() if move.left is not None else None,
        }

    def _ended(self, claimed: Claimed, ended: tuple[str, str]) -> dict[str, Any]:
        return {"enrollment": claimed.row["id"], "outcome": ended[0], "exit": ended[1]}

    def _begun(self, claimed: Claimed, move: Move) -> dict[str, Any]:
        return {"enrollment": claimed.row["id"], "node": self._id(claimed, move.node), "visit": move.visit}

    def _events(self) -> Iterable[dict[str, Any]]:
        noted = [(claimed, note) for claimed, move in self._moved for note in move.notes]
        births = uuids7(len(noted))  # their order is that of the history
        for birth, (claimed, note) in zip(births, noted, strict=True):
            yield {
                "id": birth,
                "enrollment": claimed.row["id"],
                "kind": note.kind,
                "node": self._id(claimed, note.node),
                "exit": note.exit,
                "state": note.state,
                "data": note.data,
            }

    def _sends(self) -> Iterable[dict[str, Any]]:
        for claimed, move in self._moved:
            for send in move.sends:
                row, node = claimed.row, self._id(claimed, send.node)
                yield {
                    "channel": send.channel,
                    "contact": row["contact_id"],
                    "enrollment": row["id"],
                    "node": node,
                    "run_no": row["run_no"],
                    "visit": send.visit,
                    "content": send.content,
                    "subject": send.composed.subject,
                    "body": send.composed.body,
                    "segments": send.composed.segments,
                    "consent": send.consent,
                    "dedupe_key": f"enr:{row['id']}/{node}/{send.visit}/{send.tries}",
                }

    def _tasks(self) -> Iterable[dict[str, Any]]:
        for claimed, move in self._moved:
            for task in move.tasks:
                yield {
                    "enrollment": claimed.row["id"],
                    "node": self._id(claimed, task.node),
                    "visit": task.visit,
                    "contact": claimed.row["contact_id"],
                    "pair": claimed.row["pair_id"],
                    "priority": Priority[task.priority.upper()].value,
                    "script": task.script,
                }

    def _let_next_begin(self, ended: Sequence[tuple[Claimed, Move]]) -> None:
        freed = Counter(c.row["company_id"] for c, _ in ended if c.row["company_id"] and not places.is_held(c.row))
        if freed:
            companies = sorted(freed)
            number = [freed[company] for company in companies]
            params = {"at": self._at, "campaign": self._campaign.pk, "companies": companies, "freed": number}
            prepared.run(_NEXT_OF_COMPANY, params)

    def _count(self) -> None:
        whole: Counter[str] = Counter()
        by_graph: dict[UUID, Counter[tuple[str | None, str]]] = defaultdict(Counter)
        for claimed, move in self._moved:
            was, now = claimed.row["status_id"], self._statuses.get(move.status)
            whole[f"state:{claimed.row['state']}"] -= 1
            whole[f"state:{move.state}"] += 1
            if was != now:
                whole[f"status:{was}"] -= 1
                whole[f"status:{now}"] += 1
            whole["emails_generated"] += sum(send.channel == Channel.EMAIL for send in move.sends)
            counted = by_graph[claimed.row["graph_id"]]
            for key, name, more in move.counts:
                counted[key, name] += more
        del whole["status:None"]
        counts: dict[counting.Counted, int] = {(None, name): more for name, more in whole.items()}
        for graph, counted in by_graph.items():
            ids = routes.map_of(graph).ids
            counts.update({(ids[key] if key else None, name): more for (key, name), more in counted.items()})
        counting.add(campaign=self._campaign.pk, counts=counts)
