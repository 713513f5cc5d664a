"""A person's edit of what is known: checked, remembered as theirs, and told to whom it concerns."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import IntegrityError, transaction

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import Company, Contact, Project, ProjectContact, User
from crm.services import addresses, fields, quality
from crm.services.locking import lock
from crm.services.profiles import refresh_profiles
from crm.signals import tell_reachability

RowT = TypeVar("RowT", Contact, Company, Project, ProjectContact)

WISHES: Final = frozenset({"do_not_call", "do_not_email", "do_not_text"})
LOOSENS: Final = "crm.change_suppression"  # whoever may lift a suppression may take these back too
_MOVES_HOURS: Final = frozenset({"time_zone", *addresses.PARTS})
_OPENS_OR_CLOSES: Final = WISHES | {
    "call_suppressed", "next_call_eligible_at", "suppress_for_project", "priority", "callback_at",
}  # fmt: skip


class RowDeleted(Conflict):
    code = "deleted"


class Taken(Conflict):
    """Another row is called that already."""

    code = "already_exists"


class MayNotLoosen(DomainError):
    """Somebody asked to be left alone; only whoever may lift suppressions takes that back."""

    code = "may_not_loosen"


@atomic_with_retries
def edit(*, row: RowT, changes: Mapping[str, Any], by: User | None, at: datetime) -> RowT:
    """Set ``changes`` on ``row`` as ``by`` wants them, and return it as it is now.

    What differs is written and remembered as a person's; where nothing does, nothing is written. A name follows first
    and last name as long as it is made of them.

    :raises fields.FieldRefused: a field that is not there, or that a service owns; ``details`` say what to do instead.
    :raises fields.FieldInvalid: a value that cannot be kept.
    :raises RowDeleted: the row was deleted.
    :raises MayNotLoosen: a wish not to be contacted is taken back by somebody who may not.
    :raises Taken: a company without an id elsewhere would get the name of another.
    """
    with acting(user=by and by.pk):
        row = lock(row)
        if getattr(row, "deleted_at", None):
            raise RowDeleted(f"{row} was deleted. Restore the {row._meta.verbose_name} before editing it.")
        found = _with_name(row, fields.read(row, changes, at=at))
        differing = {name: value for name, value in found.items() if getattr(row, name) != value}
        _refuse_loosening(row, differing, by)
        if differing:
            _write(row, differing)
            _follow_up(row, differing.keys())
    return row


def _with_name(row: Any, found: dict[str, Any]) -> dict[str, Any]:
    """A contact's name is made of its parts, until somebody writes another."""
    if not isinstance(row, Contact) or "name" in found or found.keys().isdisjoint({"first_name", "last_name"}):
        return found
    if row.name not in ("", _full(row.first_name, row.last_name)):
        return found
    name = _full(found.get("first_name", row.first_name), found.get("last_name", row.last_name))
    return {**found, "name": name} if name else found


def _full(first: str, last: str) -> str:
    return f"{first} {last}".strip()


def _refuse_loosening(row: Any, differing: Mapping[str, Any], by: User | None) -> None:
    loosened = sorted(name for name in WISHES & differing.keys() if not differing[name])
    if loosened and by is not None and not by.has_perm(LOOSENS):
        words = ", ".join(name.replace("_", " ") for name in loosened)
        raise MayNotLoosen(
            f"{row} asked us: {words}. Only an admin may take that back.",
            details=dict.fromkeys(loosened, "Ask an admin to take this back."),
        )


def _write(row: Any, differing: Mapping[str, Any]) -> None:
    for name, value in differing.items():
        setattr(row, name, value)
    written = [*differing, "updated_at"]
    if hasattr(row, "edited"):
        row.edited = list(dict.fromkeys([*row.edited, *differing]))
        written.append("edited")
    try:
        with transaction.atomic():
            row.save(update_fields=written)
    except IntegrityError as error:
        raise Taken(
            f"There is another {row._meta.verbose_name} called {row}. Use that one, or choose another name.",
            details={"name": "Taken."},
        ) from error


def _follow_up(row: Any, names: Any) -> None:
    """Put right what follows from the fields ``names``, and tell the news."""
    reach = not _OPENS_OR_CLOSES.isdisjoint(names)
    lines: set[Any] = set()
    if isinstance(row, Contact):
        quality.refresh(contact_ids=[row.pk])
        row.refresh_from_db(fields=["data_quality"])
        if not _MOVES_HOURS.isdisjoint(names):
            lines = set(row.points.filter(endpoint__kind="phone").values_list("endpoint_id", flat=True))
            lines = set(refresh_profiles(endpoint_ids=lines))
    tell_reachability(
        contacts=[row.pk] if reach and isinstance(row, Contact) else [],
        projects=[row.pk] if reach and isinstance(row, Project) else [],
        pairs=[row.pk] if reach and isinstance(row, ProjectContact) else [],
        endpoints=lines,
    )
