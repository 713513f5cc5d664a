"""From the rows of a table to records: one item for every row that goes in, whatever it is like."""

from collections.abc import Iterator, Sequence

from crm.services.feeds.cells import Columns
from crm.services.feeds.maps import FeedMap
from crm.services.feeds.our_fault import refused_by_our_fault
from crm.services.feeds.parties import PartyReader
from crm.services.feeds.posted_rows import POSTED, read_row
from crm.services.feeds.projects import ProjectReader
from crm.services.feeds.records import Doubt, Party, Record, Refused
from crm.services.feeds.troubles import Trouble
from crm.services.files.names import fold
from crm.services.files.rows import ABOUT, NOTES, BadRow, Row
from crm.services.files.tables import Table

NO_PROJECT_ID = Trouble("", "no_project_id", "The row names no project, so the people in it belong to none.", "")


def read_records(table: Table, feed: FeedMap, *, start_row: int = 0) -> Iterator[Record | Refused]:
    """Yield one item for every row of the table after the first ``start_row``, in the order of the file.

    Constant in memory. What comes out depends on nothing but the row and the map: where reading starts, or whether the
    same row was read before, makes no difference.
    """
    columns = columns_of(table, feed)
    plan = Plan(feed, columns, table.sample)
    wider: dict[tuple[str, ...], Plan] = {}
    for row in table.rows(start_row):
        if isinstance(row, BadRow):
            yield Refused(row.number, row.line, _original(row, columns), row.code, row.reason)
            continue
        try:
            if row.record is not None or feed is POSTED:
                yield read_row(row, columns)
            elif row.extra:  # names that no object among the first hundreds of a JSON file has
                names = tuple(row.extra)
                if names not in wider:
                    wider[names] = Plan(feed, [*columns, *names], table.sample)
                yield wider[names].read(row._replace(cells=[*row.cells, *row.extra.values()]))
            else:
                yield plan.read(row)
        except Exception as error:  # noqa: BLE001 - one row must not cost the rest of the file
            raw = dict(zip(columns, row.cells, strict=False)) | (row.extra or {})
            yield refused_by_our_fault(row.number, row.line, raw, error)


def _original(row: BadRow, columns: Sequence[str]) -> dict[str, str]:
    """The cells of a row that could not be read, as far as they can be told apart."""
    beyond = (f"column {number}" for number in range(len(columns) + 1, len(row.cells) + 1))
    return dict(zip([*columns, *beyond], row.cells, strict=False)) or {"row": row.raw}


def columns_of(table: Table, feed: FeedMap) -> list[str]:
    """The names of the columns: those of the header, or those by which the map knows a file without one."""
    if table.header is not None:
        return table.columns
    return [*feed.match.names[: len(table.columns)], *table.columns[len(feed.match.names) :]]


class Plan:
    """A map bound to the columns of one file, of which ``sample`` is some rows."""

    def __init__(self, feed: FeedMap, names: Sequence[str], sample: Sequence[Sequence[str]]) -> None:
        self._names = list(names)
        given = Columns(names)
        self._extracts = [
            (given.index[item.column], item.pattern) for item in feed.extracts if item.column in given.index
        ]
        cut = [(names[at], group) for at, pattern in self._extracts for group in pattern.groupindex]
        columns = Columns([*names, *(f"{name}.{group}" for name, group in cut)], sample)
        rest = self._rest(feed, columns)
        personal = self._personal(feed, rest)
        self._project = (
            ProjectReader(feed, columns, [at for at in rest if at not in personal]) if feed.project else None
        )
        if self._project and not self._project.id_column:
            self._project = None  # a file of people in a format that may have projects too
        loose = personal if self._project else rest
        self._parties = [
            PartyReader(
                party, columns, region=feed.region, in_project=self._project is not None, rest=[] if number else loose
            )
            for number, party in enumerate(feed.parties)
        ]
        self._parties = [reader for reader in self._parties if reader.has_keys]

    def _rest(self, feed: FeedMap, columns: Columns) -> list[int]:
        """The columns that no place of the map names and that it does not tell to ignore."""
        known = feed.known | set(feed.ignore)
        stems = [stem for party in feed.parties for stem in (*party.attributes, *party.company_attributes)]
        used = set(columns.matching(stems))
        return [
            at
            for at, name in enumerate(self._names)
            if at not in used and fold(name) not in known and name not in ABOUT
        ]

    def _personal(self, feed: FeedMap, rest: Sequence[int]) -> list[int]:
        """Those of the other columns that are the one party's of a row; the project of many rows has room for one."""
        if not feed.common or len(feed.parties) != 1:
            return []
        return [at for at in rest if not fold(self._names[at]).startswith("project")]

    def read(self, row: Row) -> Record | Refused:
        cells = [*row.cells, *self._cut(row.cells)] if self._extracts else row.cells
        troubles: list[Trouble] = []
        project = self._project.read(cells, troubles) if self._project else None
        parties: list[Party] = []
        for reader in self._parties:
            party, more, loose = reader.read(cells)
            if party is not None:
                parties.append(party)
            elif loose and project is not None:
                project.attributes.update(loose)
            if more:
                troubles += more
        if row.note:
            troubles.append(Trouble("", row.note, NOTES[row.note], ""))
        if project is None and not parties:
            return self._refused(row, troubles)
        if project is None and self._project:
            troubles.append(NO_PROJECT_ID._replace(column=self._project.id_column))
        warnings = tuple(Doubt(row.number, row.line, *trouble) for trouble in troubles) if troubles else ()
        return Record(row.number, row.line, project, tuple(parties), warnings)

    def _cut(self, cells: Sequence[str]) -> Iterator[str]:
        for at, pattern in self._extracts:
            found = pattern.search(cells[at])
            for group in pattern.groupindex:
                yield (found[group] or "") if found else ""

    def _refused(self, row: Row, troubles: list[Trouble]) -> Refused:
        raw = dict(zip(self._names, row.cells, strict=True))
        if not any(cell.strip() for cell in row.cells):
            return Refused(row.number, row.line, raw, "blank_row", "There is nothing in this row.")
        lacks = ["no usable id, phone or e-mail and no name"]
        if self._project:
            lacks.insert(0, f"no project id ({self._project.id_column})")
        reason = f"The row has {' and '.join(lacks)}, so nothing in it could be found again."
        for trouble in troubles[:3]:
            reason += f" {trouble.column}: {trouble.reason}" if trouble.column else f" {trouble.reason}"
        field = next((trouble.column for trouble in troubles if trouble.column), "")
        return Refused(row.number, row.line, raw, "no_key", reason, field)


def describe(feed: FeedMap, names: Sequence[str]) -> dict[str, str]:
    """What the map makes of each column of a file: ``project.value``, ``party 2 phone``, ``attribute``, ``ignored``."""
    if feed is POSTED:
        return dict.fromkeys(names, "as our API takes it")
    meanings: dict[str, str] = {}
    for field, places in (feed.project or {}).items():
        for place in places:
            meanings.update({name: f"project.{field}" for part in place.parts for name in part})
    for number, party in enumerate(feed.parties, start=1):
        for field, places in party.everything():
            for place in places:
                for name in (name for part in place.parts for name in part):
                    meanings.setdefault(name, f"party {number} {field}")
    meanings.update(dict.fromkeys(feed.ignore, "ignored"))
    return {name: meanings.get(fold(name), "attribute") for name in names}
