"""New contacts, companies, projects and pairs. Whoever is known already is not made twice, but added to.

Known means: by their id elsewhere, else by phone, else by e-mail, as in an intake (``crm.services.matching``).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import IntegrityError, models, transaction

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import Company, Contact, Endpoint, Project, ProjectContact, User
from crm.services import fields, points, quality
from crm.services.changing import RowDeleted, edit, refuse_giving, refuse_loosening
from crm.services.clashes import broken_by
from crm.services.directory import Known, directory_of, keys_of, list_for_review, refuse_hidden_lines
from crm.services.locking import lock_all
from crm.services.matching import Directory, Keys, PointKey, find, sort_lines
from crm.services.normalization.companies import parse_company
from crm.services.normalization.text import one_line
from crm.services.scope import ExistsOutOfScope as ExistsOutOfScope
from crm.services.scope import lock_seen, refuse_hidden
from crm.signals import tell_reachability

TRIES: Final = 3
# The keys by which two who write at once mean the same row: whoever comes second finds it instead.
_KEYS: Final = frozenset(
    {"crm_contact_one_per_id", "crm_project_one_per_id", "crm_company_one_per_id", "crm_company_one_per_name"}
)
RowT = TypeVar("RowT", Contact, Company, Project)


class NobodyNamed(DomainError):
    """Without a name, a phone, an e-mail address or an id there is nobody to keep."""

    code = "nobody_named"


class TryAgain(Conflict):
    """Others keep writing the same contact."""

    code = "try_again"


class _Lost(Exception):
    """Somebody else wrote the same keys meanwhile: look again."""


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
    e-mail address that belongs to somebody else stays theirs, and both are listed for review. What ``by`` does not see
    is neither shared nor told of: one line of somebody hidden refuses the whole.

    :raises NobodyNamed: no name and no key.
    :raises points.UnusableValue: the phone or the e-mail address cannot be used.
    :raises fields.FieldRefused, fields.FieldInvalid: as for an edit.
    :raises changing.MayNotAssign: the contact is given to somebody else by somebody who may not.
    :raises ExistsOutOfScope: whoever is meant, or has one of the lines, is not ``by``'s to see.
    :raises RowDeleted: the one who is meant was deleted.
    :raises TryAgain: three times somebody else was faster.
    """
    keys = keys_of(contact_id, phone, email)
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
    """Make a company, or add to the one with this id elsewhere, else to the one of this name that has no id.

    The latter takes an id that is new, as in an intake.

    :raises fields.FieldRefused, fields.FieldInvalid: as for an edit; a name needs a letter or a digit.
    """
    named: dict[str, Any] = {"external_id": None, "name_key": _name_key(name)}
    values = {"name": name, **values}
    if not (key := one_line(external_id)):
        return _make(Company, named, values, by, at)
    if len(key) > 100:
        raise fields.FieldInvalid("This company cannot be kept.", details={"external_id": "At most 100 characters."})
    with acting(user=by and by.pk):
        if not Company.objects.filter(external_id=key).exists():
            _take_id(Company.objects.select_for_update(no_key=True).filter(**named).first(), key)
    return _make(Company, {"external_id": key}, values, by, at)


def _take_id(company: Company | None, external_id: str) -> None:
    if company is None:
        return
    company.external_id = external_id
    try:
        with transaction.atomic():
            company.save(update_fields=["external_id", "updated_at"])
    except IntegrityError as error:
        if broken_by(error) not in _KEYS:
            raise  # otherwise somebody has just made the company with this id: that one is meant


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
    """Give ``contact`` a part in ``project``; who has one keeps their roles and what is left blank, and gets the rest.

    :raises RowDeleted: one of the two was deleted. :raises MayNotLoosen: a callback would end their rest sooner.
    :raises fields.FieldRefused, fields.FieldInvalid: as for an edit.
    """
    with acting(user=by and by.pk):
        contact = lock_seen(contact, by)
        for row in (contact, Project.objects.get(pk=project.pk)):
            _refuse_unseen(row, by)
        known = ProjectContact.objects.filter(project=project, contact=contact).first()
        if known is None:
            found = fields.read(ProjectContact(), {"roles": list(roles), **values}, at=at)
            promised = {"callback_at": found.get("callback_at")}
            refuse_loosening(ProjectContact(project=project, contact=contact), promised, by, at=at)
            pair = ProjectContact.objects.create(project=project, contact=contact, **found)
            tell_reachability(pairs=[pair.pk])
            pair.refresh_from_db()
            return pair, True
        changes = {"roles": [*known.roles, *roles], **_said(values)}
        return edit(row=known, changes=changes, by=by, at=at), False


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
            refuse_giving(model, _said(values), by)
            try:
                with transaction.atomic():
                    return model.objects.create(**{**key, **found}, edited=sorted(_said(values))), True
            except IntegrityError as error:
                if broken_by(error) not in _KEYS:
                    raise
                known = model.objects.get(**key)
        _refuse_unseen(known, by)
        return edit(row=known, changes=_said(values), by=by, at=at), False


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """A blank never overwrites."""
    return {name: value for name, value in values.items() if value not in ("", None, [], {})}


def _refuse_unseen(row: models.Model, by: User | None) -> None:
    refuse_hidden(row, by)
    _refuse_deleted(row)


def _refuse_deleted(row: models.Model) -> None:
    if getattr(row, "deleted_at", None):
        raise RowDeleted(f"{row} was deleted. Restore the {row._meta.verbose_name} first.")


@atomic_with_retries
def _find_or_make(
    keys: Keys, given: Mapping[str, str], values: Mapping[str, Any], by: User | None, at: datetime
) -> tuple[Contact, bool]:
    directory = directory_of(keys)
    known = find(directory, keys).person
    with acting(user=by and by.pk):
        refuse_hidden_lines(directory, by)
        if known is None:
            contact = _make_contact(keys, values, by, at)
            person = Known(str(contact.pk), keys.contact_id, contact)
        else:
            _refuse_unseen(known.row, by)
            contact, person = edit(row=known.row, changes=_said(values), by=by, at=at), known
            _adopt(contact, keys.contact_id)
        lock_all(Endpoint, [UUID(line.id) for line in directory.lines.values()])  # together, in the order of their ids
        lines = sort_lines(directory, person, keys)
        for key in (*lines.unknown, *lines.own, *lines.shared):
            _give_point(contact, directory, key, given[key[0]], alone=key in lines.unknown, by=by, at=at)
        for other in lines.others:
            list_for_review(contact, other, str(values.get("source", "")))
    contact.refresh_from_db()
    return contact, known is None


def _make_contact(keys: Keys, values: Mapping[str, Any], by: User | None, at: datetime) -> Contact:
    found = fields.read(Contact(), values, at=at)
    refuse_giving(Contact, _said(values), by)
    if not found.get("name"):
        found["name"] = f"{found.get('first_name', '')} {found.get('last_name', '')}".strip()
    try:
        contact = Contact.objects.create(contact_id=keys.contact_id or None, edited=sorted(_said(values)), **found)
    except IntegrityError as error:
        raise _lost(error) from error
    quality.refresh(contact_ids=[contact.pk])
    return contact


def _adopt(contact: Contact, contact_id: str) -> None:
    if contact_id and not contact.contact_id:
        contact.contact_id = contact_id
        try:
            contact.save(update_fields=["contact_id", "updated_at"])
        except IntegrityError as error:
            raise _lost(error) from error


def _lost(error: IntegrityError) -> Exception:
    """What a broken constraint means: that somebody else was faster with the same key, or something else altogether."""
    return _Lost() if broken_by(error) in _KEYS else error


def _give_point(
    contact: Contact,
    directory: Directory[Known],
    key: PointKey,
    value: str,
    *,
    alone: bool,
    by: User | None,
    at: datetime,
) -> None:
    line = directory.lines.get(key)
    if line and str(contact.pk) in line.strangers:
        return  # somebody else answered there once
    point, _ = points.put_point(contact=contact, kind=key[0], value=value, by=by, at=at)
    if alone and point.endpoint and point.endpoint.owner_id != contact.pk:
        raise _Lost
