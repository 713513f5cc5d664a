"""The audit in words: who changed what, from what to what, when, and from where."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT
from django.utils.dateparse import parse_datetime

from crm.choices import COLUMN_WORDS, Operation
from crm.models import AuditEvent, Contact, ContactPoint, ProjectContact, SourceRecord, User
from crm.reports.changes import SERVICE, Birth
from crm.reports.changes import births as births_of

Place = tuple[datetime, str]  # (at, key) of the last one that was seen: where the next page begins

NOTHING: Final = "-"
HIDDEN: Final = "not yours to see"
UNSAID: Final = frozenset({"id", "created_at", "updated_at", "edited", "search", "name_key", "password", "last_login"})
MOST: Final = 200  # characters of a value in words


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a change: as the database keeps it (``old``, ``new``), and as people read it."""

    field: str
    label: str
    old: Any
    new: Any
    old_text: str
    new_text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one row. ``event_id`` is empty for a birth that was read from the row itself.

    ``key`` makes the order total: the id of the event, or of the row for a birth without one.
    """

    at: datetime
    operation: Operation
    entity: str
    entity_id: UUID
    what: str
    by: str
    service: str
    ip: str | None
    user_agent: str
    request_id: str
    fields: tuple[FieldChange, ...]
    event_id: UUID | None = None

    @property
    def key(self) -> str:
        return str(self.event_id or self.entity_id)


def changes(
    *,
    entity: str,
    entity_id: UUID,
    user: User | None = None,
    limit: int = 100,
    before: Place | None = None,
) -> list[Change]:
    """Return the changes of one row, newest first, down to its birth.

    A row that was born in bulk has no event of that: its birth is read from the row, with what changed since taken
    back, and from the first record that a source told of it. ``before`` is (at, key) of the last change that was seen.
    Names of rows that ``user`` may not see are withheld.
    """
    return history([entity_id], entities=[entity], user=user, limit=limit, before=before)


def history(
    ids: Collection[UUID],
    *,
    user: User | None,
    limit: int,
    before: Place | None = None,
    entities: Collection[str] | None = None,
) -> list[Change]:
    """Return the changes of all these rows, newest first, with the births of those that were born in bulk.

    Rows that are gone have theirs too. The order is total.
    """
    events = AuditEvent.objects.filter(entity_id__in=ids)
    told = newest(events.filter(entity__in=entities) if entities else events, limit=limit, before=before)
    found = [*in_words(told, user=user), *births(ids, entities=entities, user=user, limit=limit, before=before)]
    return sorted(found, key=lambda change: (change.at, change.key), reverse=True)[:limit]


def births(
    ids: Collection[UUID],
    *,
    user: User | None,
    limit: int,
    before: Place | None = None,
    entities: Collection[str] | None = None,
) -> list[Change]:
    """Return the births, among these rows, that were never written down, newest first."""
    found = births_of(ids, entities=entities, limit=limit, before=before)
    return [replace(change, event_id=None) for change in in_words([_told(birth) for birth in found], user=user)]


def newest(events: "QuerySet[AuditEvent]", *, limit: int, before: Place | None) -> list[AuditEvent]:
    """Return the newest of ``events`` before that place; the order is total."""
    earlier_ones = events.filter(earlier(before)).select_related("actor")
    return list(earlier_ones.order_by("-at", "-id")[:limit])


def life_of(contact: Contact, *, user: User) -> set[UUID]:
    """Return the ids of the rows whose changes are the life of ``contact``, as far as ``user`` sees them.

    The contact, its points, those it lost (their deletions say whose they were), the lines behind them, and its parts
    in projects.
    """
    points = ContactPoint.objects.filter(contact=contact).values_list("pk", "endpoint")
    pairs = ProjectContact.objects.visible_to(user).filter(contact=contact)
    ids = {contact.pk, *pairs.values_list("pk", flat=True), *lost_points(contact)}
    return ids.union(*(found for found in points)) - {None}


def lost_points(contact: Contact) -> set[UUID]:
    """Return the ids of the points that ``contact`` had and has no more: their deletions say whose they were."""
    lost = AuditEvent.objects.annotate(whose=KT("old__contact_id")).filter(
        operation=Operation.DELETE, whose=str(contact.pk), entity=ContactPoint._meta.label_lower
    )
    return set(lost.values_list("entity_id", flat=True))


def earlier(before: Place | None, *, moment: str = "at", suffix: str = "") -> Q:
    """Return the condition for rows that come after ``before`` in a history, newest first.

    A place is (at, key), and a key the id of a row as text; where a row tells of two moments, those of the second end
    in ``suffix``.
    """
    if before is None:
        return Q()
    at, key = before
    row, seen_suffix = key[:36], key[36:]
    if not row:
        return Q(**{f"{moment}__lt": at})
    compared = "pk__lte" if suffix < seen_suffix else "pk__lt"
    return Q(**{f"{moment}__lt": at}) | Q(**{moment: at, compared: UUID(row)})


def in_words(events: Sequence[AuditEvent], *, user: User | None = None) -> list[Change]:
    """Return ``events`` as people read them; what they refer to is looked up once per model."""
    names = _names(events, user)
    return [_in_words(event, names) for event in events]


def _told(birth: Birth) -> AuditEvent:
    """The event that the trigger would have written."""
    run, record = birth.origin.run, birth.origin.record
    return AuditEvent(
        id=birth.entity_id, at=birth.at, entity=birth.entity, entity_id=birth.entity_id, operation=Operation.CREATE,
        new=dict(birth.new), actor=birth.by, service=_from(record), ip=run.ip if run else None,
        user_agent=run.user_agent if run else "", request_id=run.request_id if run else "",
    )  # fmt: skip


def model_of(entity: str) -> type[models.Model] | None:
    try:
        return apps.get_model(entity)
    except (LookupError, ValueError):
        return None


def name_of(model: models.Model | type[models.Model]) -> str:
    return str(model._meta.verbose_name).capitalize()


def _from(record: SourceRecord | None) -> str:
    return f"{SERVICE}: {record.source}, record {record.key}" if record else SERVICE


def _in_words(event: AuditEvent, names: Mapping[UUID, str]) -> Change:
    model, old, new = model_of(event.entity), event.old or {}, event.new or {}
    said = [column for column in sorted(old.keys() | new.keys()) if column not in UNSAID]
    return Change(
        at=event.at,
        operation=Operation(event.operation),
        entity=event.entity,
        entity_id=event.entity_id,
        what=name_of(model) if model else event.entity,
        by=str(event.actor) if event.actor else "",
        service=event.service,
        ip=event.ip,
        user_agent=event.user_agent,
        request_id=event.request_id,
        fields=tuple(_field_change(model, column, old.get(column), new.get(column), names) for column in said),
        event_id=event.pk,
    )


def _field_change(
    model: type[models.Model] | None, column: str, old: Any, new: Any, names: Mapping[UUID, str]
) -> FieldChange:
    field = _field(model, column)
    name = field.name if field is not None else column
    said = str(field.verbose_name) if field is not None else column.replace("_", " ")
    label = COLUMN_WORDS.get(name) or said.capitalize()
    texts = (_text(field, value, names) for value in (old, new))
    return FieldChange(name, label, old, new, *texts)


def _text(field: Any, value: Any, names: Mapping[UUID, str]) -> str:
    if value in (None, "", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field is not None and field.is_relation:
        return names.get(UUID(str(value)), HIDDEN)
    if field is not None and field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if isinstance(value, dict):
        value = ", ".join(f"{key}: {each}" for key, each in value.items())
    if isinstance(field, models.DateTimeField) and (moment := parse_datetime(str(value))):
        value = f"{moment:%Y-%m-%d %H:%M} UTC"
    return str(value)[:MOST]


def _names(events: Collection[AuditEvent], user: User | None) -> dict[UUID, str]:
    """Return the name of every row that the events refer to, as far as ``user`` sees it."""
    wanted: dict[type[models.Model], set[UUID]] = defaultdict(set)
    for event in events:
        model = model_of(event.entity)
        for told in (event.old or {}, event.new or {}):
            for column, value in told.items():
                field = _field(model, column)
                if value and field is not None and field.is_relation:
                    wanted[field.related_model].add(UUID(str(value)))
    return {row.pk: str(row) for model, ids in wanted.items() for row in _seen(model, ids, user)}


def _seen(model: type[models.Model], ids: set[UUID], user: User | None) -> Any:
    rows: Any = model._default_manager.filter(pk__in=ids)
    return rows.visible_to(user) if user is not None and hasattr(rows, "visible_to") else rows


def _field(model: type[models.Model] | None, column: str) -> Any:
    """Return the field that keeps ``column``: "contact_id" is a reference in a point, plain in a contact."""
    if model is None:
        return None
    by_column = {field.column: field for field in model._meta.concrete_fields}
    try:
        return by_column.get(column) or model._meta.get_field(column)
    except FieldDoesNotExist:
        return None
