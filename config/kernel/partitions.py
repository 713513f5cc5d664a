"""Tables that only grow are cut into months from their first migration on (DESIGN 4).

The cut is by UUIDv7 key, so that a key alone finds its partition. Rows of a month nobody made a partition for land in
the default partition, which is an alarm: ``strays`` counts them.
"""

from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.migrations.operations import CreateModel, RunSQL

AHEAD = 3  # months that exist before they begin

# The 12 bits behind the version are the fraction of the millisecond, so that keys of one statement sort in the order of
# their birth (RFC 9562 6.2, method 3), as those of PostgreSQL 18 do.
FUNCTIONS = """
CREATE FUNCTION clearline_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(overlay(uuid_send(gen_random_uuid())
        PLACING int8send((us / 1000 << 16) | x'7000'::bigint | us % 1000 * 4096 / 1000) FROM 1 FOR 8), 'hex')::uuid
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us) AS now
$$;
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN -- its own is twenty times as fast
        CREATE OR REPLACE FUNCTION clearline_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
        AS 'SELECT uuidv7()';
    END IF;
END $$;
CREATE FUNCTION clearline_uuid7_from(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
CREATE FUNCTION clearline_guard_parts(parent text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    guard record;
BEGIN -- PostgreSQL clones triggers of rows to partitions, and not those of statements; 32: TRUNCATE
    FOR guard IN
        SELECT part.inhrelid::regclass AS part, t.tgname AS name, t.tgfoid::regproc AS does
        FROM pg_inherits part JOIN pg_trigger t ON t.tgrelid = part.inhparent AND t.tgtype & 32 <> 0
        WHERE part.inhparent = to_regclass(quote_ident(parent))
          AND NOT EXISTS (SELECT FROM pg_trigger own WHERE own.tgrelid = part.inhrelid AND own.tgname = t.tgname)
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s()',
            guard.name, guard.part, guard.does);
    END LOOP;
END $$;
CREATE FUNCTION clearline_add_months(parent text, first date, months int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    month date; part text; made int := 0;
BEGIN
    FOR step IN 0 .. months - 1 LOOP
        month := (date_trunc('month', first::timestamp) + make_interval(months => step))::date;
        part := parent || to_char(month, '_YYYY_MM');
        IF to_regclass(quote_ident(part)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent,
                clearline_uuid7_from(month::timestamp AT TIME ZONE 'UTC'),
                clearline_uuid7_from((month + interval '1 month')::timestamp AT TIME ZONE 'UTC'));
            made := made + 1;
        END IF;
    END LOOP;
    PERFORM clearline_guard_parts(parent);
    RETURN made;
END $$;
"""
UNDO = """
DROP FUNCTION clearline_add_months(text, date, int);
DROP FUNCTION clearline_guard_parts(text);
DROP FUNCTION clearline_uuid7_from(timestamptz);
DROP FUNCTION clearline_uuid7();
"""


class CreateFunctions(RunSQL):
    """Make the functions that keys and partitions need; the first operation of the first migration."""

    def __init__(self) -> None:
        super().__init__(FUNCTIONS, UNDO)

    def deconstruct(self) -> Any:
        return self.__class__.__name__, [], {}


class CreatePartitionedModel(CreateModel):
    """``CreateModel`` for a table cut by months of its UUIDv7 primary key."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = plain + " PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(f'CREATE TABLE "{table}_stray" PARTITION OF "{table}" DEFAULT')
        schema_editor.execute(
            "SELECT clearline_add_months(%s, (now() AT TIME ZONE 'UTC')::date, %s)", [table, AHEAD + 1]
        )


def tables() -> list[str]:
    """Return the tables that are cut into months."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = current_schema()::regnamespace "
            "ORDER BY relname"
        )
        return [name for (name,) in cursor.fetchall()]


def add_months(*, today: date) -> int:
    """Make the partitions of this month and the next three; return how many were missing. Two who do wait in turn."""
    made = 0
    for table in tables():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('clearline_add_months'))")
            cursor.execute("SELECT clearline_add_months(%s, %s, %s)", [table, today, AHEAD + 1])
            made += cursor.fetchone()[0]
    return made


def strays() -> dict[str, bool]:
    """Say for every table whether rows lie in its default partition: then a month was missed."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{table}_stray")')  # noqa: S608 - a name from pg_class
            found[table] = bool(cursor.fetchone()[0])
    return found
