"""The lines of COPY for everything that is born in a chunk, each table in the order of its unique key."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from crm.services.bulk.book import Book
from crm.services.bulk.columns import COMPANY, Columns, array, copy_line, escaped, quality
from crm.services.bulk.preparing import BORN_COMPANY, BORN_CONTACT, BORN_PROJECT, CompanySaid, PartySaid, ProjectSaid
from crm.services.bulk.resolving import Known, Resolved
from crm.services.bulk.states import NewPair, Somebody, SourceState, Thing

FOR_EVER: Final = "2000-01-01T00:00:00+00:00"  # since when somebody may be called against whom nothing stands
NULL: Final = "\\N"


class Births(NamedTuple):
    table: str
    columns: str
    lines: Iterable[str]


@dataclass(frozen=True, slots=True)
class Midwife:
    """Makes the lines. ``profiles`` gives the id of every hours profile that a line needs, "" among the keys."""

    known: Known
    found: Resolved
    book: Book
    source: str
    at: str
    profiles: Mapping[str, str]
    new_id: Callable[[], str]

    def all(self) -> Iterator[Births]:
        yield Births("crm_project", _names("id", "owner_id", BORN_PROJECT), self._projects())
        yield Births("crm_company", _names("id", BORN_COMPANY), self._companies())
        yield Births("crm_contact", _names("id", "company_id", "owner_id", BORN_CONTACT), self._contacts())
        yield Births("crm_endpoint", "id, kind, value, owner_id, line_type, hours_profile_id", self._endpoints())
        yield Births(
            "crm_contactpoint",
            "id, contact_id, endpoint_id, kind, value_given, extension, label, is_primary, verified_at",
            self._points(),
        )
        yield Births(
            "crm_contactpoint",
            "id, contact_id, kind, value_given, label, street, city, region, postal_code, country, verified_at",
            self._places(),
        )
        yield Births(
            "crm_projectcontact",
            "id, project_id, contact_id, roles, listed_name, priority, callable_from, hours_profile_id"
            ", is_primary, suppress_for_project, suppress_reason",
            self._pairs(),
        )
        yield Births(
            "crm_sourcerecord",
            "id, source, kind, key, hash, raw, run_id, position, contact_id, project_id, company_id"
            ", first_seen_at, changed_at",
            (f"{source_line(source, self.source)}\t{self.at}\t{self.at}" for source in self._sources()),
        )

    def _projects(self) -> list[str]:
        return [self._project(thing) for thing in sorted(self.book.projects, key=_key)]

    def _project(self, thing: Thing) -> str:
        if thing.columns is None and thing.said is not None:
            return f"{thing.id}\t{thing.owner_id or NULL}\t{thing.said.line}"
        row = {**thing.now(), "source": self.source}
        return copy_line([thing.id, row["owner_id"], *(row[name] for name in BORN_PROJECT)])

    def _companies(self) -> list[str]:
        return [self._company(thing) for thing in sorted(self.book.companies, key=_key)]

    def _company(self, thing: Thing) -> str:
        if thing.columns is None and thing.said is not None:
            return f"{thing.id}\t{thing.said.line}"
        return copy_line([thing.id, *(thing.now()[name] for name in COMPANY), self.source])

    def _contacts(self) -> list[str]:
        return [self._contact(person) for person in sorted(self.book.contacts, key=_key)]

    def _contact(self, person: Somebody) -> str:
        if person.columns is None and person.said is not None:
            return f"{person.id}\t{person.company_id or NULL}\t{person.owner_id or NULL}\t{person.said.line}"
        first = {f"primary_{kind}": person.primaries.get(kind, "") for kind in ("phone", "email")}
        row: Columns = {**person.now(), **first, "source": self.source}
        row["data_quality"] = quality(row)
        return copy_line([person.id, row["company_id"], row["owner_id"], *(row[name] for name in BORN_CONTACT)])

    def _endpoints(self) -> Iterator[str]:
        for (kind, value), point in sorted(self.book.endpoints.items()):
            line = self.found.new_lines[kind, value]
            owner = line.owner.id if line.owner else NULL
            profile = self.profiles[point.profile] if kind == "phone" else NULL
            yield f"{line.id}\t{kind}\t{escaped(value)}\t{owner}\t{point.line_type}\t{profile}"

    def _points(self) -> Iterator[str]:
        for id_, person, endpoint, point, is_primary in self.book.points.values():
            given, extension, label = escaped(point.given), escaped(point.extension), escaped(point.label)
            primary = "t" if is_primary else "f"
            about = f"{point.kind}\t{given}\t{extension}\t{label}\t{primary}\t{self._since(point.verified)}"
            yield f"{id_}\t{person.id}\t{endpoint}\t{about}"

    def _places(self) -> Iterator[str]:
        for id_, person, place in self.book.places:
            texts = "\t".join(map(escaped, place[1:8]))
            yield f"{id_}\t{person.id}\t{place.kind}\t{texts}\t{self._since(place.verified)}"

    def _since(self, verified: str) -> str:
        return self.at if verified == "now" else verified or NULL

    def _pairs(self) -> Iterator[str]:
        for pair in sorted(self.book.pairs, key=lambda pair: (pair.project.id, pair.person.id)):
            since, profile = self._hint(pair) if is_plain(pair) else (NULL, NULL)
            listed = NULL if pair.listed_name is None else escaped(pair.listed_name)
            roles = escaped(array(pair.roles))
            ids = f"{pair.id}\t{pair.project.id}\t{pair.person.id}"
            closed = f"{'t' if pair.suppressed else 'f'}\t{escaped(pair.reason)}"
            primary = "t" if pair.is_primary else "f"
            yield f"{ids}\t{roles}\t{listed}\t{pair.priority}\t{since}\t{profile}\t{primary}\t{closed}"

    def _hint(self, pair: NewPair) -> tuple[str, str]:
        """Since when a plain pair may be called, and the profile of its number."""
        number = pair.person.primaries.get("phone")
        profile = self.profiles[self.book.endpoints["phone", number].profile if number else ""]
        shut = not number or pair.suppressed or pair.person.refuses_calls()
        since = None if shut else _opens(pair.project)
        return since or NULL, profile

    def _sources(self) -> list[SourceState]:
        born = [source for source in self.known.sources.values() if source.dirty and not source.version]
        return sorted(born, key=lambda source: (source.key, source.kind))


def is_plain(pair: NewPair) -> bool:
    """Whether nothing can be known against a call: person, lines and project are all born in this chunk.

    Such a pair is born with its hint; for all others ``calls`` looks at what has happened.
    """
    return pair.person.born and pair.project.born and not pair.person.shares


def source_line(source: SourceState, name: str) -> str:
    """Return the line of a source record up to, not including, its moments."""
    targets = (source.target if source.kind == kind else NULL for kind in ("party", "project", "company"))
    return "\t".join(
        (
            *(source.id, escaped(name), source.kind, escaped(source.key), source.hash, escaped(source.raw)),
            *(source.run, str(source.position), *targets),
        )
    )


def _opens(project: Thing) -> str | None:
    """Since when somebody of this new project may be called; None: never."""
    said = project.said
    if project.columns is None and isinstance(said, ProjectSaid):
        suppressed, opens = said.suppressed, said.opens_at
    else:
        suppressed, opens = project.now()["call_suppressed"], project.now()["next_call_eligible_at"]
    return None if suppressed else max(opens or FOR_EVER, FOR_EVER)


def _names(*parts: str | tuple[str, ...]) -> str:
    return ", ".join(name for part in parts for name in ([part] if isinstance(part, str) else part))


def _key(thing: Thing) -> tuple[str, ...]:
    """The unique key of a new row, as far as it has one."""
    if isinstance(thing.said, ProjectSaid):
        return (thing.said.project_id,)
    if isinstance(thing.said, CompanySaid):
        return thing.said.external_id, thing.said.name_key
    return (thing.said.contact_id,) if isinstance(thing.said, PartySaid) else ()
