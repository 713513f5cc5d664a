"""A person's edit of what is known: checked, remembered as theirs, and told to whom it concerns."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import Company, Contact, Project, ProjectContact, User
from crm.services import addresses, fields, quality, resting
from crm.services.clashes import broken_by
from crm.services.locking import lock
from crm.services.profiles import refresh_profiles
from crm.services.scope import lock_seen
from crm.signals import tell_reachability

RowT = TypeVar("RowT", Contact, Company, Project, ProjectContact)

# What keeps people from being approached: anybody sets it, only whoever may lift a suppression takes it back; the same
# holds for what rests them until a moment (``resting``).
WISHES: Final = frozenset({"do_not_call", "do_not_email", "do_not_text", "call_suppressed", "suppress_for_project"})
LOOSENS: Final = "crm.change_suppression"
ASSIGNS: Final = "crm.see_everything"  # others take what nobody owns, and give nothing away
_MOVES_HOURS: Final = frozenset({"time_zone", *addresses.PARTS})
_OPENS_OR_CLOSES: Final = WISHES | {"next_call_eligible_at", "priority", "callback_at"}
_NAMED_ONCE: Final = "crm_company_one_per_name"


class RowDeleted(Conflict):
    code = "deleted"


class Taken(Conflict):
    """Another row is called that already."""

    code = "already_exists"


class MayNotLoosen(DomainError):
    """Somebody is to be left alone; only whoever may lift suppressions takes that back."""

    code = "may_not_loosen"


class MayNotAssign(DomainError):
    """A row is given to somebody else, or to nobody, by somebody who may only take what nobody owns."""

    code = "may_not_assign"


class OwnedByOther(Conflict):
    code = "owned_by_other"


@atomic_with_retries
def edit(*, row: RowT, changes: Mapping[str, Any], by: User | None, at: datetime) -> RowT:
    """Set ``changes`` on ``row`` as ``by`` wants them, and return it as it is now.

    What differs is written and remembered as a person's; where nothing does, nothing is written. A wish not to be
    approached that is set already is remembered as theirs as well: whoever set it first may be corrected. A name
    follows first and last name as long as it is made of them.

    :raises fields.FieldRefused: a field that is not there, or that a service owns; ``details`` say what to do instead.
    :raises fields.FieldInvalid: a value that cannot be kept.
    :raises RowGone: the row is not ``by``'s to see any more.
    :raises RowDeleted: the row was deleted.
    :raises MayNotLoosen: what keeps somebody from being approached is taken back, or ends sooner, by somebody who may
        not lift suppressions.
    :raises MayNotAssign: ``by`` gives the row to somebody else and may not.
    :raises Taken: a company without an id elsewhere would get the name of another.
    """
    with acting(user=by and by.pk):
        if isinstance(row, ProjectContact) and "callback_at" in changes:
            lock(row.contact)  # before the pair, as everywhere: nobody begins to call them meanwhile
        row = lock_seen(row, by)
        if getattr(row, "deleted_at", None):
            raise RowDeleted(f"{row} was deleted. Restore the {row._meta.verbose_name} before editing it.")
        found = _with_name(row, fields.read(row, changes, at=at))
        differing = {
            name: value for name, value in found.items() if getattr(row, name) != value or _confirms(row, name, value)
        }
        refuse_loosening(row, differing, by, at=at)
        refuse_giving(row, differing, by)
        if differing:
            _write(row, differing)
            _follow_up(row, differing.keys())
    return row


@atomic_with_retries
def claim(*, row: RowT, by: User, at: datetime) -> RowT:
    """Make ``row`` ``by``'s own if it is nobody's; of two who try at once one gets it.

    :raises OwnedByOther: it is somebody else's. :raises RowGone, RowDeleted: as for an edit.
    """
    owner = getattr(lock(row), "owner_id", None)
    if owner not in (None, by.pk):
        raise OwnedByOther(f"This {row._meta.verbose_name} is somebody else's already.")
    return edit(row=row, changes={"owner": by}, by=by, at=at)


def possible_owners(row: Any, by: User) -> list[UUID | None]:
    """Return whom ``by`` may make the owner of ``row``; None is nobody. The owner it has may stay."""
    if by.has_perm(ASSIGNS):
        active = User.objects.filter(is_active=True).order_by("name", "pk").values_list("pk", flat=True)
        return list(dict.fromkeys([None, *active, row.owner_id]))
    return list(dict.fromkeys([row.owner_id, by.pk]))


def refuse_giving(row: Any, values: Mapping[str, Any], by: User | None) -> None:
    """:raises MayNotAssign: ``values`` give ``row`` to somebody else than ``by``, who may not do that."""
    if "owner" not in values or by is None or values["owner"] == by or by.has_perm(ASSIGNS):
        return
    raise MayNotAssign(
        f"Only an admin gives a {row._meta.verbose_name} to somebody else. You can make one yours that nobody owns.",
        details={"owner": "Ask an admin to assign it."},
    )


def beyond(row: Any, by: User) -> list[str]:
    """Return the wishes of ``row`` that stand and that ``by`` may not take back."""
    return [] if by.has_perm(LOOSENS) else [name for name in sorted(WISHES) if getattr(row, name, False)]


def refuse_loosening(row: Any, values: Mapping[str, Any], by: User | None, *, at: datetime) -> None:
    """:raises MayNotLoosen: ``values`` let somebody be approached, or sooner, and ``by`` may not do that.

    A wish is taken back, or a rest ends sooner: see ``resting.shortened``.
    """
    if by is None or by.has_perm(LOOSENS):
        return
    details = {name: "Ask an admin to take this back." for name in sorted(WISHES & values.keys()) if not values[name]}
    details |= dict.fromkeys(resting.shortened(row, values, at=at), "Only later, never sooner. Ask an admin otherwise.")
    if details:
        words = ", ".join(name.replace("_", " ") for name in details)
        raise MayNotLoosen(f"{row} is protected: {words}. Only an admin may take that back.", details=details)


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


def _confirms(row: Any, name: str, value: Any) -> bool:
    """Whether a person says themselves what an outcome or a source has said before."""
    return name in WISHES and bool(value) and name not in getattr(row, "edited", [name])


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
        if broken_by(error) != _NAMED_ONCE:
            raise
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
