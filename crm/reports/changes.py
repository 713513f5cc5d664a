"""What the audit knows about a row, put into words that programs and pages understand.

The triggers keep the old and the new value of what changed; rows born in bulk have no event of their birth, so it is
read from the row as it is now, with all that changed since taken back (DESIGN 19).
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection
from django.utils.dateparse import parse_datetime

from config.kernel.ids import born_at
from crm.choices import Operation
from crm.models import AuditEvent, User
from crm.reports.origins import Origin, Origins

HIDDEN = frozenset({"password", "last_login", "search", "updated_at"})
MOST = 1000  # changes of a row that are taken back
SERVICE = "intake"  # nothing else makes rows in bulk


@dataclass(frozen=True, slots=True)
class Birth:
    """How a row came into the world. ``new`` are its first values, as far as anybody has recorded what came later."""

    entity: str
    entity_id: UUID
    at: datetime
    new: Mapping[str, Any]
    origin: Origin = field(default_factory=Origin)

    @property
    def by(self) -> User | None:
        return self.origin.run.by if self.origin.run else None


def differences(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return ``{column: {old, new}}``; a creation has no old values, a deletion no new ones."""
    before, after = old or {}, new or {}
    names = [name for name in {**before, **after} if name not in HIDDEN]
    return {name: {"old": before.get(name), "new": after.get(name)} for name in sorted(names)}


def birth(*, entity_id: UUID, entity: str = "") -> Birth | None:
    """Return the creation of a row that has no event of it; None if it has one, or never was.

    ``entity`` ("crm.contact") spares looking for the row in every audited table.
    """
    return next(iter(births([entity_id], entities=[entity] if entity else None)), None)


def births(
    ids: Collection[UUID],
    *,
    entities: Collection[str] | None = None,
    limit: int | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[Birth]:
    """Return the creations that have no event of those of these rows that have none, newest first.

    Of rows that are gone as well: their deletion says what they were. ``before`` is (at, id as text) of the last that
    was seen. Rows of one moment, as a chunk of an intake makes them, cost as many questions as one of them.
    """
    written = AuditEvent.objects.filter(entity_id__in=ids, operation=Operation.CREATE)
    wanted = set(ids) - set(written.values_list("entity_id", flat=True))
    values, kinds = _values(wanted, entities)
    for key, kind, old in _earlier_values(wanted):  # the newest first: the oldest has the last word
        kinds.setdefault(key, kind)
        values.setdefault(key, {}).update(old or {})
    moments = {key: parse_datetime(str(told.get("created_at") or "")) or born_at(key) for key, told in values.items()}
    places = sorted(((at, str(key), key) for key, at in moments.items()), reverse=True)
    seen = [key for at, text, key in places if before is None or (at, text) < before][:limit]
    origins = Origins()
    return [_birth(kinds[key], key, moments[key], values[key], origins) for key in seen]


def _birth(entity: str, key: UUID, at: datetime, values: Mapping[str, Any], origins: Origins) -> Birth:
    unsaid = HIDDEN | _silent(entity)
    new = {
        column: value for column, value in values.items() if column not in unsaid and value not in (None, "", [], {})
    }
    return Birth(entity, key, at, new, origins.origin(entity=entity, entity_id=key, values=values, at=at))


def _earlier_values(ids: Collection[UUID]) -> Iterator[tuple[UUID, str, dict[str, Any] | None]]:
    events = AuditEvent.objects.filter(entity_id__in=ids).order_by("-id")
    yield from events.values_list("entity_id", "entity", "old")[: MOST * len(ids)]


@cache
def audited() -> dict[str, str]:
    """The tables whose changes are recorded: entity and name in the database."""
    return {
        model._meta.label_lower: model._meta.db_table
        for model in apps.get_models()
        if any(trigger.name == "audit_update" for trigger in getattr(model._meta, "triggers", ()))
    }


@cache
def _silent(entity: str) -> frozenset[str]:
    """Columns that nobody records: what they were at birth is not known, and what they are now would be a lie."""
    triggers = getattr(apps.get_model(entity)._meta, "triggers", ())
    return frozenset(column for trigger in triggers for column in getattr(trigger, "silent", ()))


def _values(
    ids: Collection[UUID], entities: Collection[str] | None
) -> tuple[dict[UUID, dict[str, Any]], dict[UUID, str]]:
    """Return what the rows say now, and of which kind each is."""
    tables = {entity: table for entity, table in audited().items() if entities is None or entity in entities}
    if not ids or not tables:
        return {}, {}
    sql = " UNION ALL ".join(
        f"SELECT %s, id, to_jsonb(row) FROM {connection.ops.quote_name(table)} row WHERE id = ANY(%s)"  # noqa: S608 - ours
        for table in tables.values()
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [one for entity in tables for one in (entity, list(ids))])
        found = cursor.fetchall()
    return {key: json.loads(row) for _, key, row in found}, {key: entity for entity, key, _ in found}
