"""New contacts, companies, projects and pairs. Whoever is known already is not made twice, but added to.

Known means: by their id elsewhere, else by phone, else by e-mail, as in an intake (``crm.services.matching``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import PointState, ReviewKind
from crm.models import Company, Contact, ContactAlias, Endpoint, Project, ProjectContact, ReviewItem, User
from crm.services import fields, points, quality
from crm.services.changing import RowDeleted, edit
from crm.services.locking import lock, lock_all
from crm.services.matching import Directory, Keys, Line, Others, PointKey, find, sort_lines
from crm.services.normalization.companies import parse_company
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line
from crm.signals import tell_reachability

TRIES: Final = 3
RowT = TypeVar("RowT", Contact, Company, Project)


class ExistsOutOfScope(Conflict):
    """It exists, and belongs to somebody else. Nothing else is said about it."""

    code = "exists_out_of_scope"


class NobodyNamed(DomainError):
    """Without a name, a phone, an e-mail address or an id there is nobody to keep."""

    code = "nobody_named"


class TryAgain(Conflict):
    """Others keep writing the same contact."""

    code = "try_again"


class _Lost(Exception):
    """Somebody else wrote the same keys meanwhile: look again."""


@dataclass(slots=True, eq=False)
class _Known:
    id: str
    contact_id: str
    row: Contact


def create_contact(
    *,
    by: User | None,
    at: datetime,
    contact_id: str = "",
    phone: str = "",
    email: str = "",
    source: str = "",
    **values: Any,
) -> tuple[Contact, bool]:
    """Make a contact, or add to the one whom the keys mean; return it, and whether it is new.

    Somebody known keeps what the call leaves blank, gets the rest as an edit by ``by``, and adopts a ``contact_id``. An
    e-mail address that belongs to somebody else stays theirs, and both are listed for review.

    :raises NobodyNamed: no name and no key.
    :raises points.UnusableValue: the phone or the e-mail address cannot be used.
    :raises fields.FieldRefused, fields.FieldInvalid: as for an edit.
    :raises ExistsOutOfScope: the one who is meant is not ``by``'s to see.
    :raises RowDeleted: the one who is meant was deleted.
    :raises TryAgain: three times somebody else was faster.
    """
    keys = _keys(contact_id, phone, email)
    values |= {"source": source} if source else {}
    if not (keys.contact_id or keys.points or any(values.get(part) for part in ("name", "first_name", "last_name"))):
        raise NobodyNamed("Give a name, a phone, an e-mail address or a contact_id: otherwise this is nobody.")
    for _ in range(TRIES):
        try:
            return _find_or_make(keys, {"phone": phone, "email": email}, values, by, at)
        except _Lost:
            continue
    raise TryAgain("Others are writing the same contact at this moment. Try again.")


@atomic_with_retries
def create_company(
    *, by: User | None, at: datetime, name: str, external_id: str = "", **values: Any
) -> tuple[Company, bool]:
    """Make a company, or add to the one with this id elsewhere, or without an id to the one of this name.

    :raises fields.FieldRefused, fields.FieldInvalid: as for an edit; a name needs a letter or a digit.
    """
    key = {"external_id": one_line(external_id)} if external_id else {"external_id": None, "name_key": _name_key(name)}
    return _make(Company, key, {"name": name, **values}, by, at)


@atomic_with_retries
def create_project(*, by: User | None, at: datetime, project_id: str, **values: Any) -> tuple[Project, bool]:
    """Make a project, or add to the one with this ``project_id``.

    :raises fields.FieldInvalid: no ``project_id``, or as for an edit. :raises fields.FieldRefused: as for an edit.
    :raises ExistsOutOfScope: it is not ``by``'s to see. :raises RowDeleted: it was deleted.
    """
    key = one_line(project_id)
    if not key or len(key) > 100:
        raise fields.FieldInvalid(
            "A project needs the id it has elsewhere.", details={"project_id": "1 to 100 characters."}
        )
    return _make(Project, {"project_id": key}, values, by, at)


@atomic_with_retries
def put_in_project(
    *,
    project: Project,
    contact: Contact,
    roles: Iterable[str] = (),
    by: User | None,
    at: datetime,
    **values: Any,
) -> tuple[ProjectContact, bool]:
    """Give ``contact`` a part in ``project``; who has one keeps their roles and gets these besides.

    :raises RowDeleted: one of the two was deleted. :raises fields.FieldRefused, fields.FieldInvalid: as for an edit.
    """
    with acting(user=by and by.pk):
        contact = lock(contact)
        for row in (contact, Project.objects.get(pk=project.pk)):
            _refuse_deleted(row)
        known = ProjectContact.objects.filter(project=project, contact=contact).first()
        if known is None:
            found = fields.read(ProjectContact(), {"roles": list(roles), **values}, at=at)
            pair = ProjectContact.objects.create(project=project, contact=contact, **found)
            tell_reachability(pairs=[pair.pk])
            pair.refresh_from_db()
            return pair, True
        return edit(row=known, changes={"roles": [*known.roles, *roles], **values}, by=by, at=at), False


def _name_key(name: str) -> str:
    key = parse_company(name).key[:200]
    if not key:
        raise fields.FieldInvalid(
            "A company needs a name.", details={"name": "Write a name with a letter or a digit in it."}
        )
    return key


def _make(
    model: type[RowT], key: Mapping[str, Any], values: Mapping[str, Any], by: User | None, at: datetime
) -> tuple[RowT, bool]:
    """Find the row with this natural key and edit it, or make it; of two who make it at once one finds the other's."""
    with acting(user=by and by.pk):
        known = model.objects.filter(**key).first()
        if known is None:
            found = fields.read(model(), values, at=at)
            try:
                with transaction.atomic():
                    return model.objects.create(**{**key, **found}, edited=sorted(values)), True
            except IntegrityError:
                known = model.objects.get(**key)
        _refuse_hidden(known, by)
        return edit(row=known, changes=_said(values), by=by, at=at), False


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """A blank never overwrites."""
    return {name: value for name, value in values.items() if value not in ("", None, [], {})}


def _refuse_hidden(row: RowT, by: User | None) -> None:
    if by is not None and not type(row).objects.visible_to(by).filter(pk=row.pk).exists():
        raise ExistsOutOfScope(
            f"There is such a {row._meta.verbose_name} already, and it is somebody else's. Ask an admin."
        )
    _refuse_deleted(row)


def _refuse_deleted(row: models.Model) -> None:
    if getattr(row, "deleted_at", None):
        raise RowDeleted(f"{row} was deleted. Restore the {row._meta.verbose_name} first.")


def _keys(contact_id: str, phone: str, email: str) -> Keys:
    found: list[PointKey] = []
    faults: dict[str, str] = {}
    try:
        found += [("phone", parse_phone(phone).e164)] if phone.strip() else []
    except Unusable as trouble:
        faults["phone"] = str(trouble)
    try:
        found += [("email", parse_email(email))] if email.strip() else []
    except Unusable as trouble:
        faults["email"] = str(trouble)
    key = one_line(contact_id)
    if len(key) > 100:
        faults["contact_id"] = "At most 100 characters."
    if faults:
        raise points.UnusableValue("This contact cannot be kept: " + " ".join(faults.values()), details=faults)
    return Keys(key, found, ("", ""))


@atomic_with_retries
def _find_or_make(
    keys: Keys, given: Mapping[str, str], values: Mapping[str, Any], by: User | None, at: datetime
) -> tuple[Contact, bool]:
    directory = _directory(keys)
    known = find(directory, keys).person
    with acting(user=by and by.pk):
        if known is None:
            contact = _make_contact(keys, values, at)
            person = _Known(str(contact.pk), keys.contact_id, contact)
        else:
            _refuse_hidden(known.row, by)
            contact, person = edit(row=known.row, changes=_said(values), by=by, at=at), known
            _adopt(contact, keys.contact_id)
        lock_all(Endpoint, [UUID(line.id) for line in directory.lines.values()])  # together, in the order of their ids
        lines = sort_lines(directory, person, keys)
        for key in (*lines.unknown, *lines.own, *lines.shared):
            _give_point(contact, directory, key, given[key[0]], alone=key in lines.unknown, at=at)
        for other in lines.others:
            _list_for_review(contact, other, str(values.get("source", "")))
    contact.refresh_from_db()
    return contact, known is None


def _directory(keys: Keys) -> Directory[_Known]:
    """Who is known by these keys."""
    directory: Directory[_Known] = Directory()
    people: dict[Any, _Known] = {}

    def known(row: Contact) -> _Known:
        return people.setdefault(row.pk, _Known(str(row.pk), row.contact_id or "", row))

    if keys.contact_id:
        row = Contact.objects.filter(contact_id=keys.contact_id).first()
        alias = ContactAlias.objects.select_related("contact").filter(value=keys.contact_id).first()
        if row or alias:
            directory.by_contact_id[keys.contact_id] = known(row or alias.contact)  # type: ignore[union-attr]  # one is there
    for kind, value in keys.points:
        endpoint = Endpoint.objects.select_related("owner").filter(kind=kind, value=value).first()
        if endpoint:
            wrong = endpoint.points.filter(state=PointState.WRONG_PERSON).values_list("contact_id", flat=True)
            owner = known(endpoint.owner) if endpoint.owner else None
            directory.lines[kind, value] = Line(str(endpoint.pk), owner, frozenset(map(str, wrong)))
    return directory


def _make_contact(keys: Keys, values: Mapping[str, Any], at: datetime) -> Contact:
    found = fields.read(Contact(), values, at=at)
    if not found.get("name"):
        found["name"] = f"{found.get('first_name', '')} {found.get('last_name', '')}".strip()
    try:
        contact = Contact.objects.create(contact_id=keys.contact_id or None, edited=sorted(values), **found)
    except IntegrityError as error:
        raise _Lost from error
    quality.refresh(contact_ids=[contact.pk])
    return contact


def _adopt(contact: Contact, contact_id: str) -> None:
    if contact_id and not contact.contact_id:
        contact.contact_id = contact_id
        try:
            contact.save(update_fields=["contact_id", "updated_at"])
        except IntegrityError as error:
            raise _Lost from error


def _give_point(
    contact: Contact, directory: Directory[_Known], key: PointKey, value: str, *, alone: bool, at: datetime
) -> None:
    line = directory.lines.get(key)
    if line and str(contact.pk) in line.strangers:
        return  # somebody else answered there once
    point, _ = points.put_point(contact=contact, kind=key[0], value=value, at=at)
    if alone and point.endpoint and point.endpoint.owner_id != contact.pk:
        raise _Lost


def _list_for_review(contact: Contact, other: Others[_Known], source: str) -> None:
    kind = ReviewKind.SHARED_LINE if other.two_people else ReviewKind.TWO_OWNERS
    ReviewItem.objects.get_or_create(
        kind=kind, contact=contact, other=other.owner.row, value=other.line[1], defaults={"source": source}
    )
