"""Ways to reach somebody: added, made primary, found to be a stranger's, found to be dead, verified, removed.

Every verb locks the contact, then the endpoint, keeps the copies on the contact and the hours profile of the line
true, and tells who may be callable differently now.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import EndpointKind, PointKind, PointState
from crm.models import Contact, ContactPoint, Endpoint, User
from crm.services import addresses, quality
from crm.services.locking import lock
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line
from crm.services.primaries import copy_primaries as copy_primaries
from crm.services.profiles import refresh_profiles as refresh_profiles
from crm.signals import tell_reachability

_LENGTH: Final = MappingProxyType({"value": 500, "label": 40, "extension": 20})


class UnusableValue(DomainError):
    """The value is no number, address or profile; ``details`` say why and what to do."""

    code = "unusable_value"


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
    """
    read = _read(kind, value, extension, label, place or {})
    with acting(user=by and by.pk):
        person = lock(contact)
        if person.deleted_at:
            raise ContactDeleted(f"{person} was deleted on {person.deleted_at:%Y-%m-%d}. Restore the contact first.")
        endpoint = _endpoint(person, kind, read.pop("normal"), read.pop("line_type"))
        point, created = _put(person, endpoint, kind, read)
        if point.state == PointState.WRONG_PERSON:
            raise NotTheirs(f"{point} was marked as not theirs. If it is theirs after all, mark it as good.")
        _settle(person, endpoint, primary=point if is_primary else None)
        point.refresh_from_db()
        return point, created


@atomic_with_retries
def make_primary(*, point: ContactPoint, at: datetime) -> ContactPoint:
    """Let ``point`` be the one of its kind that is tried first; the previous one stays as a further one.

    :raises NotTheirs: it was marked as a wrong person's.
    :raises RowGone: it has been removed.
    """
    person = lock(point.contact)
    point = lock(point)
    if point.state == PointState.WRONG_PERSON:
        raise NotTheirs(f"{point} was marked as not theirs, so it cannot be tried first. Mark it as good before.")
    _settle(person, None, primary=point)
    point.refresh_from_db()
    return point


@atomic_with_retries
def mark_wrong_person(*, point: ContactPoint, at: datetime) -> ContactPoint:
    """Remember that ``point`` is not this person's: it is not offered again, nor taken from a source again.

    The next best point becomes primary. Whoever else uses the line becomes its owner, or nobody.
    """
    person, endpoint, point = _lock_point(point)
    if point.state == PointState.WRONG_PERSON:
        return point
    point.state, point.is_primary = PointState.WRONG_PERSON, False
    point.save(update_fields=["state", "is_primary", "updated_at"])
    _pass_on(endpoint, person)
    _settle(person, endpoint)
    return point


@atomic_with_retries
def mark_good(*, point: ContactPoint, at: datetime, is_primary: bool = False) -> ContactPoint:
    """Take "wrong person" back: the point is theirs after all, and primary again where it was (``is_primary``).

    An ownerless line becomes theirs again.
    """
    person, endpoint, point = _lock_point(point)
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
def mark_failed(*, endpoint: Endpoint, until: datetime | None, at: datetime) -> Endpoint:
    """Rest a line that does not work until ``until``, for everybody who uses it; None: it works again.

    :raises NotInTheFuture: ``until`` is not after ``at``.
    """
    if until is not None and until <= at:
        raise NotInTheFuture(
            f"A line rests until a moment to come, and {until:%Y-%m-%d %H:%M} has passed. Choose a later one.",
            details={"until": "Must lie in the future."},
        )
    endpoint = lock(endpoint)
    if endpoint.failed_until != until:
        endpoint.failed_until = until
        endpoint.save(update_fields=["failed_until", "updated_at"])
        tell_reachability(endpoints=[endpoint.pk])
    return endpoint


@atomic_with_retries
def verify(*, point: ContactPoint, at: datetime) -> ContactPoint:
    """Note that ``point`` was seen to reach this person at ``at``; an earlier moment never replaces a later one.

    :raises NotTheirs: it was marked as a wrong person's.
    """
    person, _, point = _lock_point(point)
    if point.state == PointState.WRONG_PERSON:
        raise NotTheirs(f"{point} was marked as not theirs. Mark it as good before verifying it.")
    if point.verified_at is None or point.verified_at < at:
        point.verified_at = at
        point.save(update_fields=["verified_at", "updated_at"])
        tell_reachability(contacts=[person.pk])
    return point


@atomic_with_retries
def remove_point(*, point: ContactPoint, at: datetime) -> None:
    """Forget that ``point`` reaches its contact; removing it twice is fine. The endpoint and its suppressions stay."""
    person = lock(point.contact)
    endpoint = lock(point.endpoint) if point.endpoint else None
    if ContactPoint.objects.filter(pk=point.pk).delete()[0]:
        _pass_on(endpoint, person)
        _settle(person, endpoint)


def _lock_point(point: ContactPoint) -> tuple[Contact, Endpoint | None, ContactPoint]:
    person = lock(point.contact)
    endpoint = lock(point.endpoint) if point.endpoint else None
    return person, endpoint, lock(point)


def _read(kind: str, value: str, extension: str, label: str, place: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a point, its normal value and its line type, or refuse what cannot be used."""
    given = {"value": one_line(value), "label": one_line(label), "extension": one_line(extension)}
    parts = dict.fromkeys(addresses.PARTS, "") | addresses.read_address(place)
    faults = {name: f"At most {most} characters." for name, most in _LENGTH.items() if len(given[name]) > most}
    if kind not in PointKind.values:
        faults["kind"] = f"Must be one of {', '.join(PointKind.values)}."
    if kind in (PointKind.ADDRESS, PointKind.SOCIAL) and not (given["value"] or any(parts.values())):
        faults["value"] = "There is nothing here. Give an address or a profile."
    normal = line_type = ""
    try:
        if kind == PointKind.PHONE:
            phone = parse_phone(value)
            normal, line_type, extension = phone.e164, phone.line_type, given["extension"] or phone.extension
        elif kind == PointKind.EMAIL:
            normal = parse_email(value)
    except Unusable as trouble:
        faults["value"] = str(trouble)
    if faults:
        raise UnusableValue(" ".join(faults.values()), details=faults)
    columns = {"value_given": given["value"], "label": given["label"], "extension": extension, **parts}
    return {**columns, "normal": normal, "line_type": line_type}


def _endpoint(person: Contact, kind: str, normal: str, line_type: str) -> Endpoint | None:
    """Return the locked endpoint, made where it is missing; one that nobody owns becomes this person's."""
    if not normal:
        return None
    new = Endpoint(
        kind=EndpointKind(kind), value=normal, owner=person, **({"line_type": line_type} if line_type else {})
    )
    Endpoint.objects.bulk_create([new], ignore_conflicts=True)
    endpoint = lock(Endpoint.objects.get(kind=kind, value=normal))
    if endpoint.owner_id is None:
        endpoint.owner = person
        endpoint.save(update_fields=["owner", "updated_at"])
    return endpoint


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


def _pass_on(endpoint: Endpoint | None, person: Contact) -> None:
    """Let the line be owned by whoever else has used it longest, now that it is not ``person``'s."""
    if endpoint is None or endpoint.owner_id != person.pk:
        return
    others = ContactPoint.objects.good().filter(endpoint=endpoint, contact__deleted_at=None).exclude(contact=person)
    endpoint.owner_id = others.order_by("id").values_list("contact_id", flat=True).first()
    endpoint.save(update_fields=["owner", "updated_at"])


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
