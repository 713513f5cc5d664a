"""Rows are locked in one order everywhere (DESIGN 13): contact, endpoint, project, pair; each kind by id.

Every lock is FOR NO KEY UPDATE: rows that merely refer to the locked one may still be written by others.
"""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from django.db import connection, models

from config.kernel.errors import NotThere

RowT = TypeVar("RowT", bound=models.Model)


class RowGone(NotThere):
    code = "not_found"


def lock(row: RowT) -> RowT:
    """Return ``row`` as it is now, locked until the transaction ends.

    :raises RowGone: it has been deleted since it was read.
    """
    rows = type(row)._default_manager.select_for_update(of=("self",), no_key=True)
    fresh = rows.filter(pk=row.pk).first()
    if fresh is None:
        raise RowGone(f"This {row._meta.verbose_name} is gone: somebody deleted it. Reload and look again.")
    return fresh


def lock_all(model: type[models.Model], ids: Iterable[UUID]) -> None:
    """Lock the rows of ``model`` with these ids, in their order, in one statement that fetches nothing."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE) held",  # noqa: S608 - a table of ours
            [list(set(ids))],
        )
