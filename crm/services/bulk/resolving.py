"""The first pass over a chunk: which project, company and contact each row means, strictly in the order of the file.

Nothing is decided here about what will be written; that is the second pass (``applying``), which needs to read more
about those who turned out to be meant.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from crm.services.bulk.preparing import CompanySaid, PartySaid, ProjectSaid, RowSaid, Said
from crm.services.bulk.states import Somebody, SourceState, Thing
from crm.services.matching import Directory, Keys, Line, Lines, PointKey, find, sort_lines

PARTIES: Final = 20  # bits of a position that number the parties of a row
SourceKey = tuple[str, str]  # (kind, key)


class ThingMention(NamedTuple):
    """A project or company as a row speaks of it, with news about it."""

    row: int
    thing: Thing
    said: ProjectSaid | CompanySaid
    before: str | None  # what the same source said before; None: its first word about this thing
    first: bool  # the thing is born by it


class PartyMention(NamedTuple):
    """A contact as a row speaks of them. Without news only their part in the project is looked at."""

    row: int
    person: Somebody
    said: PartySaid
    project: Thing | None
    company: Thing | None
    by: str  # the kind of key that decided
    before: str | None
    first: bool
    news: bool
    lines: Lines[Somebody]


class Swallowed(NamedTuple):
    """A row that names somebody new on the line of ``person``, who was deleted and is not brought back by it."""

    person: Somebody
    said: PartySaid


NO_LINES: Lines[Somebody] = Lines([], [], [], [])


@dataclass(slots=True)
class Known:
    """What the database knows about the keys of a chunk; the first pass adds who is born in it."""

    sources: dict[SourceKey, SourceState] = field(default_factory=dict)
    projects: dict[str, Thing] = field(default_factory=dict)
    companies_by_id: dict[str, Thing] = field(default_factory=dict)
    companies_by_name: dict[str, Thing] = field(default_factory=dict)
    people: Directory[Somebody] = field(default_factory=Directory)
    by_id: dict[str, Somebody] = field(default_factory=dict)
    listed: dict[tuple[str, str], str] = field(default_factory=dict)  # (id of the project, name): id of the contact

    def person(self, key: str) -> Somebody:
        """Return the one state of the contact with this id; a new one has not been read yet."""
        person = self.by_id.get(key)
        if person is None:
            person = self.by_id[key] = Somebody(key, version="unread")
        return person


@dataclass(slots=True)
class Resolved:
    projects: list[ThingMention] = field(default_factory=list)
    companies: list[ThingMention] = field(default_factory=list)
    parties: list[PartyMention] = field(default_factory=list)
    people: set[str] = field(default_factory=set)  # ids of all whom a row is about, with or without news
    new_lines: dict[PointKey, Line[Somebody]] = field(default_factory=dict)  # endpoints that are born
    taken_lines: dict[PointKey, Line[Somebody]] = field(default_factory=dict)  # endpoints that had no owner
    swallowed: dict[int, Swallowed] = field(default_factory=dict)  # rows (their number in the file) that are refused


class Resolver:
    """Works through the rows of one chunk. ``run`` names the run, ``new_id`` makes keys that sort by their birth."""

    def __init__(self, known: Known, *, run: str, new_id: Callable[[], str]) -> None:
        self._known, self._run, self._new_id = known, run, new_id
        self._position = 0  # in the run
        self._found = Resolved()
        self._deleted = any(person.deleted for person in known.by_id.values())

    def resolve(self, rows: Sequence[RowSaid]) -> Resolved:
        for number, row in enumerate(rows):
            self._position = row.row << PARTIES
            if self._deleted and (swallowed := self._swallowed(row)):
                self._found.swallowed[row.row] = swallowed
                continue
            project = self._project(number, row.project) if row.project else None
            for party in row.parties:
                self._position += 1
                self._party(number, party, project, row.project.project_id if row.project else "")
        return self._found

    def _swallowed(self, row: RowSaid) -> Swallowed | None:
        """Whom a party of the row would become part of, though another name says that it is not the same person."""
        project_id = row.project.project_id if row.project else ""
        for number, said in enumerate(row.parties, start=1):
            if self._source("party", said.said).repeats(said.said, self._run, self._position + number):
                continue
            person, by = find(self._known.people, _keys(said, project_id))
            named_otherwise = person and said.name_key not in ("", person.name_key())
            if person and person.deleted and named_otherwise and by in ("phone", "email"):
                return Swallowed(person, said)
        return None

    def _project(self, row: int, said: ProjectSaid) -> Thing:
        source = self._source("project", said.said)
        thing = self._known.projects.get(said.project_id)
        if thing is not None and source.repeats(said.said, self._run, self._position) and source.target == thing.id:
            return thing
        first = thing is None
        if thing is None:
            thing = self._known.projects[said.project_id] = Thing(self._new_id(), said=said)
        before = self._hear("project", said.said, thing.id)
        self._found.projects.append(ThingMention(row, thing, said, before, first))
        return thing

    def _company(self, row: int, said: CompanySaid) -> Thing:
        known = self._known
        thing = known.companies_by_id.get(said.external_id) or known.companies_by_name.get(said.name_key)
        if thing is not None and self._no_news_of(thing, said.said):
            return thing
        first = thing is None
        if thing is None:
            thing = Thing(self._new_id(), said=said)
        if said.external_id:  # a company that was known by its name only takes the id
            known.companies_by_id[said.external_id] = thing
            known.companies_by_name.pop(said.name_key, None)
        else:
            known.companies_by_name[said.name_key] = thing
        before = self._hear("company", said.said, thing.id) if said.said else None
        self._found.companies.append(ThingMention(row, thing, said, before, first))
        return thing

    def _no_news_of(self, company: Thing, said: Said | None) -> bool:
        if said is None:
            return True
        source = self._source("company", said)
        return source.repeats(said, self._run, self._position) and source.target == company.id

    def _party(self, row: int, said: PartySaid, project: Thing | None, project_id: str) -> None:
        source = self._source("party", said.said)
        if source.repeats(said.said, self._run, self._position):
            self._found.people.add(source.target)
            if said.contact_id and project:
                again = self._known.person(source.target)
                mention = PartyMention(row, again, said, project, None, "", None, False, False, NO_LINES)
                self._found.parties.append(mention)
            return
        keys = _keys(said, project_id)
        match = find(self._known.people, keys)
        person = match.person or self._born(said, keys, match.by)
        self._found.people.add(person.id)
        company = self._company(row, said.company) if said.company else None
        lines = self._learn(person, keys)
        before = self._hear("party", said.said, person.id)
        self._found.parties.append(
            PartyMention(row, person, said, project, company, match.by, before, match.person is None, True, lines)
        )

    def _born(self, said: PartySaid, keys: Keys, by: str) -> Somebody:
        person = Somebody(self._new_id(), said=said, contact_id=said.contact_id)
        self._known.by_id[person.id] = person
        if by == "name":
            self._known.people.listed[keys.listed] = person
        return person

    def _learn(self, person: Somebody, keys: Keys) -> Lines[Somebody]:
        """Write into the directory what the record adds to it."""
        people = self._known.people
        if keys.contact_id and keys.contact_id not in people.by_contact_id:
            person.contact_id = keys.contact_id  # whoever matched without one adopts it
            people.by_contact_id[keys.contact_id] = person
        lines = sort_lines(people, person, keys)
        for key in lines.unknown:
            line = people.lines.get(key)
            if line is None:
                line = people.lines[key] = self._found.new_lines[key] = Line(self._new_id())
            else:
                self._found.taken_lines[key] = line
            line.owner = person
        return lines

    def _source(self, kind: str, said: Said) -> SourceState:
        key = (kind, said.key)
        source = self._known.sources.get(key)
        if source is None:
            source = self._known.sources[key] = SourceState(self._new_id(), kind, said.key)
        return source

    def _hear(self, kind: str, said: Said, target: str) -> str | None:
        return self._source(kind, said).hears(said, self._run, self._position, target)


def _keys(said: PartySaid, project_id: str) -> Keys:
    return Keys(said.contact_id, [point[:2] for point in said.points], (project_id, said.listed_key))
