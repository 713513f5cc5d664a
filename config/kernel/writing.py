"""What is written at once is told PostgreSQL at once: one way there and back, where the ORM takes one for every row."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

from config.kernel import prepared

Part = tuple[str, Mapping[str, Any]]  # a statement as config.kernel.prepared takes it, and its parameters
_PARAMETER = re.compile(r"%\((\w+)\)s")


def together(*parts: Part) -> int:
    """Run statements that write as a single one, and return how many rows the last of them touched.

    None sees what another one has written, and no two may write the same row. The same texts have to come together
    every time; not for audited tables, as ``prepared.run``.
    """
    named = {f"{name}_{place}": value for place, (_, params) in enumerate(parts) for name, value in params.items()}
    return prepared.run(_joined(tuple([text for text, _ in parts])), named)


@lru_cache(maxsize=256)
def _joined(texts: tuple[str, ...]) -> str:
    *first, last = (_PARAMETER.sub(rf"%(\1_{place})s", text) for place, text in enumerate(texts))
    parts = ", ".join(f"part_{place} AS ({text})" for place, text in enumerate(first))
    return f"WITH {parts} {last}" if parts else last


def birth(row: Model) -> Part:
    """Return the statement that inserts ``row``, which counts as saved from here on: nothing is asked of ``save``.

    What PostgreSQL computes is left to it, and read when somebody asks the row for it.
    """
    connection, told = connections[DEFAULT_DB_ALIAS], dict[str, Any]()
    for field in row._meta.concrete_fields:
        value = None if field.generated else field.pre_save(row, True)
        if isinstance(value, DatabaseDefault) and not hasattr(field.db_default, "resolve_expression"):
            value = field.db_default
            setattr(row, field.attname, value)
        if field.generated or hasattr(value, "resolve_expression"):
            row.__dict__.pop(field.attname, None)
        else:
            told[str(field.column)] = field.get_db_prep_save(value, connection)
    state = row._state  # noqa: SLF001 - as Model.from_db sets it
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    return _insertion(row._meta.db_table, tuple(told)), told


@lru_cache(maxsize=256)
def _insertion(table: str, columns: tuple[str, ...]) -> str:
    values = ", ".join(f"%({column})s" for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - our own names
