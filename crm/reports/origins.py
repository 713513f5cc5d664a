"""Where a row that was born in bulk came from: the record that told of it, and the run that took the record in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from config.kernel.ids import first_uuid7_at
from crm.choices import IntakeState
from crm.models import IntakeRun, SourceRecord

MOST: Final = 50  # records of one row, and runs at one moment, that are looked through
LONGEST: Final = timedelta(days=1)  # that a run which bore the row may have begun before

# By which column of a source record a row is found: one of its own (""), or of the row that it belongs to.
_FOUND_BY: Final = {
    "crm.contact": ("contact", ""),
    "crm.project": ("project", ""),
    "crm.company": ("company", ""),
    "crm.contactpoint": ("contact", "contact_id"),
    "crm.projectcontact": ("contact", "contact_id"),
    "crm.endpoint": ("contact", "owner_id"),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """``record`` is the first that a source told of the row. ``run`` is empty where it cannot be told for certain."""

    record: SourceRecord | None = None
    run: IntakeRun | None = None


@dataclass(slots=True)
class Origins:
    """Finds where rows came from; what many of them share is looked up once."""

    records: dict[tuple[str, Any], list[SourceRecord]] = field(default_factory=dict)
    runs: dict[tuple[datetime, frozenset[str]], list[IntakeRun]] = field(default_factory=dict)

    def origin(self, *, entity: str, entity_id: UUID, values: Mapping[str, Any], at: datetime) -> Origin:
        """Return where the row with these ``values``, born at ``at``, came from.

        A record that has not changed since it was first seen names the run that bore its row. One that has names a
        later run: then it was the only run of that source which was under way at that moment, or nobody knows.
        """
        column, through = _FOUND_BY.get(entity, ("", ""))
        key = values.get(through) if through else entity_id
        if not column or not key:
            return Origin()
        records = self._told(column, key)
        if not records:
            return Origin()
        first = records[0]
        if not through and first.first_seen_at == first.changed_at:
            return Origin(first, first.run if first.run_id else None)
        runs = self._under_way(at, frozenset(record.source for record in records))
        return Origin(first, runs[0] if len(runs) == 1 else None)

    def _told(self, column: str, key: Any) -> list[SourceRecord]:
        known = (column, str(key))
        if known not in self.records:
            told = SourceRecord.objects.filter(**{column: key}).order_by("first_seen_at", "id")
            self.records[known] = list(told.select_related("run__by")[:MOST])
        return self.records[known]

    def _under_way(self, at: datetime, sources: frozenset[str]) -> list[IntakeRun]:
        known = (at, sources)
        if known not in self.runs:
            begun = IntakeRun.objects.filter(
                id__gte=first_uuid7_at(at - LONGEST), created_at__lte=at, source__in=sources
            )
            there = begun.filter(Q(state=IntakeState.RUNNING) | Q(updated_at__gte=at))
            self.runs[known] = list(there.select_related("by").order_by("-id")[:MOST])
        return self.runs[known]
