"""Who is known by the keys of one contact: the directory that ``crm.services.matching`` reads, for a single record."""

from dataclasses import dataclass
from typing import Any

from crm.choices import PointState, ReviewKind
from crm.models import Contact, ContactAlias, Endpoint, ReviewItem, User
from crm.services import points
from crm.services.matching import Directory, Keys, Line, Others, PointKey
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line
from crm.services.scope import refuse_hidden


@dataclass(slots=True, eq=False)
class Known:
    id: str
    contact_id: str
    row: Contact


def keys_of(contact_id: str, phone: str, email: str) -> Keys:
    """Return the keys of a contact, as they are kept.

    :raises points.UnusableValue: one of them cannot be used; ``details`` name all that cannot.
    """
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


def directory_of(keys: Keys) -> Directory[Known]:
    """Who is known by these keys."""
    directory: Directory[Known] = Directory()
    people: dict[Any, Known] = {}

    def known(row: Contact) -> Known:
        return people.setdefault(row.pk, Known(str(row.pk), row.contact_id or "", row))

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


def refuse_hidden_lines(directory: Directory[Known], by: User | None) -> None:
    """:raises ExistsOutOfScope: the keys mean somebody whom ``by`` does not see, or a line of such a person."""
    people = [line.owner for line in directory.lines.values() if line.owner]
    for person in (*directory.by_contact_id.values(), *people):
        refuse_hidden(person.row, by)


def list_for_review(contact: Contact, other: Others[Known], source: str) -> None:
    """Let a person look at two contacts who have a line in common."""
    kind = ReviewKind.SHARED_LINE if other.two_people else ReviewKind.TWO_OWNERS
    ReviewItem.objects.get_or_create(
        kind=kind, contact=contact, other=other.owner.row, value=other.line[1], defaults={"source": source}
    )
