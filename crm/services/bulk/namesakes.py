"""Equal names in one project, with and without a number: likely one person, so somebody should look (DESIGN 6)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crm.services.bulk.resolving import Known, Resolved
from crm.services.bulk.staging import Staging
from crm.services.bulk.states import Pair, Somebody

NameIn = tuple[str, str]  # (id of the project, folded name)

# Each pair of the projects is visited once, however many names are asked for.
_NAMED = """
WITH here AS MATERIALIZED (
    SELECT pc.project_id, pc.contact_id, pc.listed_name FROM unnest(%(projects)s::uuid[]) AS p (id)
    JOIN crm_projectcontact pc ON pc.project_id = p.id
)
SELECT DISTINCT here.project_id::text, c.id::text, here.listed_name IS NOT NULL
FROM here JOIN crm_contact c ON c.id = here.contact_id
LEFT JOIN intake_key k ON k.kind = 'named' AND k.value = here.project_id::text
     AND k.detail = lower(coalesce(c.attributes ->> 'listed_as', c.name))
WHERE k.kind IS NOT NULL OR c.id = ANY(%(people)s::uuid[])
"""
_LISTED_HERE = """
SELECT k.value, k.detail, pc.contact_id::text
FROM intake_key k JOIN crm_projectcontact pc ON pc.project_id = k.value::uuid AND pc.listed_name = k.detail
WHERE k.kind = 'here'
"""


@dataclass(slots=True)
class Namesakes:
    """Who goes by which name in the projects of a chunk; told of every pair in the order of their birth.

    ``listed`` are those created by their name, ``named`` those whom a better key identifies.
    """

    listed: dict[NameIn, str] = field(default_factory=dict)
    named: dict[NameIn, list[Somebody]] = field(default_factory=lambda: defaultdict(list))
    paired: set[tuple[str, str]] = field(default_factory=set)  # (project, contact) of everybody in ``named``
    renamed: dict[str, Somebody] = field(default_factory=dict)

    def know(self, project: str, person: Somebody) -> None:
        """Take in that ``person`` is in ``project``, identified by more than their name."""
        if (project, person.id) not in self.paired:
            self.paired.add((project, person.id))
            self.named[project, person.name_key()].append(person)

    def meet(self, project: str, person: Somebody, listed_name: str | None) -> Iterator[str]:
        """Yield the ids of those in ``project`` who may be ``person``, who is new there, and remember them."""
        if listed_name is None:
            other = self.listed.get((project, person.name_key()))
            self.know(project, person)
            if other:
                yield other
            return
        for one in (*self.named.get((project, listed_name), ()), *self.renamed.values()):
            if (project, one.id) in self.paired and one.name_key() == listed_name:
                yield one.id
        self.listed[project, listed_name] = person.id


def read_namesakes(staging: Staging, known: Known, found: Resolved, pairs: Mapping[tuple[str, str], Pair]) -> Namesakes:
    """Return who goes by which name in the projects where somebody new will stand."""
    new_here = [party for party in found.parties if party.project and (party.project.id, party.person.id) not in pairs]
    named = _named(staging, known, found)
    staging.read_contacts([*(person for _, person in named), *(party.person for party in new_here)])
    namesakes = Namesakes(dict(known.listed))
    names = _names(found)
    asked = {(party.project.id, party.said.listed_key) for party in found.parties if party.project}
    wanted = {
        (party.project.id, name)
        for party in new_here
        if party.project and not party.project.born
        for name in {party.person.name_key(), *names[party.person.id]}
    }
    if wanted := wanted - asked:
        staging.stage({("here", project, name) for project, name in wanted})
        namesakes.listed.update({(project, name): id_ for project, name, id_ in staging.rows(_LISTED_HERE)})
    for project, person in named:
        namesakes.know(project, person)
    return namesakes


def _named(staging: Staging, known: Known, found: Resolved) -> list[tuple[str, Somebody]]:
    """Those whom a better key identifies, in the projects where somebody is created by their name."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for party in found.parties:
        if party.first and party.by == "name" and party.project and not party.project.born:
            wanted[party.project.id].add(party.said.listed_key)
    if not wanted:
        return []
    staging.stage({("named", project, name.lower()) for project, names in wanted.items() for name in names})
    ids = [person.id for person in known.by_id.values() if not person.born]
    told = staging.rows(_NAMED, {"projects": list(wanted), "people": ids})
    return [(project, known.person(id_)) for project, id_, is_listed in told if not is_listed]


def _names(found: Resolved) -> dict[str, set[str]]:
    """What anybody is called in this chunk: a name that is said in one row may be theirs in the next."""
    names: dict[str, set[str]] = defaultdict(set)
    for party in found.parties:
        if party.said.name_key:
            names[party.person.id].add(party.said.name_key)
    return names
