"""What the audit knows about a row, put into words that programs and pages understand.

The triggers keep the old and the new value of what changed; rows born in bulk have no event of their birth, so it is
read from the row as it is now, with all that changed since taken back (DESIGN 19).
"""

import json
from collections.abc import Mapping
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
from crm.reports.origins import Origin, origin

HIDDEN = frozenset({"password", "last_login", "search", "updated_at"})
MOST = 1000
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
    events = AuditEvent.objects.filter(entity_id=entity_id).order_by("-id")
    known = list(events.values_list("entity", "operation", "old")[:MOST])
    if any(operation == Operation.CREATE for _, operation, _ in known):
        return None
    wanted = entity or (known[0][0] if known else "")
    found = _row(entity_id, [wanted] if wanted else sorted(audited()))
    if found is None and not known:
        return None
    name, values = found or (known[0][0], {})
    for _, _, old in known:
        values |= old or {}
    said = parse_datetime(str(values.get("created_at") or ""))
    new = {column: value for column, value in values.items() if value not in (None, "", [], {})}
    at = said or born_at(entity_id)
    came_from = origin(entity=name, entity_id=entity_id, values=values, at=at)
    return Birth(name, entity_id, at, {k: v for k, v in new.items() if k not in HIDDEN}, came_from)


@cache
def audited() -> dict[str, str]:
    """The tables whose changes are recorded: entity and name in the database."""
    return {
        model._meta.label_lower: model._meta.db_table
        for model in apps.get_models()
        if any(trigger.name == "audit_update" for trigger in getattr(model._meta, "triggers", ()))
    }


def _row(entity_id: UUID, entities: list[str]) -> tuple[str, dict[str, Any]] | None:
    with connection.cursor() as cursor:
        for entity in entities:
            table = audited().get(entity)
            if table is None:
                continue
            cursor.execute(
                f"SELECT to_jsonb(row) FROM {connection.ops.quote_name(table)} row WHERE id = %s",  # noqa: S608 - ours
                [entity_id],
            )
            if found := cursor.fetchone():
                return entity, json.loads(found[0])
    return None
