"""What admins decide about calling: how calls may end, and how often people are called."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction

from calls.models import CallingPolicy, Disposition
from calls.services import hints
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import Project, User

RowT = TypeVar("RowT", Disposition, CallingPolicy)


class UnusablePolicy(DomainError):
    """A value that cannot be kept; ``details`` name the fields."""

    code = "invalid"


class Taken(Conflict):
    """Another row has this name, key or project."""

    code = "already_exists"


class NeedsDefault(Conflict):
    """Without the policy for all projects nobody could be called."""

    code = "needs_default"


@atomic_with_retries
def put_disposition(*, name: str, by: User | None, at: datetime, **values: Any) -> tuple[Disposition, bool]:
    """Make a disposition, or change the one of this name; say whether it is new.

    :raises UnusablePolicy: a value cannot be kept. :raises Taken: another one is on this key.
    """
    known = Disposition.objects.filter(name=name).first()
    if known:
        return change(row=known, changes=values, by=by, at=at), False
    return change(row=Disposition(), changes={"name": name, **values}, by=by, at=at), True


@atomic_with_retries
def put_policy(*, project: Project | None, by: User | None, at: datetime, **values: Any) -> tuple[CallingPolicy, bool]:
    """Make the policy of a project, or change it; without a project it is the policy for all.

    A project's policy only tightens: what it allows beyond the policy for all has no effect.

    :raises UnusablePolicy: a value cannot be kept.
    """
    known = CallingPolicy.objects.filter(project=project).first()
    if known:
        return change(row=known, changes=values, by=by, at=at), False
    return change(row=CallingPolicy(project=project), changes=values, by=by, at=at), True


@atomic_with_retries
def change(*, row: RowT, changes: Mapping[str, Any], by: User | None, at: datetime) -> RowT:
    """Set ``changes``, and return the row. The hints of a project that it concerns are brought up to date.

    :raises UnusablePolicy: a value cannot be kept. :raises Taken: another row has this name, key or project.
    """
    for name, value in changes.items():
        setattr(row, name, value)
    _check(row)
    with acting(user=by and by.pk):
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            raise Taken(f"There is another {row._meta.verbose_name} like this.") from error
    if isinstance(row, CallingPolicy) and row.project_id:
        hints.refresh(at=at, project_ids=[row.project_id])
    return row


@atomic_with_retries
def drop_policy(*, policy: CallingPolicy, by: User | None, at: datetime) -> None:
    """Let the policy for all hold for a project again.

    :raises NeedsDefault: it is the policy for all.
    """
    if policy.project_id is None:
        raise NeedsDefault("This is the policy for all projects: change it instead.")
    with acting(user=by and by.pk):
        policy.delete()
    hints.refresh(at=at, project_ids=[policy.project_id])


def _check(row: Any) -> None:
    try:
        row.full_clean(validate_unique=False, validate_constraints=False)
        row.validate_constraints(exclude=None)
    except ValidationError as error:
        told = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        details = {("" if name == NON_FIELD_ERRORS else name): " ".join(said) for name, said in told.items()}
        raise UnusablePolicy(" ".join(details.values()), details=details) from error
