"""Test databases: cloned from a migrated template, and put back as the migrations left them after each flush."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.embedded import places
from config.embedded.fingerprints import fingerprint
from config.embedded.postgres import DATABASE, Cluster

TEMPLATE_PREFIX = "migrated_"

# Run once on a fresh test database. What the migrations put in (rows that the product needs, content types,
# permissions) is copied aside, because a flush removes it and post_migrate brings back only a part.
REMEMBER = """
DO $$
DECLARE
    name text;
    filled boolean;
BEGIN
    CREATE SCHEMA seed;
    FOR name IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE TABLE seed.%I AS TABLE public.%I', name, name);
        END IF;
    END LOOP;
END $$
"""
# Most tests write a few rows into a few tables: to delete them takes a fourth of the time that TRUNCATE takes for all
# tables, each with its indexes. The lock waits, as TRUNCATE does, for whoever has not ended yet.
MUCH = 1024**2  # bytes in any one table
EMPTY = """
DO $$
DECLARE
    name text;
    filled boolean;
BEGIN
    LOCK TABLE {locked} IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (
        SELECT FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > {much}
    ) THEN
        {truncate}
    ELSE
        FOREACH name IN ARRAY ARRAY[{tables}]::text[]
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO filled;
            IF filled THEN
                EXECUTE format('DELETE FROM public.%I', name);
            END IF;
        END LOOP;
    END IF;
END $$
"""
RESTORE = """
DO $$
DECLARE
    name text;
    columns text;
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('seed') AND relkind = 'r'
    LOOP
        CONTINUE WHEN name <> ALL (ARRAY[{tables}]::text[]);
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
        WHERE attrelid = format('public.%I', name)::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
        EXECUTE format('INSERT INTO public.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM seed.%I',
                       name, columns, columns, name);
    END LOOP;
END $$
"""


BLOATED = 2 * 1024**2  # bytes of rows that were rolled back, in any one table
IS_BLOATED = """
SELECT current_database() LIKE 'test%%' AND to_regnamespace('seed') IS NOT NULL AND EXISTS (
    SELECT FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > %s
)
"""


def name_after(slot: int) -> None:
    """Name the test database after the slot, and clone it from the template, making that where it is missing.

    Only on a cluster of our own: on a server that somebody else gave us, Django's own way is the polite one.
    """
    cluster = Cluster(test=True)
    if os.environ["DATABASE_URL"] != cluster.url():
        return
    from django.db import connections

    name = f"test_{DATABASE}_{slot}"
    _drop_leftovers(cluster, f"^{name}(_|$)")  # with and without a parallel worker's suffix
    connections.settings["default"]["TEST"].update(NAME=name, TEMPLATE=template(cluster))


def remember_seed() -> None:
    """Copy aside what the migrations put into the test database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(REMEMBER)


def let_flush_pass() -> None:
    """Make the flush between transactional tests pass append-only triggers, and put the migrations' rows back.

    Append-only tables refuse TRUNCATE by trigger; the role of the test database is a superuser and may look away.
    What post_migrate would make again after each flush is among those rows, so it need not be asked.
    """
    from django.core.management.commands import flush as command
    from django.db.backends.postgresql.operations import DatabaseOperations

    flush = DatabaseOperations.sql_flush

    def sql_flush(self: DatabaseOperations, style: Any, tables: Any, **options: bool) -> list[str]:
        statements = flush(self, style, tables, **options)
        if not statements:
            return []
        listed = ", ".join(f"'{table}'" for table in tables)
        locked = ", ".join(map(self.quote_name, tables))
        empty = EMPTY.format(locked=locked, much=MUCH, truncate="\n".join(statements), tables=listed)
        return ["SET LOCAL session_replication_role = replica", empty, RESTORE.format(tables=listed)]

    setattr(command, "emit_post_migrate_signal", lambda *ignored: None)  # noqa: B010 - see below
    setattr(DatabaseOperations, "sql_flush", sql_flush)  # noqa: B010 - mypy rightly dislikes a plain assignment


def empty_if_bloated() -> None:
    """Take away what tests have rolled back, where it is much: without vacuum every later test would read over it.

    Only in a database that `remember_seed` has seen: where every test was skipped, the connection leads elsewhere.
    """
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(IS_BLOATED, [BLOATED])
        bloated = cursor.fetchone() == (True,)
    if bloated:
        call_command("flush", interactive=False, verbosity=0, reset_sequences=False)


def template(cluster: Cluster) -> str:
    """The migrated template's name; one process makes it, the others wait. Older ones are dropped."""
    name = TEMPLATE_PREFIX + fingerprint(cluster.found.version)
    with (places.state() / "template.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not _names(cluster, f"^{name}$"):
            _drop_leftovers(cluster, f"^{TEMPLATE_PREFIX}")
            _sql(cluster, f'CREATE DATABASE "{name}_new"')
            _migrate(cluster.url(f"{name}_new"))
            _sql(cluster, f'ALTER DATABASE "{name}_new" RENAME TO "{name}"')
    return name


def _migrate(url: str) -> None:
    done = subprocess.run(
        [sys.executable, str(Path("manage.py")), "migrate", "--verbosity", "0"],
        cwd=places.CHECKOUT,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise places.CannotServe(f"The test database could not be migrated:\n{done.stdout}{done.stderr}")


def _names(cluster: Cluster, pattern: str) -> list[str]:
    return _sql(cluster, f"SELECT datname FROM pg_database WHERE datname ~ '{pattern}'").split()  # noqa: S608 - ours


def _drop_leftovers(cluster: Cluster, pattern: str) -> None:
    for name in _names(cluster, pattern):
        _sql(cluster, f'DROP DATABASE "{name}" WITH (FORCE)')


def _sql(cluster: Cluster, statement: str) -> str:
    done = cluster.ask(statement)
    if done.returncode:
        raise places.CannotServe(f"{statement}: {done.stderr}")
    return done.stdout
