"""The whole of crm in a form that can be compared: ids become the order of birth, moments are left out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from crm.models import (
    Company,
    Consent,
    Contact,
    ContactAlias,
    ContactPoint,
    Endpoint,
    HoursProfile,
    OtherName,
    Project,
    ProjectContact,
    ReviewItem,
    SourceRecord,
)

BORN_IN_ORDER = (Project, Company, Contact, Endpoint, ContactPoint, ProjectContact, SourceRecord)
OTHERS = (ContactAlias, Consent, OtherName, ReviewItem)
TOLD_APART_BY_TIME = frozenset({"created_at", "updated_at", "first_seen_at", "changed_at", "run_id"})


def dump() -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table that an intake writes, without what differs from one intake to the next."""
    names: dict[UUID, str] = {row.pk: f"profile {row.key}" for row in HoursProfile.objects.all()}
    for model in BORN_IN_ORDER:
        for number, key in enumerate(model._default_manager.order_by("pk").values_list("pk", flat=True)):
            names[key] = f"{model._meta.model_name} {number}"
    return {model._meta.label: sorted(_rows(model, names), key=repr) for model in (*BORN_IN_ORDER, *OTHERS)}


def _rows(model: type[models.Model], names: dict[UUID, str]) -> Iterator[dict[str, Any]]:
    for row in model._default_manager.values():
        if model in OTHERS:
            row.pop("id")
        yield {
            field: names.get(value, value) if isinstance(value, UUID) else value
            for field, value in row.items()
            if field not in TOLD_APART_BY_TIME
        }


def versions() -> set[tuple[str, str, str]]:
    """Every row that an intake may write, with the transaction and command that wrote it."""
    tables = [model._meta.db_table for model in (*BORN_IN_ORDER, *OTHERS, HoursProfile)]
    sql = " UNION ALL ".join(f"SELECT '{name}', id::text, ctid::text || xmin::text FROM {name}" for name in tables)
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return set(cursor.fetchall())


@contextmanager
def undone() -> Iterator[None]:
    """Run one example on an empty database, prove that every constraint holds, and leave nothing behind."""
    with transaction.atomic():
        yield
        connection.check_constraints()
        transaction.set_rollback(True)
