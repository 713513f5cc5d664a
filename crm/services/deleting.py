"""Soft deletion: the row stays, with its history, and is approached no more."""

from datetime import datetime
from typing import TypeVar

from django.db import models

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import Company, Contact, ContactPoint, Endpoint, Project, ProjectContact, User
from crm.services.lines import leave_to_the_living
from crm.services.profiles import refresh_profiles
from crm.services.scope import lock_seen
from crm.signals import tell_reachability

RowT = TypeVar("RowT", Contact, Project)

_INSTEAD: dict[type[models.Model], str] = {
    Company: "Its contacts would lose their employer. Give it another name, or move its contacts to another company.",
    ContactPoint: "Remove it from its contact instead.",
    Endpoint: "Suppressions and caps hang on it for ever. Suppress it instead.",
    ProjectContact: "Its calls belong to it. Suppress the contact for this project instead.",
    User: "What they did stays theirs. Deactivate the user instead.",
}


class CannotBeDeleted(DomainError):
    code = "cannot_be_deleted"


class AlreadyDeleted(Conflict):
    code = "already_deleted"


class NotDeleted(Conflict):
    code = "not_deleted"


@atomic_with_retries
def delete(*, row: RowT, by: User | None, at: datetime) -> RowT:
    """Delete a contact or a project: nobody is approached about it any more, and an intake does not bring it back.

    Their numbers keep their suppressions; those that somebody alive uses too are that person's from now on, the others
    stay theirs. :raises CannotBeDeleted: any other kind of row; the message says
    what to do instead. :raises AlreadyDeleted: somebody was faster.
    """
    _check(row)
    with acting(user=by and by.pk):
        row = lock_seen(row, by)
        if row.deleted_at:
            raise AlreadyDeleted(f"{row} was deleted already, on {row.deleted_at:%Y-%m-%d %H:%M} UTC.")
        return _set(row, at)


@atomic_with_retries
def restore(*, row: RowT, by: User | None, at: datetime) -> RowT:
    """Bring a deleted contact or project back; a line that became somebody else's stays theirs, and is shared.

    :raises NotDeleted: it is there.
    """
    _check(row)
    with acting(user=by and by.pk):
        row = lock_seen(row, by)
        if not row.deleted_at:
            raise NotDeleted(f"{row} is not deleted: there is nothing to restore.")
        return _set(row, None)


def _check(row: models.Model) -> None:
    if not isinstance(row, Contact | Project):
        instead = _INSTEAD.get(type(row), "It is part of the record.")
        raise CannotBeDeleted(f"A {row._meta.verbose_name} cannot be deleted. {instead}")


def _set(row: RowT, deleted_at: datetime | None) -> RowT:
    row.deleted_at = deleted_at
    row.save(update_fields=["deleted_at", "updated_at"])
    if isinstance(row, Project):
        tell_reachability(projects=[row.pk])
    else:
        if deleted_at:
            leave_to_the_living(row)
        lines = set(row.points.filter(endpoint__kind="phone").values_list("endpoint_id", flat=True))
        refresh_profiles(endpoint_ids=lines)  # the hours of a line follow from those alive on it
        tell_reachability(contacts=[row.pk], endpoints=lines)
    return row
