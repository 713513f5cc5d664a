"""Writes what a chunk has become: rows that change are locked and proved unchanged, then everything goes in by COPY.

Locks are taken in the order of DESIGN 13 (contact, endpoint, pair; then project, company, source record), each kind by
id. New rows go in table by table, each table by its unique key, so that two intakes of the same people wait for each
other and never in a circle. A row that somebody else has made or changed meanwhile is a lost race: nothing of the
chunk stays, and it is resolved again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from crm.choices import ConsentKind
from crm.services import quality
from crm.services.bulk.births import Midwife, is_plain, source_line
from crm.services.bulk.book import Book
from crm.services.bulk.columns import copy_line
from crm.services.bulk.resolving import Known, Resolved
from crm.services.bulk.staging import COLUMNS, TABLES, RaceLost
from crm.services.bulk.states import SourceState, Thing
from crm.services.primaries import copy_primaries
from crm.services.profiles import refresh_profiles
from crm.signals import tell_reachability

BLOCK: Final = 512  # lines handed to the driver at once

_LINES_OF = """
SELECT DISTINCT endpoint_id::text FROM crm_contactpoint WHERE contact_id = ANY(%s::uuid[]) AND kind = 'phone'
"""
_OTHERS_OWN = """
SELECT count(*) FROM unnest(%s::uuid[], %s::uuid[]) AS k (id, owner) JOIN crm_endpoint e ON e.id = k.id
WHERE e.owner_id IS DISTINCT FROM k.owner
"""
_TAKE = """
UPDATE crm_endpoint e SET owner_id = k.owner, updated_at = statement_timestamp()
FROM unnest(%s::uuid[], %s::uuid[]) AS k (id, owner) WHERE e.id = k.id
"""
_GROW = """
UPDATE crm_projectcontact p SET updated_at = statement_timestamp(),
    roles = p.roles || ARRAY(SELECT r FROM unnest(n.roles) WITH ORDINALITY u (r, i) WHERE r <> ALL(p.roles) ORDER BY i),
    suppress_for_project = p.suppress_for_project OR n.suppress_for_project,
    suppress_reason = CASE WHEN p.suppress_for_project THEN p.suppress_reason
                           WHEN n.suppress_for_project AND n.suppress_reason <> '' THEN n.suppress_reason
                           ELSE p.suppress_reason END
FROM intake_pair n WHERE p.id = n.id AND (NOT n.roles <@ p.roles OR n.suppress_for_project > p.suppress_for_project)
"""
_REWORD = """
UPDATE crm_contactpoint p
SET extension = n.extension, label = n.label, verified_at = n.verified_at, updated_at = statement_timestamp()
FROM intake_point n WHERE p.id = n.id
"""
_SAY = """
UPDATE crm_sourcerecord s
SET hash = n.hash, raw = n.raw, run_id = n.run_id, position = n.position,
    contact_id = n.contact_id, project_id = n.project_id, company_id = n.company_id, changed_at = n.changed_at
FROM intake_source n WHERE s.id = n.id
"""
_SAID: Final = "id, source, kind, key, hash, raw, run_id, position, contact_id, project_id, company_id, changed_at"
_NAMES_SAID = """
UPDATE crm_othername o SET times = greatest(o.times + n.more, n.least) FROM intake_name n
WHERE o.contact_id = n.contact_id AND o.name_key = n.name_key AND o.times <> greatest(o.times + n.more, n.least)
"""
_NEW_NAMES = """
INSERT INTO crm_othername (contact_id, name_key, name, times)
SELECT contact_id, name_key, name, least FROM intake_name WHERE name <> '' ORDER BY contact_id, name_key
ON CONFLICT (contact_id, name_key) DO NOTHING
"""
_PEOPLE = """
INSERT INTO crm_intakeperson (run_id, contact_id)
SELECT %s::uuid, id FROM unnest(%s::uuid[]) id ORDER BY id
ON CONFLICT DO NOTHING
"""
_REVIEWS = """
INSERT INTO crm_reviewitem (kind, contact_id, other_id, project_id, company_id, field, value, source)
SELECT kind, contact_id, other_id, project_id, company_id, field, value, source FROM intake_review
ORDER BY kind, contact_id, other_id, project_id, company_id, field, value
ON CONFLICT DO NOTHING RETURNING kind
"""


class Writer:
    """Writes one chunk, inside its transaction."""

    def __init__(self, cursor: Any, *, run: str, known: Known, found: Resolved, book: Book, midwife: Midwife) -> None:
        self._cursor, self._run = cursor, run
        self._known, self._found, self._book, self._midwife = known, found, book, midwife
        self._endpoints: set[str] = set()  # lines whose hours may have changed

    def write(self) -> Counter[str]:
        """Write everything and return how many review items of each kind are new.

        :raises RaceLost: somebody else was faster.
        """
        self._lock()
        for births in self._midwife.all():
            self._copy(births.table, births.columns, births.lines)
        self._consents()
        self._change()
        self._names()
        self._cursor.execute(_PEOPLE, [self._run, list(self._found.people)])
        reviews = self._reviews()
        self._settle()
        return reviews

    # -- locks

    def _lock(self) -> None:
        book, changed = self._book, self._book.changed
        touched = {thing.id: thing.version for thing in self._touched()}
        self._hold("crm_contact", touched)
        self._endpoints = {*book.endpoints_moved, *self._lines_of(book.moved)}
        self._hold("crm_endpoint", dict.fromkeys(self._endpoints, ""))
        self._prove_owners()
        self._hold("crm_contactpoint", {point.id: point.version for point in book.reworded.values()})
        for kind in ("project", "company"):
            self._hold(TABLES[kind], {thing.id: thing.version for thing in changed[kind].values()})
        self._hold("crm_projectcontact", dict.fromkeys(book.grown, ""))
        self._hold("crm_sourcerecord", {source.id: source.version for source in self._said_again()})

    def _touched(self) -> Iterable[Thing]:
        """Contacts who were there before and get anything new."""
        book = self._book
        yield from book.changed["contact"].values()
        met = [*(point.person for point in book.points.values()), *(new.person for new in book.places)]
        met += [*(pair.person for pair in book.pairs)]
        met += [self._known.by_id[contact] for contact, _ in book.other_names]
        met += [self._known.by_id[point.contact] for point in book.reworded.values()]
        yield from (person for person in met if not person.born)

    def _hold(self, table: str, versions: Mapping[str, str]) -> None:
        """Lock rows, and prove that each has the version that was read ("": any)."""
        if not versions:
            return
        sql = f"SELECT id::text, xmin::text FROM {table} WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE"  # noqa: S608 - our own tables
        held = dict(self._rows(sql, [list(versions)]))
        if any(version and held.get(id_) != version for id_, version in versions.items()):
            raise RaceLost(f"A row of {table} was changed meanwhile.")

    def _prove_owners(self) -> None:
        """Owners of lines change only under the lock of a contact whom we hold, so what is true now stays true."""
        lines = [line for key, line in self._known.people.lines.items() if key not in self._found.new_lines]
        taken = {line.id for line in self._found.taken_lines.values()}
        owners = [None if line.id in taken or line.owner is None else line.owner.id for line in lines]
        if lines and self._rows(_OTHERS_OWN, [[line.id for line in lines], owners])[0][0]:
            raise RaceLost("A line got another owner meanwhile.")

    # -- changes

    def _change(self) -> None:
        for kind, things in self._book.changed.items():
            self._update(kind, list(things.values()))
        if taken := self._found.taken_lines.values():
            self._cursor.execute(_TAKE, [[line.id for line in taken], [line.owner.id for line in taken if line.owner]])
        if points := self._book.reworded.values():
            columns = "id, extension, label, verified_at"
            lines = (copy_line([point.id, point.extension, point.label, point.verified or None]) for point in points)
            with self._staged("intake_point", "crm_contactpoint", columns, lines):
                self._cursor.execute(_REWORD)
        if grown := self._book.grown:
            columns = "id, roles, suppress_for_project, suppress_reason"
            lines = (copy_line([pair.id, pair.roles, pair.suppressed, pair.reason]) for pair in grown.values())
            with self._staged("intake_pair", "crm_projectcontact", columns, lines):
                self._cursor.execute(_GROW)
        if again := self._said_again():
            at, source = self._midwife.at, self._midwife.source
            lines = (f"{source_line(state, source)}\t{at}" for state in again)
            with self._staged("intake_source", "crm_sourcerecord", _SAID, lines):
                self._cursor.execute(_SAY)

    def _update(self, kind: str, things: Sequence[Thing]) -> None:
        if not things:
            return
        columns = _columns_changed(things, COLUMNS[kind])
        values = "".join(f"{name} = n.{name}, " for name in columns)
        lines = (copy_line([thing.id, *(thing.now()[name] for name in columns)]) for thing in things)
        with self._staged("intake_row", TABLES[kind], ", ".join(("id", *columns)), lines):
            self._cursor.execute(
                f"UPDATE {TABLES[kind]} t SET {values}updated_at = statement_timestamp() "  # noqa: S608 - our own names
                "FROM intake_row n WHERE t.id = n.id"
            )

    def _said_again(self) -> list[SourceState]:
        return [source for source in self._known.sources.values() if source.dirty and source.version]

    def _consents(self) -> None:
        at, source = self._midwife.at, self._midwife.source
        lines = (
            copy_line(
                [
                    *(self._midwife.new_id(), contact, "", ConsentKind(kind).value, moment or at),
                    *(source, f"The data of {source} says so."),
                ]
            )
            for contact, kind, moment in self._book.consents
        )
        self._copy("crm_consent", "id, contact_id, channel, kind, at, source, evidence", lines)

    def _names(self) -> None:
        """Count the other names of people, whom we hold: nobody else counts them now."""
        if not self._book.other_names:
            return
        lines = (copy_line([*key, *said]) for key, said in self._book.other_names.items())
        columns = "contact_id, name_key, name, times AS more, times AS least"
        with self._staged("intake_name", "crm_othername", columns, lines):
            self._cursor.execute(_NAMES_SAID)
            self._cursor.execute(_NEW_NAMES)

    def _reviews(self) -> Counter[str]:
        if not self._book.reviews:
            return Counter()
        columns = "kind, contact_id, other_id, project_id, company_id, field, value, source"
        lines = (copy_line([*item, self._midwife.source]) for item in self._book.reviews)
        with self._staged("intake_review", "crm_reviewitem", columns, lines):
            return Counter(kind for (kind,) in self._rows(_REVIEWS))

    # -- what follows

    def _settle(self) -> None:
        """Put right what follows from points and places of people who were there before, and tell the news."""
        book = self._book
        reached = {point.person.id for point in book.points.values() if not point.person.born}
        reached |= {point.contact for point in book.reworded.values()}
        copy_primaries(contact_ids=map(UUID, reached))
        moved = refresh_profiles(endpoint_ids=map(UUID, self._endpoints))
        quality.refresh(contact_ids=map(UUID, {*reached, *book.changed["contact"]}))
        tell_reachability(
            contacts=map(UUID, reached | book.reach_changed["contact"]),
            projects=map(UUID, book.reach_changed["project"]),
            endpoints=moved,
            pairs=map(UUID, [*(pair.id for pair in book.pairs if not is_plain(pair)), *book.closed]),
        )

    # -- words

    def _lines_of(self, contacts: set[str]) -> set[str]:
        """Telephone lines of these contacts, those that they get now among them."""
        if not contacts:
            return set()
        new = {
            new.endpoint
            for new in self._book.points.values()
            if new.person.id in contacts and new.point.kind == "phone"
        }
        return new | {line for (line,) in self._rows(_LINES_OF, [list(contacts)])}

    @contextmanager
    def _staged(self, name: str, table: str, columns: str, lines: Iterable[str]) -> Iterator[None]:
        """Put ``lines`` into a temporary table that has these columns of ``table``, for the statement inside."""
        self._cursor.execute(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA")  # noqa: S608 - our own names
        self._copy(name, ", ".join(column.split()[-1] for column in columns.split(", ")), lines)
        yield
        self._cursor.execute(f"DROP TABLE {name}")

    def _copy(self, table: str, columns: str, lines: Iterable[str]) -> None:
        block: list[str] = []
        rows = iter(lines)
        first = next(rows, None)
        if first is None:
            return
        block.append(first)
        with self._cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for line in rows:
                if len(block) == BLOCK:
                    copy.write("\n".join(block) + "\n")
                    block.clear()
                block.append(line)
            copy.write("\n".join(block) + "\n")

    def _rows(self, sql: str, values: Any = None) -> list[Any]:
        self._cursor.execute(sql, values)
        return list(self._cursor.fetchall())


def _columns_changed(things: Sequence[Thing], columns: Iterable[str]) -> list[str]:
    """Those of ``columns`` in which any of these things is not what the database holds; each of them has been read."""
    states = [(thing.now(), thing.stored) for thing in things]
    return [name for name in columns if any(now[name] != stored[name] for now, stored in states)]
