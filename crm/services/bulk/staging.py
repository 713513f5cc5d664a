"""What the database knows about a chunk: keys are staged with COPY, and one plain set join per kind of key answers.

Never LATERAL .. LIMIT 1: for that PostgreSQL walks a primary key once for every staged row (minutes instead of
milliseconds). Nothing is locked here; rows carry their version (``xmin``), and whoever writes proves it unchanged.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

import orjson

from crm.services.bulk.book import PlaceOfPoint
from crm.services.bulk.columns import COMPANY, CONTACT, PROJECT, are_plain, escaped
from crm.services.bulk.preparing import PartySaid, RowSaid
from crm.services.bulk.resolving import Known, Resolved
from crm.services.bulk.states import KnownPoint, Pair, Somebody, SourceState, Thing
from crm.services.matching import Line

Key = tuple[str, str, str]  # (kind, value, detail)

TABLES: Final = {"project": "crm_project", "company": "crm_company", "contact": "crm_contact"}
COLUMNS: Final = {"project": PROJECT, "company": COMPANY, "contact": CONTACT}
_KEYS: Final = {"company": "company_id", "owner": "owner_id"}  # fields whose columns are called otherwise
_JSON: Final = frozenset({"attributes", "profiles"})  # Django has them come as texts
_AS_TEXT: Final = frozenset(
    {"company_id", "consent_at", "value", "bid_on", "starts_on", "event_on", "annual_revenue", "owner_id"}
)

# The joins below have no condition on a big table but the equality of keys: before its statistics exist, PostgreSQL
# takes any other for so selective that it loops over the staged keys once for every row.
_TABLE = "CREATE TEMP TABLE intake_key (kind text, value text, detail text, source text) ON COMMIT DROP"
_FEW = "SET LOCAL default_statistics_target = 10"  # how many keys there are of each kind is all that the planner asks

_SOURCES = """
SELECT DISTINCT ON (s.id)
       s.id::text, s.kind, s.key, encode(uuid_send(s.hash), 'hex'),
       CASE WHEN s.hash <> k.detail::uuid THEN s.raw::text ELSE '' END,
       coalesce(encode(uuid_send(s.run_id), 'hex'), ''), s.position,
       coalesce(s.contact_id, s.project_id, s.company_id)::text, s.xmin::text
FROM intake_key k JOIN crm_sourcerecord s ON s.key = k.value AND s.kind = k.kind AND s.source = k.source
ORDER BY s.id, s.hash = k.detail::uuid
"""
_PROJECTS = """
SELECT k.value, p.id::text FROM intake_key k JOIN crm_project p ON p.project_id = k.value WHERE k.kind = 'project_id'
"""
_COMPANIES = """
SELECT k.kind, k.value, c.id::text, true FROM intake_key k JOIN crm_company c ON c.external_id = k.value
WHERE k.kind = 'external_id'
UNION ALL
SELECT k.kind, k.value, c.id::text, c.external_id IS NULL FROM intake_key k JOIN crm_company c ON c.name_key = k.value
WHERE k.kind = 'name_key'
"""
_BY_CONTACT_ID = """
SELECT k.value, c.id::text FROM intake_key k JOIN crm_contact c ON c.contact_id = k.value WHERE k.kind = 'contact_id'
UNION ALL
SELECT k.value, a.contact_id::text FROM intake_key k JOIN crm_contactalias a ON a.value = k.value
WHERE k.kind = 'contact_id'
"""
_LINES = """
SELECT k.kind, k.value, e.id::text, e.owner_id::text
FROM intake_key k JOIN crm_endpoint e ON e.value = k.value AND e.kind = k.kind
WHERE k.kind IN ('phone', 'email')
"""
_STRANGERS = """
SELECT endpoint_id::text, contact_id::text FROM crm_contactpoint
WHERE endpoint_id = ANY(%s::uuid[]) AND state = 'wrong_person'
"""
_LISTED = """
SELECT k.detail, k.value, pc.project_id::text, pc.contact_id::text
FROM intake_key k JOIN crm_project p ON p.project_id = k.detail
JOIN crm_projectcontact pc ON pc.project_id = p.id AND pc.listed_name = k.value
WHERE k.kind = 'listed'
"""
_PAIRS = """
SELECT pc.id::text, pc.project_id::text, pc.contact_id::text, pc.roles, pc.suppress_for_project
FROM intake_key k JOIN crm_projectcontact pc ON pc.project_id = k.value::uuid AND pc.contact_id = k.detail::uuid
WHERE k.kind = 'pair'
"""
_POINTS = """
SELECT cp.contact_id::text, cp.endpoint_id::text, cp.id::text, cp.xmin::text, cp.extension, cp.label, cp.verified_at,
       cp.state = 'good'
FROM intake_key k JOIN crm_contactpoint cp ON cp.contact_id = k.value::uuid AND cp.endpoint_id = k.detail::uuid
WHERE k.kind = 'point'
"""


class RaceLost(Exception):
    """Somebody else has changed what this chunk is about since it was read. Nothing is written; read it again."""


class Staging:
    """The staged keys of one chunk; lives inside the transaction that writes it."""

    def __init__(self, cursor: Any, *, source: str) -> None:
        self._cursor, self._source = cursor, source

    def __enter__(self) -> Self:
        self._cursor.execute(_FEW)
        self._cursor.execute(_TABLE)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if kind is None:  # an error ends the transaction, and the table with it
            self._cursor.execute("DROP TABLE intake_key")

    def known(self, rows: Sequence[RowSaid]) -> Known:
        """Return whatever the database knows about the keys of these rows."""
        known = Known()
        self.stage(_said_keys(rows))
        for id_, kind, key, hash_, raw, run, position, target, version in self.rows(_SOURCES):
            state = SourceState(id_, kind, key, hash_, raw, run, position, target or "", version)
            known.sources[kind, key] = state
        news = [party for row in rows for party in row.parties if _is_news(known, party)]
        projects = {("project_id", row.project.project_id, "") for row in rows if row.project}
        self.stage(projects.union(*map(_keys, news)))
        known.projects.update((project_id, Thing(id_, "unread")) for project_id, id_ in self.rows(_PROJECTS))
        for kind, value, id_, found_by in self.rows(_COMPANIES):
            index = known.companies_by_id if kind == "external_id" else known.companies_by_name
            if found_by:
                index[value] = Thing(id_, "unread")
        self._people(known, rows, news)
        return known

    def _people(self, known: Known, rows: Sequence[RowSaid], news: Sequence[PartySaid]) -> None:
        people = known.people
        self.stage({("listed", name, project) for project, name in _listed_names(known, rows)})
        for contact_id, id_ in self.rows(_BY_CONTACT_ID):
            people.by_contact_id[contact_id] = known.person(id_)
        for kind, value, id_, owner in self.rows(_LINES):
            people.lines[kind, value] = Line(id_, known.person(owner) if owner else None)
        for project, name, project_id, id_ in self.rows(_LISTED):
            people.listed[project, name] = known.person(id_)
            known.listed[project_id, name] = id_
        for party in news:
            source = known.sources.get(("party", party.said.key))
            if source and source.target and party.said.key.startswith("||name:"):
                people.listed["", party.listed_key] = known.person(source.target)
        self._strangers(known)
        self.read_contacts(known.by_id.values())

    def _strangers(self, known: Known) -> None:
        free = {line.id: line for line in known.people.lines.values() if line.owner is None}
        for endpoint, contact in self.rows(_STRANGERS, [list(free)]) if free else ():
            free[endpoint].strangers |= {contact}

    def read_contacts(self, people: Iterable[Somebody]) -> None:
        """Read those of ``people`` who have not been read."""
        unread = {person.id: person for person in people if person.version == "unread"}
        asked = "EXISTS (SELECT FROM crm_consent x WHERE x.contact_id = t.id)"
        primaries = "ARRAY(SELECT p.kind::text FROM crm_contactpoint p WHERE p.contact_id = t.id AND p.is_primary)"
        more = [primaries, asked, "deleted_at IS NOT NULL"]
        for person, (kinds, asked, deleted) in self._read("contact", unread, more):
            person.contact_id = person.columns["contact_id"] or ""
            person.primaries = dict.fromkeys(kinds, "")
            person.asked, person.deleted = asked, deleted

    def read_things(self, found: Resolved) -> None:
        """Read the projects and companies that there is news about."""
        for kind, mentions in (("project", found.projects), ("company", found.companies)):
            self._read_all(kind, [mention.thing for mention in mentions])

    def _read_all(self, kind: str, things: Iterable[Thing]) -> None:
        unread = {thing.id: thing for thing in things if thing.version == "unread"}
        for _ in self._read(kind, unread):
            pass

    def _read(self, kind: str, unread: dict[str, Any], more: Sequence[str] = ()) -> Iterable[tuple[Any, Sequence[Any]]]:
        if not unread:
            return
        names = COLUMNS[kind]
        columns = [f"{name}::text" if name in _AS_TEXT else name for name in names]
        wanted = ["id::text", "xmin::text", "edited", *columns]
        sql = f"SELECT {', '.join([*wanted, *more])} FROM {TABLES[kind]} t WHERE id = ANY(%s::uuid[])"  # noqa: S608 - our own names
        rows = self.rows(sql, [list(unread)])
        for id_, version, edited, *values in rows:
            thing = unread[id_]
            thing.version = version
            thing.edited = frozenset(_KEYS.get(name, name) for name in edited)
            thing.stored = {name: _plain(name, value) for name, value in zip(names, values, strict=False)}
            thing.columns = thing.stored.copy()
            yield thing, values[len(names) :]
        if any(thing.version == "unread" for thing in unread.values()):
            raise RaceLost(f"A {kind} was deleted meanwhile.")

    def pairs(self, found: Resolved) -> dict[tuple[str, str], Pair]:
        """Return which of the pairs that the rows speak of exist."""
        self.stage(
            {
                ("pair", party.project.id, party.person.id)
                for party in found.parties
                if party.project and not party.project.born and not party.person.born
            }
        )
        found_pairs = self.rows(_PAIRS)
        return {(project, contact): Pair(id_, roles, shut, "") for id_, project, contact, roles, shut in found_pairs}

    def points(self, known: Known, found: Resolved) -> dict[PlaceOfPoint, KnownPoint]:
        """Return those of the points that the rows speak of that exist."""
        wanted = {
            ("point", party.person.id, known.people.lines[key].id)
            for party in found.parties
            if not party.person.born
            for key in (*party.lines.unknown, *party.lines.own, *party.lines.shared)
            if key not in found.new_lines
        }
        self.stage(wanted)
        found_points = self.rows(_POINTS) if wanted else ()
        return {
            (contact, endpoint): KnownPoint(id_, version, contact, extension, label, _moment(verified), good)
            for contact, endpoint, id_, version, extension, label, verified, good in found_points
        }

    def stage(self, keys: Iterable[Key]) -> None:
        """Add keys to those that are staged; they are no more than a chunk speaks of."""
        keys, source = list(keys), escaped(self._source)
        lines = "".join([f"{kind}\t{value}\t{detail}\t{source}\n" for kind, value, detail in keys])
        if not are_plain(lines, rows=len(keys), width=4):
            lines = "".join(f"{kind}\t{escaped(value)}\t{escaped(detail)}\t{source}\n" for kind, value, detail in keys)
        if lines:
            with self._cursor.copy("COPY intake_key FROM STDIN") as copy:
                copy.write(lines)
            self._cursor.execute("ANALYZE intake_key")

    def rows(self, sql: str, values: Any = None) -> list[Any]:
        """Return what the database answers to ``sql``, which may join the staged keys."""
        self._cursor.execute(sql, values)
        return list(self._cursor.fetchall())


def _said_keys(rows: Iterable[RowSaid]) -> set[Key]:
    keys = set()
    for row in rows:
        if row.project:
            keys.add(("project", *row.project.said[:2]))
        for party in row.parties:
            keys.add(("party", *party.said[:2]))
            if party.company and party.company.said:
                keys.add(("company", *party.company.said[:2]))
    return keys


def _is_news(known: Known, party: PartySaid) -> bool:
    """Whether the party may be news: something else has been said under its key, or nothing yet."""
    source = known.sources.get(("party", party.said.key))
    return source is None or not source.target or bool(source.raw)


def _keys(party: PartySaid) -> Iterable[Key]:
    if party.contact_id:
        yield "contact_id", party.contact_id, ""
    for point in party.points:
        yield point.kind, point.value, ""
    if party.company:
        if party.company.external_id:
            yield "external_id", party.company.external_id, ""
        yield "name_key", party.company.name_key, ""


def _listed_names(known: Known, rows: Iterable[RowSaid]) -> set[tuple[str, str]]:
    """The names in projects that exist, by which somebody there may have been created."""
    return {
        (row.project.project_id, party.listed_key)
        for row in rows
        if row.project and row.project.project_id in known.projects
        for party in row.parties
        if party.listed_key
    }


def _plain(name: str, value: Any) -> Any:
    """One value in the spelling of ``crm.services.bulk.columns``."""
    if name in _JSON:
        return orjson.loads(value)
    return _moment(value) if isinstance(value, datetime) else value


def _moment(value: datetime | None) -> str:
    return value.astimezone(UTC).isoformat() if value else ""
