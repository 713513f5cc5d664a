"""How complete a contact is, from 0 to 100, and what is missing, in words.

One table (``completeness``) says what counts: it is read by ``score`` in Python, and becomes the SQL of ``refresh``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models.expressions import DatabaseDefault

from crm.models import Contact
from crm.services.completeness import PARTS

_EMPTY: Final = {"company_id": "{} IS NOT NULL"}


@dataclass(frozen=True, slots=True)
class Quality:
    score: int
    missing: list[str]


def score(contact: Contact) -> Quality:
    """Say how complete ``contact`` is, by what it holds now; ``missing`` names the weightiest part first."""
    missing = [part for part in PARTS if not all(_holds(getattr(contact, column)) for column in part[2])]
    return Quality(100 - sum(weight for _, weight, _ in missing), [words for words, _, _ in missing])


def _holds(value: object) -> bool:
    return bool(value) and not isinstance(value, DatabaseDefault)  # a row that was not saved yet holds nothing


def in_sql(alias: str) -> str:
    """Return the same number as an SQL expression over the contact columns of ``alias``."""
    return " + ".join(f"({_filled(alias, columns)})::int * {weight}" for _, weight, columns in PARTS)


def _filled(alias: str, columns: tuple[str, ...]) -> str:
    return " AND ".join(_EMPTY.get(column, "{} <> ''").format(f"{alias}.{column}") for column in columns)


_REFRESH: Final = f"""
UPDATE crm_contact c SET data_quality = stale.score
FROM (SELECT k.id, {in_sql("k")} AS score FROM crm_contact k
      WHERE k.id = ANY(%s) AND k.data_quality <> {in_sql("k")} ORDER BY k.id FOR NO KEY UPDATE) stale
WHERE c.id = stale.id
"""  # noqa: S608 - made of the table above


@transaction.atomic
def refresh(*, contact_ids: Iterable[UUID]) -> int:
    """Put the score of these contacts right, in one statement; return how many were wrong."""
    ids = list(set(contact_ids))
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, [ids])
        return int(cursor.rowcount)
