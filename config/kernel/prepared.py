"""Statements that are asked all day long: PostgreSQL plans each of them once per connection, not once per question.

A question about one person joins a dozen tables; planning it takes ten times as long as answering it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection

THRESHOLD = 5  # psycopg's own default; Django switches preparing off, and its own cursors never prepare


class _Preparing(psycopg.Cursor[Any]):
    name = "prepared"  # pghistory puts another statement before those of nameless cursors, and only one can be prepared

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(query, params, prepare=True, **options)

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        self._query = super()._convert_query(query, params)  # what Django's log of statements shows
        return self._query


def rows(sql: str, params: Mapping[str, Any] | Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of ``sql``, whose plan the connection keeps; its parameters are bound by the server.

    The text has to be the same every time, whatever is asked: only parameters may differ, each with a type ("%(at)s::
    timestamptz") wherever PostgreSQL cannot see it. Behind a pooler (``BEHIND_POOLER``) nothing is kept: the next
    transaction may run on another connection.
    """
    with _cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def run(sql: str, params: Mapping[str, Any]) -> int:
    """Run ``sql``, under the same terms, and return how many rows it touched.

    Not for audited tables: the statement does not tell their triggers who acts.
    """
    with _cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def named(sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of ``sql`` as dictionaries, by the names of its columns."""
    with _cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _cursor() -> Any:
    if connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:
        return connection.cursor()
    connection.ensure_connection()
    django: Any = connection
    if django.connection.prepare_threshold is None:
        _begin_to_keep(django.connection)
    return django._prepare_cursor(_Preparing(django.connection))  # noqa: SLF001 - counted and logged like any other


def _begin_to_keep(own: Any) -> None:
    """Without the second setting PostgreSQL would plan anew whenever it believes that a plan for these parameters saves
    more than the planning costs; it underrates the planning of many joins ten times. A rollback would undo it."""
    own.prepare_threshold = THRESHOLD
    if not connection.in_atomic_block:
        own.execute("SET plan_cache_mode = force_generic_plan")
