"""The engine and mass enrolment, beside statements that do no more than such statements have to.

A step is one person coming to one node. The yardstick of the engine claims, branches, writes an outbox and a history
and advances, one node at a time, in one statement over narrow tables without foreign keys or audit. Both begin with as
many people, whose time came at some moment of the last hour each: nobody's rows lie in the order of their turns. The
other baseline is the obvious program: one transaction and a handful of ORM calls for each step.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from benchmarks import world
from benchmarks.measure import Result, backend_seconds, faster, seconds
from campaigns.models import Campaign, ContentTemplate, Enrollment, EnrollmentEvent, Message
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from campaigns.services import enrolling, graphs, statuses
from campaigns.services.engine import batches
from config.kernel.ids import uuid7

AT = world.AT
PEOPLE, RUNS, BATCH = 200_000, 3, 1_000
MINUTE = timedelta(minutes=1)
_WAIT = {"mode": "duration", "amount": 1, "unit": "minutes"}
DRAWING = Drawing.of(
    [
        DrawnNode("mail", "email_send", config={"content": "bench-mail"}),
        DrawnNode("first", "wait", config=_WAIT),
        DrawnNode("branch", "branch"),
        DrawnNode("sms", "sms_send", config={"content": "bench-sms"}),
        DrawnNode("second", "wait", config=_WAIT),
        DrawnNode("end", "exit"),
    ],
    [
        DrawnEdge("mail", "first"),
        DrawnEdge("first", "branch"),
        DrawnEdge("branch", "sms", "phone", {"fact": "contact.has_phone", "is": "equal", "value": True}),
        DrawnEdge("branch", "second", "else", order=1),
        DrawnEdge("sms", "second"),
        DrawnEdge("second", "end"),
    ],
    start="mail",
)

_SCHEMA = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.node (id int PRIMARY KEY, kind text, wait interval, next int, other int);
INSERT INTO bare.node VALUES (1, 'mail', NULL, 2, NULL), (2, 'wait', '0', 3, NULL), (3, 'branch', NULL, 4, 5),
    (4, 'sms', NULL, 5, NULL), (5, 'wait', '0', 6, NULL), (6, 'end', NULL, NULL, NULL);
CREATE TABLE bare.walk (id bigint PRIMARY KEY, campaign int NOT NULL, contact uuid NOT NULL, node int NOT NULL,
    open bool NOT NULL, due_at timestamptz NOT NULL, lease_until timestamptz, updated_at timestamptz NOT NULL)
    WITH (fillfactor = 70);
CREATE TABLE bare.outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, walk bigint NOT NULL, node int NOT NULL,
    contact uuid NOT NULL, channel text NOT NULL, address text NOT NULL, template int, open bool NOT NULL DEFAULT true,
    due_at timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX ON bare.outbox (walk, node);
CREATE INDEX ON bare.outbox (due_at, id) WHERE open;
CREATE TABLE bare.history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, walk bigint NOT NULL, node int NOT NULL,
    next int, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON bare.history (walk, id);
CREATE TABLE bare.contact (id uuid PRIMARY KEY, first_name text, email text, phone text, opt_out bool);
INSERT INTO bare.contact SELECT id, first_name, primary_email, primary_phone, false FROM crm_contact;
ANALYZE bare.contact;
"""
_BARE_PEOPLE = """
INSERT INTO bare.walk
SELECT row_number() OVER (), 1, c.id, 1, true, now() - random() * interval '1 hour', NULL, now()
FROM (SELECT id FROM bare.contact ORDER BY id LIMIT %s) c;
CREATE INDEX ON bare.walk (due_at, id) WHERE open;
CREATE UNIQUE INDEX ON bare.walk (campaign, contact);
"""
_BARE_STEP = """
WITH due AS MATERIALIZED (
    SELECT id, contact, node FROM bare.walk WHERE open AND due_at <= now() ORDER BY due_at, id
    LIMIT %s FOR UPDATE SKIP LOCKED
), planned AS MATERIALIZED (
    SELECT d.id, d.contact, d.node, n.kind, n.wait,
           CASE n.kind WHEN 'mail' THEN c.email WHEN 'sms' THEN c.phone END AS address,
           CASE WHEN n.kind = 'branch' AND c.phone = '' THEN n.other ELSE n.next END AS next
    FROM due d JOIN bare.node n ON n.id = d.node JOIN bare.contact c ON c.id = d.contact
), sent AS (
    INSERT INTO bare.outbox (walk, node, contact, channel, address, due_at)
    SELECT id, node, contact, kind, address, now() FROM planned WHERE address <> '' ON CONFLICT (walk, node) DO NOTHING
), told AS (INSERT INTO bare.history (walk, node, next) SELECT id, node, next FROM planned),
moved AS (
    UPDATE bare.walk w SET node = coalesce(p.next, w.node), open = p.next IS NOT NULL,
                           due_at = now() + coalesce(p.wait, '0'), updated_at = now()
    FROM planned p WHERE w.id = p.id RETURNING 1
)
SELECT count(*) FROM moved"""
_BARE_ENROL = """
INSERT INTO campaigns_enrollment (id, campaign_id, graph_id, contact_id, company_id, run_no, enrolled_at, wake_at,
    status_id)
SELECT clearline_uuid7(), %s, %s, c.id, c.company_id, 1, %s, %s - random() * interval '1 hour',
       (SELECT id FROM campaigns_enrollmentstatus WHERE is_active ORDER BY place, id LIMIT 1)
FROM crm_contact c ORDER BY c.id LIMIT %s
ON CONFLICT DO NOTHING"""
_SETTLED = """
UPDATE campaigns_message SET state = 'accepted', ever_dispatched = true, settled_at = %s
WHERE campaign_id = %s AND settled_at IS NULL"""


def run(sizes: list[int]) -> Iterator[Result]:
    for size in sizes:
        world.load(size, at=AT)
        with connection.cursor() as cursor:
            world.planner(cursor)
        _words()
        yield from _engine(size, min(size * 6 // 10, PEOPLE))
        yield _enrolment(size)


def _words() -> None:
    statuses.install()
    ContentTemplate.objects.get_or_create(
        key="bench-mail", channel="email", name="Mail", subject="Hello", body="Dear {{contact.first_name|friend}}"
    )
    ContentTemplate.objects.get_or_create(
        key="bench-sms", channel="sms", name="SMS", body="Hi {{contact.first_name|there}}, it is {{owner.name|us}}"
    )


def _campaign() -> Campaign:
    drawn = graphs.new(DRAWING, frozen_at=AT)
    return Campaign.objects.create(name=f"Bench {uuid7()}", graph=drawn, status="active", started_at=AT)


def _enrol(campaign: Campaign, people: int) -> None:
    """As fast as PostgreSQL takes them: what is measured comes later."""
    with connection.cursor() as cursor:
        cursor.execute(_BARE_ENROL, [campaign.pk, campaign.graph_id, AT, AT, people])
        cursor.execute("ANALYZE campaigns_enrollment, campaigns_message")


def _engine(size: int, people: int) -> list[Result]:
    with connection.cursor() as cursor:
        cursor.execute(_SCHEMA)
    ours, bare, orm, cpu, bare_cpu = [], [], [], [], []
    for number in range(RUNS + 1):
        campaign = _campaign()
        _enrol(campaign, people)
        took, cpu_taken, steps = _walked(campaign, people)
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE bare.walk, bare.outbox, bare.history; DROP INDEX IF EXISTS bare.walk_due_at_id_idx"
            )
            cursor.execute("DROP INDEX IF EXISTS bare.walk_campaign_contact_idx")
            cursor.execute(_BARE_PEOPLE.replace("%s", str(people)))
            cursor.execute("ANALYZE bare.walk")
        before = backend_seconds()
        theirs = seconds(_bare)
        bare_cpu.append((backend_seconds() - before) / (6 * people))
        if number:
            ours.append(took / steps)
            bare.append(theirs / (6 * people))
            cpu.append(cpu_taken / steps)
            orm.append(_by_orm(_campaign(), 300))
    told = ", yardstick ".join(f"{statistics.median(each) * 1e6:.0f} us" for each in (cpu, bare_cpu))
    print(f"(CPU of Python and PostgreSQL per step: {told})")
    beside = [(f"engine, batches of {BATCH}", bare, ">= 0.4"), ("engine against the ORM", orm, ">= 30x")]
    return [
        faster(f"{name}, {people:,} people", ours, theirs, amount=1, unit="steps/s", budget=budget)
        for name, theirs, budget in beside
    ]


def _walked(campaign: Campaign, people: int) -> tuple[float, float, int]:
    """Let everybody walk to the end; return the seconds of the engine, those of CPU, and to how many nodes they came."""
    took, spent, at = 0.0, 0.0, AT
    for settles in (False, True, False, True, False):
        if settles:
            with connection.cursor() as cursor:
                for state in ("claimed", "dispatching"):
                    cursor.execute(
                        "UPDATE campaigns_message SET state = %s, ever_dispatched = true WHERE campaign_id = %s "
                        "AND settled_at IS NULL", [state, campaign.pk],
                    )  # fmt: skip
                cursor.execute(_SETTLED, [at, campaign.pk])
        batch = batches.settled if settles else batches.due
        before = backend_seconds() + time.process_time()
        took += seconds(lambda batch=batch, at=at: _until_done(lambda: batch(campaign.pk, at=at, size=BATCH)))
        spent += backend_seconds() + time.process_time() - before
        at += MINUTE
    assert not Enrollment.objects.filter(campaign=campaign, ended_at=None).exists(), "somebody is still on the way"
    return took, spent, 6 * people


def _until_done(batch: Callable[[], int]) -> None:
    while batch():
        pass


def _bare() -> None:
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_BARE_STEP, [BATCH])
            if not cursor.fetchone()[0]:
                return


def _by_orm(campaign: Campaign, people: int) -> float:
    """Return the seconds of a step that is done the obvious way."""
    _enrol(campaign, people)
    nodes = {node.key: node for node in campaign.graph.nodes.all()}
    ids = list(Enrollment.objects.filter(campaign=campaign).values_list("pk", flat=True))
    return seconds(lambda: [_orm_step(pk, nodes["mail"], AT) for pk in ids]) / len(ids)


@transaction.atomic
def _orm_step(pk: Any, node: Any, at: datetime) -> None:
    walk = Enrollment.objects.select_for_update(of=("self",)).select_related("contact", "campaign").get(pk=pk)
    content = ContentTemplate.objects.get(key=node.config["content"])
    Message.objects.create(
        channel="email", contact=walk.contact, campaign=walk.campaign, enrollment=walk, node=node, visit=1,
        content=content.key, body=content.body, dedupe_key=f"orm:{walk.pk}", not_before=at,
    )  # fmt: skip
    EnrollmentEvent.objects.create(id=uuid7(), at=at, enrollment=walk, kind="arrived", node=node, state="waiting_send")
    walk.state, walk.node, walk.visit, walk.wake_at = "waiting_send", node, 1, None
    walk.save(update_fields=["state", "node", "visit", "wake_at"])


def _enrolment(size: int) -> Result:
    """Beside one INSERT .. SELECT into the same table, which asks nothing and leaves no history."""
    people = min(size * 6 // 10, 200_000)
    mine, theirs = [], []
    for number in range(RUNS + 1):
        campaign, bare = _campaign(), _campaign()
        run_ = enrolling.begin(campaign=campaign, audience={"filter": {"has_phone": True}}, by=None, at=AT)
        took = seconds(lambda run_=run_: _take(run_.pk, people))
        took_bare = seconds(lambda bare=bare: _enrol_bare(bare, people))
        assert Enrollment.objects.filter(campaign=campaign).count() == people, "not everybody was enrolled"
        if number:
            mine.append(took)
            theirs.append(took_bare)
    name = f"mass enrolment of {people:,}"
    return faster(name, mine, theirs, amount=people, unit="people/s", budget=">= 0.5 of one INSERT .. SELECT")


def _take(run_: Any, people: int) -> None:
    for _ in range(-(-people // enrolling.CHUNK)):
        enrolling.take(run_, at=AT)


def _enrol_bare(campaign: Campaign, people: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_BARE_ENROL, [campaign.pk, campaign.graph_id, AT, AT, people])
