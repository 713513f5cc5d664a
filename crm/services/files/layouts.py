"""How the rows of a delimited file lie: dialect, header, width. Found by looking at its beginning."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from crm.services.files.delimited import REASONS, Raw, Reader
from crm.services.files.dialects import Dialect
from crm.services.files.headers import find_header, name_columns, usual_width
from crm.services.files.lines import line_end, split
from crm.services.files.names import remarks_on
from crm.services.files.rows import RAW_LIMIT, BadRow, Row
from crm.services.files.sniffing import sniff
from crm.services.files.sources import EmptyFile, Source

SAMPLE_LINES = 600
TAB_NAME = re.compile(r"\.(tsv|tab)(\.gz)?$", re.IGNORECASE)
WIDER = 5  # rows that must agree before columns are believed in that the header does not name


class Layout(Protocol):
    """What :class:`~crm.services.files.tables.Table` needs to know of a file."""

    kind: str
    header: list[str] | None
    columns: list[str]
    dialect: Dialect | None
    sample: list[list[str]]
    remarks: list[str]

    def rows(self, source: Source, start: int) -> Iterator[Row | BadRow]: ...


@dataclass
class Delimited:
    dialect: Dialect | None
    reader: Reader
    header: list[str] | None
    columns: list[str]
    sample: list[list[str]]
    first_line: int  # of the data
    remarks: list[str] = field(default_factory=list)
    kind: str = "csv"

    def rows(self, source: Source, start: int) -> Iterator[Row | BadRow]:
        number = 0
        header = self.header
        width = len(self.columns)
        for line, cells, note, text in self.reader.rows(source.plain(), skip=self.first_line - 1):
            if cells is None:
                number += 1
                if number > start:
                    yield self._unreadable(number, line, text, note)
                continue
            if not cells or (not cells[0].strip() and not "".join(cells).strip()):
                continue
            number += 1
            if number <= start:
                continue
            if len(cells) != width or cells == header:
                yield self._fit(number, line, cells)
            else:
                yield Row(number, line, cells, note)

    def _unreadable(self, number: int, line: int, text: str, note: str) -> BadRow:
        cells = self.reader.cut_cells(text) if note == "cell_too_long" else ()
        return BadRow(number, line, text[:RAW_LIMIT], REASONS[note], note, cells)

    def _fit(self, number: int, line: int, cells: list[str]) -> Row | BadRow:
        """A row of the wrong width: blank cells too many are cut off, a few too few are filled up, else it is bad."""
        width, has = len(self.columns), len(cells)
        if cells == self.header:
            return self._bad(number, line, cells, "The header stands here once more.", "repeated_header")
        if has > width and not "".join(cells[width:]).strip():
            return Row(number, line, cells[:width])
        if has > width:
            reason = f"The row has {has} cells, the table {width} columns; which cell is too much cannot be told."
            return self._bad(number, line, cells, reason, "long_row")
        if has * 2 < width:
            reason = f"The row has only {has} of {width} cells."
            return self._bad(number, line, cells, reason, "short_row")
        return Row(number, line, cells + [""] * (width - has), "short_row")

    def _bad(self, number: int, line: int, cells: list[str], reason: str, code: str) -> BadRow:
        shown = tuple(cell[:RAW_LIMIT] for cell in cells)
        return BadRow(number, line, self.reader.dialect.delimiter.join(cells)[:RAW_LIMIT], reason, code, shown)


def look_at_delimited(text: str, *, name: str, encoding: str) -> Delimited:
    """Find out how the file lies from the text it begins with.

    :raises EmptyFile: there is nothing but blank lines.
    """
    newline = line_end(text)
    lines = split(text, newline)[:SAMPLE_LINES]
    dialect = sniff(lines, hint="\t" if TAB_NAME.search(name) else "")
    rows_found, after = Reader(dialect, encoding, newline).sample(lines)
    found = [raw for raw in rows_found if raw.cells and any(raw.cells)]
    rows = [raw.cells or [] for raw in found]
    if not rows:
        raise EmptyFile(f"{name} is empty: there is not one row in it.")
    index = find_header(rows)
    header = None if index is None else rows[index]
    data = rows if index is None else rows[index + 1 :]
    columns = name_columns(header or [], _width(header, data))
    first_line = 1 if index is None else _line_behind(found[index], rows_found, after)
    return Delimited(
        dialect=dialect,
        reader=Reader(dialect, encoding, newline, width=len(columns)),
        header=header,
        columns=columns,
        sample=[(row + [""] * len(columns))[: len(columns)] for row in data],
        first_line=first_line,
        remarks=_remarks(rows_found, None if index is None else found[index], columns),
    )


def _width(header: list[str] | None, data: list[list[str]]) -> int:
    """As wide as the header; wider if the rows are, and what is beyond it is blank or in most of several rows."""
    usual = usual_width(data)
    if header is None:
        return usual
    beyond = sum(bool("".join(row[len(header) :]).strip()) for row in data)
    return max(usual, len(header)) if not beyond or beyond >= max(WIDER, 0.5 * len(data)) else len(header)


def _line_behind(header: Raw, rows: list[Raw], after: int) -> int:
    """Where the data begins: with whatever stands under the header, whether it could be read or not."""
    return next((raw.line for raw in rows if raw.line > header.line), after)


def _remarks(rows: list[Raw], header: Raw | None, columns: list[str]) -> list[str]:
    remarks = []
    if header and any(raw.line < header.line and (raw.cells is None or any(raw.cells)) for raw in rows):
        remarks.append(f"Above the header in line {header.line} stands text that was passed over.")
    if header is None:
        remarks.append("The file has no header: its first row is data.")
    return [*remarks, *remarks_on(columns)]
