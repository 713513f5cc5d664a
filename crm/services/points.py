"""Ways to reach somebody: added, made primary, found to be a stranger's, found to be dead, verified, removed.

Every verb locks the contact, then the endpoint, keeps the copies on the contact and the hours profile of the line
true, and tells who may be callable differently now. What a person does (``by``) is refused where the contact was
deleted or is not theirs to see; what follows from a call (no ``by``) never is, because a call is a fact.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.moments import require_kept
from config.kernel.transactions import atomic_with_retries
from crm.choices import PointKind, PointState
from crm.models import Contact, ContactPoint, Endpoint, User
from crm.services import quality
from crm.services.lines import line_for, pass_on
from crm.services.locking import lock
from crm.services.point_values import UnusableValue as UnusableValue
from crm.services.point_values import read_value, read_words
from crm.services.primaries import copy_primaries as copy_primaries
from crm.services.profiles import refresh_profiles as refresh_profiles
from crm.services.scope import lock_seen, refuse_hidden_owner
from crm.signals import tell_reachability


class NotTheirs(Conflict):
    """The number or address is known to belong to somebody else."""

    code = "wrong_person"


class ContactDeleted(Conflict):
    code = "contact_deleted"


class NotInTheFuture(DomainError):
    code = "not_in_the_future"


def add_point(
    *,
    contact: Contact,
    kind: str,
    value: str,
    at: datetime,
    label: str = "",
    extension: str = "",
    is_primary: bool = False,
    by: User | None = None,
    place: Mapping[str, str] | None = None,
) -> ContactPoint:
    """Let ``contact`` be reached at ``value``, and return the point; see ``put_point``."""
    return put_point(
        contact=contact, kind=kind, value=value, at=at, label=label, extension=extension, is_primary=is_primary,
        by=by, place=place,
    )[0]  # fmt: skip


@atomic_with_retries
def put_point(
    *,
    contact: Contact,
    kind: str,
    value: str,
    at: datetime,
    label: str = "",
    extension: str = "",
    is_primary: bool = False,
    by: User | None = None,
    place: Mapping[str, str] | None = None,
) -> tuple[ContactPoint, bool]:
    """Let ``contact`` be reached at ``value``; return the point, and whether it is new.

    A number or mailbox that others use is shared with them, and stays owned by whom it is. The first of its kind
    becomes primary; a known one gets what it lacks and keeps what it has. ``place`` are the parts of a postal address.

    :raises UnusableValue: ``value`` cannot be used.
    :raises addresses.UnusableAddress: a part of ``place`` cannot be used.
    :raises NotTheirs: it was marked as a wrong person's, and is not resurrected by being named again.
    :raises ContactDeleted: the contact has been deleted.
    :raises ExistsOutOfScope: the number or mailbox means somebody whom ``by`` does not see.
    """
    read = read_value(kind, value, extension, label, place or {})
    with acting(user=by and by.pk):
        person = _person(contact, by)
        _refuse_deleted(person)
        endpoint = line_for(kind, read.pop("normal"), read.pop("line_type"), person=person)
        if endpoint:
            refuse_hidden_owner(endpoint, by)
        point, created = _put(person, endpoint, kind, read)
        if point.state == PointState.WRONG_PERSON:
            raise NotTheirs(f"{point} was marked as not theirs. If it is theirs after all, mark it as good.")
        _settle(person, endpoint, primary=point if is_primary else None)
        point.refresh_from_db()
        return point, created


@atomic_with_retries
def make_primary(*, point: ContactPoint, at: datetime, by: User | None = None) -> ContactPoint:
    """Let ``point`` be the one of its kind that is tried first; the previous one stays as a further one.

    :raises NotTheirs: it was marked as a wrong person's.
    :raises RowGone: it has been removed, or the contact is not ``by``'s to see any more.
    :raises ContactDeleted: the contact has been deleted.
    """
    with acting(user=by and by.pk):
        person = _person(point.contact, by)
        point = lock(point)
        if point.state == PointState.WRONG_PERSON:
            raise NotTheirs(f"{point} was marked as not theirs, so it cannot be tried first. Mark it as good before.")
        _settle(person, None, primary=point)
        point.refresh_from_db()
        return point


@atomic_with_retries
def describe(
    *, point: ContactPoint, by: User | None, at: datetime, label: str | None = None, extension: str | None = None
) -> ContactPoint:
    """Correct what a point is called (``label``) and its extension; None leaves as it is, "" takes away.

    :raises UnusableValue: too long, or an extension of what is no phone.
    :raises RowGone, ContactDeleted: as for ``make_primary``.
    """
    said = read_words(point.kind, label=label, extension=extension)
    with acting(user=by and by.pk):
        _, _, point = _lock_point(point, by)
        differing = [name for name, value in said.items() if getattr(point, name) != value]
        for name in differing:
            setattr(point, name, said[name])
        if differing:
            point.save(update_fields=[*differing, "updated_at"])
        return point


@atomic_with_retries
def mark_wrong_person(*, point: ContactPoint, at: datetime, by: User | None = None) -> ContactPoint:
    """Remember that ``point`` is not this person's: it is not offered again, nor taken from a source again.

    The next best point becomes primary. Whoever else uses the line becomes its owner, or nobody.

    :raises RowGone, ContactDeleted: as for ``make_primary``.
    """
    with acting(user=by and by.pk):
        person, endpoint, point = _lock_point(point, by)
        if point.state == PointState.WRONG_PERSON:
            return point
        point.state, point.is_primary = PointState.WRONG_PERSON, False
        point.save(update_fields=["state", "is_primary", "updated_at"])
        pass_on(endpoint, person)
        _settle(person, endpoint)
        return point


@atomic_with_retries
def mark_good(*, point: ContactPoint, at: datetime, is_primary: bool = False, by: User | None = None) -> ContactPoint:
    """Take "wrong person" back: the point is theirs after all, and primary again where it was (``is_primary``).

    An ownerless line becomes theirs again.

    :raises RowGone, ContactDeleted: as for ``make_primary``.
    """
    with acting(user=by and by.pk):
        person, endpoint, point = _lock_point(point, by)
        if point.state == PointState.GOOD:
            return point
        point.state = PointState.GOOD
        point.save(update_fields=["state", "updated_at"])
        if endpoint and endpoint.owner_id is None:
            endpoint.owner = person
            endpoint.save(update_fields=["owner", "updated_at"])
        _settle(person, endpoint, primary=point if is_primary else None)
        point.refresh_from_db()
        return point


@atomic_with_retries
def mark_failed(*, endpoint: Endpoint, until: datetime | None, at: datetime, by: User | None = None) -> Endpoint:
    """Rest a line that does not work until ``until``, for everybody who uses it; None: it works again.

    :raises NotInTheFuture: ``until`` is not after ``at``. :raises YearOutOfRange: it is of a year that is not kept.
    :raises RowGone: the line is not ``by``'s to see any more.
    """
    require_kept(failed_until=until)
    if until is not None and until <= at:
        raise NotInTheFuture(
            f"A line rests until a moment to come, and {until:%Y-%m-%d %H:%M} has passed. Choose a later one.",
            details={"until": "Must lie in the future."},
        )
    with acting(user=by and by.pk):
        endpoint = lock_seen(endpoint, by)
        if endpoint.failed_until != until:
            endpoint.failed_until = until
            endpoint.save(update_fields=["failed_until", "updated_at"])
            tell_reachability(endpoints=[endpoint.pk])
        return endpoint


@atomic_with_retries
def verify(*, point: ContactPoint, at: datetime, by: User | None = None) -> ContactPoint:
    """Note that ``point`` was seen to reach this person at ``at``; an earlier moment never replaces a later one.

    :raises NotTheirs: it was marked as a wrong person's.
    :raises RowGone, ContactDeleted: as for ``make_primary``.
    """
    with acting(user=by and by.pk):
        person, _, point = _lock_point(point, by)
        if point.state == PointState.WRONG_PERSON:
            raise NotTheirs(f"{point} was marked as not theirs. Mark it as good before verifying it.")
        if point.verified_at is None or point.verified_at < at:
            point.verified_at = at
            point.save(update_fields=["verified_at", "updated_at"])
            tell_reachability(contacts=[person.pk])
        return point


@atomic_with_retries
def remove_point(*, point: ContactPoint, at: datetime, by: User | None = None) -> None:
    """Forget that ``point`` reaches its contact; removing it twice is fine. The endpoint and its suppressions stay.

    :raises RowGone, ContactDeleted: as for ``make_primary``.
    """
    with acting(user=by and by.pk):
        person = _person(point.contact, by)
        endpoint = lock(point.endpoint) if point.endpoint else None
        if ContactPoint.objects.filter(pk=point.pk).delete()[0]:
            pass_on(endpoint, person)
            _settle(person, endpoint)


def _person(contact: Contact, by: User | None) -> Contact:
    """Return the locked contact, if ``by`` may do something to its points."""
    person = lock_seen(contact, by)
    if by is not None:
        _refuse_deleted(person)
    return person


def _refuse_deleted(person: Contact) -> None:
    if person.deleted_at:
        raise ContactDeleted(f"{person} was deleted on {person.deleted_at:%Y-%m-%d}. Restore the contact first.")


def _lock_point(point: ContactPoint, by: User | None) -> tuple[Contact, Endpoint | None, ContactPoint]:
    person = _person(point.contact, by)
    endpoint = lock(point.endpoint) if point.endpoint else None
    return person, endpoint, lock(point)


def _put(person: Contact, endpoint: Endpoint | None, kind: str, columns: dict[str, Any]) -> tuple[ContactPoint, bool]:
    if endpoint is None:
        same = {name: value for name, value in columns.items() if name != "label"}
        known = ContactPoint.objects.filter(contact=person, kind=kind, **same).order_by("id").first()
        return known or ContactPoint.objects.create(contact=person, kind=kind, **columns), known is None
    known = ContactPoint.objects.filter(contact=person, endpoint=endpoint).first()
    if known is None:
        return ContactPoint.objects.create(contact=person, endpoint=endpoint, kind=kind, **columns), True
    lacking = [name for name in ("label", "extension") if columns[name] and not getattr(known, name)]
    for name in lacking:
        setattr(known, name, columns[name])
    if lacking:
        known.save(update_fields=[*lacking, "updated_at"])
    return known, False


def _settle(person: Contact, endpoint: Endpoint | None, primary: ContactPoint | None = None) -> None:
    """Put everything right that follows from a person's points, and tell the news."""
    if primary and not primary.is_primary:
        siblings = ContactPoint.objects.filter(contact=person, kind=primary.kind)
        siblings.filter(is_primary=True).update(is_primary=False)
        siblings.filter(pk=primary.pk).update(is_primary=True)
    copy_primaries(contact_ids=[person.pk])
    quality.refresh(contact_ids=[person.pk])
    lines = {endpoint.pk} if endpoint else _lines(person)
    refresh_profiles(endpoint_ids=lines)
    tell_reachability(contacts=[person.pk], endpoints=lines)


def _lines(person: Contact) -> set[Any]:
    """A new address moves every telephone of its owner."""
    return set(person.points.filter(kind=PointKind.PHONE).values_list("endpoint_id", flat=True))
