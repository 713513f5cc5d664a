"""The statements that a batch is written with: what several have in common travels once."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from campaigns.services import places
from config.kernel import prepared


class Part(NamedTuple):
    """What is written alike of several: ``alike`` once, ``each`` is a column of what is of each of them alone."""

    alike: Mapping[str, Any]
    each: Mapping[str, Sequence[Any]]

    @property
    def size(self) -> int:
        return len(next(iter(self.each.values())))


class Statement:
    """A statement that reads ``{rows}``: ``w`` has the columns of each, ``m`` what those of a part have in common."""

    def __init__(self, sql: str, *, each: Mapping[str, str], **alike: str) -> None:
        own, common = f"unnest({_arrays({'part': 'int', **each})})", f"unnest({_arrays(alike)}) WITH ORDINALITY"
        rows = f"{own} AS w ({_names('part', *each)}) JOIN {common} AS m ({_names(*alike, 'part')}) USING (part)"
        self._sql, self._each, self._alike = sql.replace("{rows}", rows), each, alike

    def run(self, parts: Sequence[Part], of_all: Mapping[str, Any]) -> None:
        own: dict[str, list[Any]] = {name: [] for name in ("part", *self._each)}
        for number, part in enumerate(parts, 1):
            for name in self._each:
                own[name] += part.each[name]
            own["part"] += [number] * part.size
        common = {name: [part.alike[name] for part in parts] for name in self._alike}
        kinds = {"part": "int", **self._each, **self._alike}
        told = {name: prepared.array(kinds[name], values) for name, values in (own | common).items()}
        prepared.run(self._sql, {**of_all, **told})


def _arrays(columns: Mapping[str, str]) -> str:
    return ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())


def _names(*columns: str) -> str:
    return ", ".join(f'"{name}"' for name in columns)


# Whoever waits as before, or is parked, is of the epoch that they were of: after a pause they are still to be let go.
ENROLLMENTS = Statement(
    """
    UPDATE campaigns_enrollment e
    SET state = m.state, node_id = m.node, visit = m.visit, visits = m.visits, status_id = m.status,
        stage = m.stage, last = m.last, wake_at = m.wake_at, wake_rule = nullif(m.wake_rule, 'null'), reason = m.reason,
        ended_at = CASE WHEN m.ended THEN coalesce(e.ended_at, %(at)s::timestamptz) END, paused_from = m.paused_from,
        held_since = CASE WHEN m.held THEN greatest(%(at)s::timestamptz, e.held_since)
                          WHEN m.freed THEN NULL ELSE e.held_since END,
        epoch = CASE WHEN m.state = 'parked' OR (m.state, m.wake_at) IS NOT DISTINCT FROM (e.state, e.wake_at)
                     THEN e.epoch ELSE %(epoch)s::int END,
        execution_id = m.execution, "left" = make_interval(secs => m."left")
    FROM {rows} WHERE e.id = w.id""",
    each={"id": "uuid"},
    state="text",
    node="uuid",
    visit="int",
    visits="jsonb",
    status="uuid",
    stage="text",
    last="jsonb",
    wake_at="timestamptz",
    wake_rule="jsonb",
    reason="text",
    ended="bool",
    held="bool",
    freed="bool",
    paused_from="text",
    execution="uuid",
    left="float",
)
# What is over, before its enrollment moves on: that says where they were, and since when. Engines beside each other may
# be seconds apart in what they call now: nothing is over before it began, and what comes next begins no earlier.
STEPS = Statement(
    """
    INSERT INTO campaigns_enrollmentstep (enrollment_id, node_id, visit, begun_at, ended_at, outcome, exit)
    SELECT e.id, e.node_id, e.visit, e.held_since, greatest(%(at)s::timestamptz, e.held_since), m.outcome, m.exit
    FROM {rows} JOIN campaigns_enrollment e ON e.id = w.enrollment WHERE e.held_since IS NOT NULL""",
    each={"enrollment": "uuid"},
    outcome="text",
    exit="text",
)
# The order of a history is that of its keys, so they are of one clock: the database's. Engines have their own.
EVENTS = Statement(
    """
    INSERT INTO campaigns_enrollmentevent (id, at, enrollment_id, kind, node_id, exit, state, by_id, data)
    SELECT clearline_uuid7(), %(at)s::timestamptz, t.enrollment, t.kind, t.node, t.exit, t.state, %(by)s::uuid,
        t.data
    FROM (SELECT w.enrollment, m.kind, m.node, m.exit, m.state, m.data FROM {rows} ORDER BY part) AS t""",
    each={"enrollment": "uuid"},
    kind="text",
    node="uuid",
    exit="text",
    state="text",
    data="jsonb",
)
# Also of what somebody else has taken: where that comes back it does not wait any more (the table sees to it).
DROP = """
    UPDATE campaigns_message m SET dropped = true, updated_at = %(at)s::timestamptz
    WHERE m.id IN (SELECT id FROM campaigns_message WHERE enrollment_id = ANY(%(enrollments)s::uuid[])
                     AND state IN ('pending', 'claimed', 'dispatching') ORDER BY id FOR NO KEY UPDATE)"""
TOLD = "DELETE FROM campaigns_settlement WHERE message_id = ANY(%(messages)s::uuid[])"
TOLD_ENDED = """
    DELETE FROM campaigns_settlement WHERE message_id IN (
        SELECT id FROM campaigns_message WHERE enrollment_id = ANY(%(enrollments)s::uuid[]))"""
SENDS = Statement(
    """
    INSERT INTO campaigns_message (id, channel, contact_id, campaign_id, enrollment_id, node_id, run_no, visit, by_id,
        content, subject, body, segments, consent, dedupe_key, not_before, created_at, updated_at,
        state, direction, reason, tries, claim, ever_dispatched, anomaly)
    SELECT clearline_uuid7(), m.channel, w.contact, %(campaign)s, w.enrollment, m.node, m.run_no, m.visit,
        %(sender)s::uuid, m.content, w.subject, w.body, w.segments, m.consent,
        'enr:' || w.enrollment || '/' || m.node || '/' || m.visit || '/' || m.tries,
        %(at)s::timestamptz, %(at)s::timestamptz, %(at)s::timestamptz,
        'pending', 'outbound', '', 0, 0, false, ''
    FROM {rows}""",
    each={"enrollment": "uuid", "contact": "uuid", "subject": "text", "body": "text", "segments": "int"},
    channel="text",
    node="uuid",
    run_no="int",
    visit="int",
    tries="int",
    content="text",
    consent="text",
)  # fmt: skip
TASKS = Statement(
    """
    INSERT INTO campaigns_calltask (id, enrollment_id, node_id, visit, contact_id, pair_id, priority, script, outcome,
        created_at, updated_at)
    SELECT clearline_uuid7(), w.enrollment, m.node, m.visit, w.contact, w.pair, m.priority, m.script, '',
        %(at)s::timestamptz, %(at)s::timestamptz
    FROM {rows}""",
    each={"enrollment": "uuid", "contact": "uuid", "pair": "uuid"},
    node="uuid",
    visit="int",
    priority="int",
    script="text",
)
TASKS_OFF = """
    UPDATE campaigns_calltask SET cancelled_at = %(at)s::timestamptz, updated_at = %(at)s::timestamptz
    WHERE enrollment_id = ANY(%(enrollments)s::uuid[]) AND done_at IS NULL AND cancelled_at IS NULL"""
# What was heard of in vain, for this walk alone, the others having followed it. It keeps its number, and with that its
# place in the order of all that has happened to them.
AGAIN = Statement(
    """
    INSERT INTO campaigns_happening (id, contact_id, enrollment_id, kind, at, cause, data, number)
    SELECT clearline_uuid7(), h.contact_id, w.enrollment, h.kind, h.at, h.cause, h.data, h.number
    FROM {rows} JOIN campaigns_happening h ON h.id = m.news
    ON CONFLICT (contact_id, cause, kind, enrollment_id) DO UPDATE SET handled_at = NULL""",
    each={"enrollment": "uuid"},
    news="uuid",
)
# As many of a company begin as have ended, and no more than its limit leaves room for: those who wait longest. Who is
# skipped, being locked, is found by ``places.waiting``.
NEXT_OF_COMPANY = f"""
    UPDATE campaigns_enrollment SET wake_at = %(at)s::timestamptz
    WHERE id IN (
        SELECT held.id
        FROM unnest(%(companies)s::uuid[], %(freed)s::int[]) AS free (company, places),
             LATERAL ({places.WALKING.format(company="free.company")}) walking,
             LATERAL (SELECT e.id FROM campaigns_enrollment e
                      WHERE e.campaign_id = %(campaign)s AND e.company_id = free.company AND e.state = 'pending'
                        AND e.wake_at IS NULL
                      ORDER BY e.ended_at, e.id
                      LIMIT greatest(least(free.places, %(limit)s::int - walking.number), 0)
                      FOR NO KEY UPDATE SKIP LOCKED) held)"""  # noqa: S608 - our own words
