"""A big telephone day in a database of its own: a million pairs, three million touches, a hot head in cooldown.

The best five per cent of each project's pairs were called in the last twenty hours, because people call from the top:
that is what makes naive queues slow.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from config.embedded.fingerprints import fingerprint
from config.kernel import clock

PROJECTS = 10
# A Wednesday, half past seven in Los Angeles: four of the five places are open, whenever the benchmark runs.
AT = datetime(2026, 6, 10, 14, 30, tzinfo=UTC)
TABLES = ["crm_projectcontact", "crm_contact", "crm_endpoint", "crm_contactpoint", "crm_touch", "calls_terminalsession"]


def load(pairs: int, *, at: datetime | None = None) -> None:
    """Fill the database with ``pairs`` pairs over ten projects, six tenths as many contacts, each with one number.

    All calls were made before ``at``, the present unless another moment is given.
    """
    contacts = pairs * 6 // 10
    with connection.cursor() as cursor:
        with transaction.atomic():
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
            cursor.execute("SELECT setseed(0.5)")
            with _without_indexes(cursor):
                for statement in _statements(pairs, contacts):
                    cursor.execute(statement, {"at": at or clock.now()})
        for table in TABLES:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute("ANALYZE")


@contextmanager
def _without_indexes(cursor: Any) -> Iterator[None]:
    """Drop the indexes that no constraint needs, and build them again behind the rows: half of the time."""
    cursor.execute(
        """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)
           AND indexname NOT IN (SELECT conname FROM pg_constraint)""",
        [TABLES],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in indexes:
        cursor.execute(definition)


def _statements(pairs: int, contacts: int) -> list[str]:
    return [
        """TRUNCATE crm_touch, crm_projectcontact, crm_contactpoint, crm_endpoint, crm_contact, crm_project,
           calls_terminalsession, calls_lease, crm_suppression CASCADE""",
        f"""INSERT INTO crm_project (project_id, name)
            SELECT 'B-' || g, 'Building ' || g FROM generate_series(1, {PROJECTS}) g""",
        """INSERT INTO crm_hoursprofile (key) VALUES ('America/Chicago US-TX'), ('America/New_York US-NY'),
           ('America/Denver US-CO'), ('America/Los_Angeles US-CA'), ('America/New_York US-FL') ON CONFLICT DO NOTHING""",
        f"""CREATE TEMP TABLE c AS
            SELECT g AS n, clearline_uuid7() AS contact, clearline_uuid7() AS line, random() < 0.05 AS dnc
            FROM generate_series(0, {contacts - 1}) g""",
        """INSERT INTO crm_contact (id, name, do_not_call, primary_phone)
           SELECT contact, 'Person ' || n, dnc, '+1512' || lpad(n::text, 7, '0') FROM c""",
        """INSERT INTO crm_endpoint (id, kind, value, owner_id, hours_profile_id)
           SELECT line, 'phone', '+1512' || lpad(n::text, 7, '0'), contact, p.id FROM c
           JOIN (SELECT id, row_number() OVER (ORDER BY key) - 1 AS k FROM crm_hoursprofile WHERE key <> '') p
             ON p.k = c.n %% (SELECT count(*) FROM crm_hoursprofile WHERE key <> '')""",
        """INSERT INTO crm_contactpoint (contact_id, endpoint_id, kind, is_primary)
           SELECT contact, line, 'phone', true FROM c""",
        "CREATE INDEX ON c (n); ANALYZE c",
        f"""INSERT INTO crm_projectcontact (project_id, contact_id, priority, suppress_for_project)
            SELECT p.id, c.contact,
                   CASE WHEN random() < 0.05 THEN 4 WHEN random() < 0.2 THEN 3 ELSE 2 END, random() < 0.05
            FROM generate_series(0::bigint, {pairs - 1}) g
            JOIN c ON c.n = g %% {contacts}
            JOIN (SELECT id, row_number() OVER (ORDER BY project_id) - 1 AS k FROM crm_project) p
              ON p.k = ((g %% {contacts}) * 7 + g / {contacts}) %% {PROJECTS}""",
        "ANALYZE crm_projectcontact",
        """CREATE TEMP TABLE k AS
           SELECT row_number() OVER () - 1 AS n, pc.project_id, pc.contact_id, cp.endpoint_id, pc.priority, pc.id
           FROM crm_projectcontact pc JOIN crm_contactpoint cp USING (contact_id)""",
        "CREATE INDEX ON k (n); ANALYZE k",
        f"""INSERT INTO crm_touch (contact_id, endpoint_id, project_id, channel, at, source, source_id)
            SELECT contact_id, endpoint_id, project_id, 'call',
                   %(at)s - random() * interval '120 days' - interval '30 hours', 'bench', gen_random_uuid()
            FROM {_drawn(3 * pairs, pairs)} JOIN k USING (n)""",
        f"""INSERT INTO crm_touch (contact_id, endpoint_id, project_id, channel, at, source, source_id)
            SELECT contact_id, endpoint_id, project_id, 'call', %(at)s - random() * interval '20 hours', 'bench',
                   gen_random_uuid()
            FROM (SELECT *, row_number() OVER (PARTITION BY project_id ORDER BY priority DESC, id) AS r FROM k) q
            WHERE r <= {pairs // PROJECTS // 20}""",
        f"""INSERT INTO calls_terminalsession (scope, kind, pair_id, reason, at)
            SELECT 'pair', 'terminal', id, 'bench', %(at)s FROM {_drawn(pairs * 15 // 100, pairs)} JOIN k USING (n)""",
        f"""INSERT INTO calls_terminalsession (scope, kind, contact_id, reason, at)
            SELECT 'contact', 'terminal', contact, 'bench', %(at)s
            FROM {_drawn(pairs * 4 // 100, contacts)} JOIN c USING (n)""",
        f"""INSERT INTO calls_terminalsession (scope, kind, endpoint_id, reason, at)
            SELECT 'endpoint', 'terminal', line, 'bench', %(at)s FROM {_drawn(pairs // 100, contacts)} JOIN c USING (n)""",
        "DROP TABLE c, k",
    ]


def _drawn(times: int, out_of: int) -> str:
    """A table of random numbers: drawn before the join, or PostgreSQL would draw anew for every pair it compares."""
    return f"(SELECT (random() * {out_of - 1})::bigint AS n FROM generate_series(1, {times})) drawn"


def database(name: str = "clearline_bench") -> None:
    """Point Django at a database for benchmarks beside the usual one, made anew when other migrations made it."""
    from django.core.management import call_command

    with connection.cursor() as cursor:
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        made_by, made = fingerprint(str(connection.pg_version)), cursor.fetchone()
        if made != (made_by,):
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}"')
            cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{made_by}'")
    connection.close()
    connection.settings_dict["NAME"] = name
    os.environ["CLEARLINE_BENCH"] = name
    call_command("migrate", verbosity=0)


def planner(cursor: Any) -> None:
    """What a server of this size would be tuned to."""
    cursor.execute("SET work_mem = '64MB'; SET jit = off; SET random_page_cost = 1.1")
