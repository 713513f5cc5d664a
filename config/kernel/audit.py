"""What the database itself remembers: audit triggers.

Who acts is told to PostgreSQL by ``acting``; the triggers read it from there, so that a change through the ORM, raw
SQL or an upsert is recorded alike. Bulk intake acts with ``bulk=True``: then the row itself is the proof of its birth.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pghistory
import pgtrigger
from django.db import connection
from django.db.migrations.operations import RunSQL
from django.db.migrations.operations.base import Operation
from pgtrigger.migrations import AddTrigger

from config.kernel.keeping import refused

_CONTEXT = "NULLIF(current_setting('pghistory.context_metadata', true), '')::jsonb"

_INTO = """
    INSERT INTO crm_auditevent (id, at, entity, entity_id, operation, old, new, actor_id, service, ip, user_agent, request_id)
    SELECT clearline_uuid7(), clock_timestamp(), '{entity}', {row}.id, '{operation}', {old}, {new},
           (context ->> 'user')::uuid, coalesce(context ->> 'service', ''), (context ->> 'ip')::inet,
           coalesce(context ->> 'user_agent', ''), coalesce(context ->> 'request_id', '')
"""  # noqa: E501 - one statement, read as one


@contextmanager
def acting(**who: Any) -> Iterator[None]:
    """Tell the audit who changes rows inside the block, and no longer.

    ``user`` (id), ``service`` (a name such as "intake"), ``ip``, ``user_agent``, ``request_id``; ``bulk=True`` spares
    one event per inserted row. An inner block adds to what the outer one says, and takes it back when it ends.
    """
    with pghistory.context() as told:
        before = dict(told.metadata)
        told.metadata.update({key: value for key, value in who.items() if value})
        try:
            yield
        finally:
            told.metadata.clear()
            told.metadata.update(before)
    if not before and connection.in_atomic_block and not connection.needs_rollback:
        # the transaction goes on, and its next statements are somebody else's
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pghistory.context_metadata', '', true)")


def _told(what: str) -> str:
    with pghistory.context() as told:
        return str(told.metadata.get(what) or "")


def acting_ip() -> str | None:
    """Return from which address whoever acts now does it; None where nobody said."""
    return _told("ip") or None


def acting_service() -> str:
    return _told("service")


def acting_user_agent() -> str:
    return _told("user_agent")


def acting_request_id() -> str:
    return _told("request_id")


class _Audit(pgtrigger.Trigger):
    level = pgtrigger.Statement
    when = pgtrigger.After
    declare: Any = [("context", "jsonb")]

    def __init__(self, *, silent: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self.silent = tuple(silent)

    def _into(self, model: Any, *, row: str, operation: str, old: str, new: str) -> str:
        return _INTO.format(entity=model._meta.label_lower, row=row, operation=operation, old=old, new=new)

    def _said(self) -> str:
        return "'{" + ",".join(("updated_at", *self.silent)) + "}'::text[]"


class AuditedUpdate(_Audit):
    operation = pgtrigger.Update
    referencing = pgtrigger.Referencing(old="old_rows", new="new_rows")

    def get_func(self, model: Any) -> str:
        # Columns are compared first, and only those that differ become JSON. EXECUTE, because a kept plan would be one
        # for the first few statements: after some that changed nothing, the rows of a large one would be compared each
        # with each.
        into = self._into(model, row="o", operation="update", old="said.old", new="said.new").replace("context", "$1")
        columns = self._columns(model)
        differ = ",\n                ".join(
            f'CASE WHEN o."{name}" IS DISTINCT FROM n."{name}" THEN \'{name}\' END' for name in columns
        )
        return f"""
    context := {_CONTEXT};
    EXECUTE $audit${into}
    FROM old_rows o JOIN new_rows n ON n.id = o.id,
         LATERAL (SELECT array_remove(ARRAY[
                {differ}], NULL) AS names OFFSET 0) differ,
         LATERAL (SELECT jsonb_object_agg(name, {self._value("o", columns)}) AS old,
                         jsonb_object_agg(name, {self._value("n", columns)}) AS new
                  FROM unnest(differ.names) name) said
    WHERE differ.names <> '{{}}'$audit$ USING context;
    RETURN NULL;"""  # noqa: S608 - names of our own columns

    def _value(self, row: str, columns: Sequence[str]) -> str:
        return "CASE name " + " ".join(f"WHEN '{name}' THEN to_jsonb({row}.\"{name}\")" for name in columns) + " END"

    def _columns(self, model: Any) -> list[str]:
        unsaid = {"updated_at", *self.silent}
        return [field.column for field in model._meta.local_concrete_fields if field.column not in unsaid]


class AuditedDelete(_Audit):
    operation = pgtrigger.Delete
    referencing = pgtrigger.Referencing(old="old_rows")

    def get_func(self, model: Any) -> str:
        old = f"to_jsonb(o) - {self._said()}"
        into = self._into(model, row="o", operation="delete", old=old, new="NULL")
        return f"context := {_CONTEXT}; {into} FROM old_rows o; RETURN NULL;"


class AuditedInsert(_Audit):
    operation = pgtrigger.Insert
    referencing = pgtrigger.Referencing(new="new_rows")

    def get_func(self, model: Any) -> str:
        new = f"jsonb_strip_nulls(to_jsonb(n) - {self._said()})"
        into = self._into(model, row="n", operation="create", old="NULL", new=new)
        return f"""
    context := {_CONTEXT};
    IF context ->> 'bulk' IS NULL THEN
    {into} FROM new_rows n;
    END IF;
    RETURN NULL;"""


class AuditedSecret(_Audit):
    """Records that a column changed, and neither what it was nor what it is: ``{"password_changed": true}``."""

    operation = pgtrigger.Update
    referencing = pgtrigger.Referencing(old="old_rows", new="new_rows")

    def __init__(self, *, column: str, **options: Any) -> None:
        super().__init__(name=f"audit_{column}", **options)
        self.column = column

    def get_func(self, model: Any) -> str:
        new = f"""'{{"{self.column}_changed": true}}'::jsonb"""
        into = self._into(model, row="o", operation="update", old="NULL::jsonb", new=new)
        changed = f'n.id = o.id AND o."{self.column}" IS DISTINCT FROM n."{self.column}"'
        return f"context := {_CONTEXT}; {into} FROM old_rows o JOIN new_rows n ON {changed}; RETURN NULL;"


def audited(*, silent: Sequence[str] = ()) -> list[pgtrigger.Trigger]:
    """Record every change of a table, except changes of ``silent`` columns (hints, counters, derived values)."""
    return [
        AuditedInsert(name="audit_insert", silent=silent),
        AuditedUpdate(name="audit_update", silent=silent),
        AuditedDelete(name="audit_delete", silent=silent),
        refused(pgtrigger.Truncate, "audit_truncate", "audited, and a truncation leaves no trace: delete the rows."),
    ]


class AddTriggers(Operation):
    """Add all triggers of a new table in its first migration.

    ``AddTrigger`` of pgtrigger renders every model that is related, directly or not, once for each trigger: two thirds
    of the time an empty database takes. A historical model needs no trigger, so nothing is rendered here.
    """

    def __init__(self, model_name: str, triggers: Sequence[Any]) -> None:
        self.model_name = model_name
        self.triggers = triggers

    def state_forwards(self, app_label: str, state: Any) -> None:
        options = state.models[app_label, self.model_name].options
        options["triggers"] = [*options.get("triggers", []), *self.triggers]

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for trigger in self.triggers:
            AddTrigger(self.model_name, trigger).database_forwards(app_label, schema_editor, from_state, to_state)
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute("SELECT clearline_guard_parts(%s)", [table])

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        for trigger in self.triggers:
            AddTrigger(self.model_name, trigger).database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Create {len(self.triggers)} triggers on model {self.model_name}"

    def deconstruct(self) -> Any:
        return self.__class__.__name__, [], {"model_name": self.model_name, "triggers": self.triggers}


_MEMBERS = """
CREATE FUNCTION {table}_audit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    context jsonb := {context};
BEGIN
    {branches}
    RETURN NULL;
END $$;
CREATE TRIGGER audit_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_audit();
CREATE TRIGGER audit_update AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_audit();
CREATE TRIGGER audit_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_audit();
"""
_MEMBERS_OF = """IF TG_OP = '{operation}' THEN
        {into}
        FROM (SELECT DISTINCT {mine} AS id FROM ({changed}) c) o,
             LATERAL (SELECT coalesce(jsonb_agg(x.name ORDER BY x.name), '[]') AS all FROM ({now}) x) now,
             LATERAL (SELECT coalesce(jsonb_agg(x.name ORDER BY x.name), '[]') AS all
                      FROM (({now} EXCEPT {added}) UNION {removed}) x) was
        WHERE now.all IS DISTINCT FROM was.all;
    END IF;"""


class AuditMembers(RunSQL):
    """Record who enters and leaves a many-to-many relation, as a change of the row it belongs to: names before, after.

    The table that keeps the relation has no model of ours, so that no trigger of a model sees it.
    """

    def __init__(self, *, table: str, entity: str, mine: str, others: str, theirs: str, shown_as: str) -> None:
        self.told = {
            "table": table, "entity": entity, "mine": mine, "others": others, "theirs": theirs, "shown_as": shown_as,
        }  # fmt: skip
        branches = "\n    ".join(self._branch(operation) for operation in ("INSERT", "UPDATE", "DELETE"))
        made = _MEMBERS.format(table=table, context=_CONTEXT, branches=branches)
        drop = "".join(f"DROP TRIGGER audit_{verb} ON {table}; " for verb in ("insert", "update", "delete"))
        super().__init__(made, f"{drop}DROP FUNCTION {table}_audit();")

    def _branch(self, operation: str) -> str:
        mine, shown_as = self.told["mine"], self.told["shown_as"]
        rows = {"INSERT": ["new_rows"], "UPDATE": ["old_rows", "new_rows"], "DELETE": ["old_rows"]}[operation]
        into = _INTO.format(
            entity=self.told["entity"], row="o", operation="update",
            old=f"jsonb_build_object('{shown_as}', was.all)", new=f"jsonb_build_object('{shown_as}', now.all)",
        )  # fmt: skip
        return _MEMBERS_OF.format(
            operation=operation, into=into, mine=mine, now=self._names(self.told["table"]),
            changed=" UNION ALL ".join(f"SELECT {mine} FROM {name}" for name in rows),  # noqa: S608 - names of our own tables
            added=self._names("new_rows") if "new_rows" in rows else _NOBODY,
            removed=self._names("old_rows") if "old_rows" in rows else _NOBODY,
        )  # fmt: skip

    def _names(self, table: str) -> str:
        told = self.told
        return (
            f"SELECT g.name FROM {table} m JOIN {told['others']} g ON g.id = m.{told['theirs']} "  # noqa: S608 - names of our own tables
            f"WHERE m.{told['mine']} = o.id"
        )

    def deconstruct(self) -> Any:
        return self.__class__.__name__, [], self.told


_NOBODY = "SELECT '' WHERE false"
