"""Statements that are asked all day long: PostgreSQL plans each of them once per connection, not once per question.

A question about one person joins a dozen tables; planning it takes ten times as long as answering it. What is left is
the way there and back, so that is short too: a text is translated once per process, and a cursor kept per connection.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any, cast
from uuid import UUID

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

THRESHOLD = 5  # psycopg's own default; Django switches preparing off, and its own cursors never prepare
KEPT = 1024  # translated texts
NOTHING: Mapping[str, Any] = {}
_ASKING, _TELLING = "asking", "telling"
_KEYS = frozenset({UUID, NoneType})
_PARAMETER = re.compile(r"%(?:\((\w+)\)s|%)")


class _Preparing(psycopg.RawCursor[Any]):
    name = "prepared"  # pghistory puts another statement before those of nameless cursors, and only one can be prepared

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        text, names = _numbered(query)
        values = [params[name] for name in names]
        told = [_plain(value) if isinstance(value, list) else value for value in values]
        return super().execute(text, told, prepare=not _is_pooled(), **options)

    def _convert_query(self, query: Any, params: Any = None) -> Any:
        self._query = super()._convert_query(query, params)  # what Django's log of statements shows
        return self._query


def _plain(values: list[Any]) -> Any:
    """Write lists of keys down: psycopg looks at every item twice to learn what it is, which takes far longer."""
    if _KEYS.issuperset(map(type, values)):
        return _keys(values)
    return values


@lru_cache(maxsize=KEPT)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """Return ``sql`` as PostgreSQL reads it, with "$1" for a parameter wherever it stands, and their names in order."""
    numbers: dict[str, int] = {}

    def told(found: re.Match[str]) -> str:
        name = found[1]
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else "%"

    return _PARAMETER.sub(told, sql).encode(), tuple(numbers)


def rows(sql: str, params: Mapping[str, Any] = NOTHING) -> list[tuple[Any, ...]]:
    """Return the rows of ``sql``, whose plan the connection keeps; its parameters are bound by the server.

    The text has to be the same every time, whatever is asked: only parameters may differ, each with a type ("%(at)s::
    timestamptz") wherever PostgreSQL cannot see it. Behind a pooler (``BEHIND_POOLER``) nothing is kept: the next
    transaction may run on another connection.
    """
    cursor = _cursor()
    cursor.execute(sql, params)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def run(sql: str, params: Mapping[str, Any]) -> int:
    """Run ``sql``, under the same terms, and return how many rows it touched.

    Not for audited tables: the statement does not tell their triggers who acts.
    """
    cursor = _cursor(_TELLING)
    cursor.execute(sql, params)
    return int(cursor.rowcount)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Within, ``run`` sends a statement and does not wait: PostgreSQL works on it while the next is put together.

    They run in their order. What one of them is refused for is raised at the end at the latest, and none after it has
    run. How many rows they touched is not known within.
    """
    _cursor()
    django: Any = connections[DEFAULT_DB_ALIAS]
    with django.wrap_database_errors, django.connection.pipeline():
        yield


def named(sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of ``sql`` as dictionaries, by the names of its columns."""
    cursor = _cursor()
    cursor.execute(sql, params)
    found, told = cursor.fetchall(), cast(psycopg.pq.abc.PGresult, cursor.pgresult)
    names = [str((told.fname(place) or b"").decode()) for place in range(told.nfields)]
    return [dict(zip(names, row, strict=True)) for row in found]


def array(kind: str, values: Sequence[Any]) -> str:
    """Return ``values`` as an array of a kind, for ``FROM unnest(%(name)s::kind[], ..)``; keys may be texts already.

    PostgreSQL reads that in a third of the time that JSON takes, and psycopg need not look at every item.
    """
    return _ARRAYS[kind](values)


def _keys(values: Iterable[UUID | str | None]) -> str:
    return "{" + ",".join([key if isinstance(key, str) else key.hex if key else "NULL" for key in values]) + "}"


def _numbers(values: Iterable[float | None]) -> str:
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _moments(values: Iterable[datetime | None]) -> str:
    return "{" + ",".join([value.isoformat() if value else "NULL" for value in values]) + "}"


def _texts(values: Sequence[str]) -> str:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return '{"' + joined + '"}'


def _documents(values: Iterable[Any]) -> str:
    """JSON, all of it escaped at once: no control character stands in it, so one can stand between them."""
    joined = "\x01".join([orjson.dumps(value).decode() for value in values])
    return '{"' + joined.replace("\\", "\\\\").replace('"', '\\"').replace("\x01", '","') + '"}'


_ARRAYS: Mapping[str, Callable[[Any], str]] = {
    "uuid": _keys, "int": _numbers, "float": _numbers, "bool": _numbers, "timestamptz": _moments, "text": _texts,
    "jsonb": _documents,
}  # fmt: skip


def _is_pooled() -> bool:
    return bool(connections[DEFAULT_DB_ALIAS].settings_dict["DISABLE_SERVER_SIDE_CURSORS"])


def _cursor(what: str = _ASKING) -> Any:
    """Return the one cursor that this connection keeps for such questions: each is read to its end at once. What only
    tells has another one, because that may not have been answered yet when the next is asked."""
    django: Any = connections[DEFAULT_DB_ALIAS]
    django.close_if_health_check_failed()
    django.ensure_connection()
    own = django.connection
    if not hasattr(own, "kept_cursors"):
        own.prepare_threshold = None if _is_pooled() else THRESHOLD
        own.kept_cursors = {name: _Preparing(own) for name in (_ASKING, _TELLING)}
    return django._prepare_cursor(own.kept_cursors[what])  # noqa: SLF001 - counted and logged like any other
