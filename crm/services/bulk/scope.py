"""Rows that would touch a contact or project which their sender does not see are refused without saying more."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from crm.models import Contact, Project, User
from crm.services.bulk.preparing import PartySaid, RowSaid
from crm.services.bulk.resolving import Known
from crm.services.feeds.records import Refused

REASON = "This project, or somebody in it, is known and looked after by somebody else. Ask an administrator."


def out_of_scope(known: Known, rows: Sequence[RowSaid], user: User) -> dict[int, Refused]:
    """Return a refusal for each row whose keys mean a project or contact that ``user`` does not see."""
    if user.sees_everything:
        return {}
    meant = {row.row: set(_meant(known, row)) for row in rows}
    hidden = _hidden(set().union(*meant.values()), user)
    return {
        row.row: Refused(row.row, row.line, {}, "exists_out_of_scope", REASON)
        for row in rows
        if not row.refused and meant[row.row] & hidden
    }


def _meant(known: Known, row: RowSaid) -> Iterator[str]:
    if row.project and row.project.project_id in known.projects:
        yield known.projects[row.project.project_id].id
    for party in row.parties:
        yield from _people(known, party, row.project.project_id if row.project else "")


def _people(known: Known, party: PartySaid, project_id: str) -> Iterator[str]:
    source = known.sources.get(("party", party.said.key))
    if source and source.target:
        yield source.target
    people = known.people
    found = [people.by_contact_id.get(party.contact_id), people.listed.get((project_id, party.listed_key))]
    found += [line.owner for point in party.points if (line := people.lines.get(point[:2]))]
    yield from (person.id for person in found if person is not None)


def _hidden(ids: Iterable[str], user: User) -> set[str]:
    keys = [UUID(key) for key in ids]
    hidden = set()
    for rows in (Contact.objects.filter(pk__in=keys), Project.objects.filter(pk__in=keys)):
        hidden |= {*rows.values_list("pk", flat=True)} - {*rows.visible_to(user).values_list("pk", flat=True)}
    return {str(key) for key in hidden}
