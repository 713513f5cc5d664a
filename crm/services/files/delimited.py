"""Rows of a delimited file, at the speed of the csv module and without its trust.

The csv module reads a block of lines at a time in strict mode. Where it stumbles, the row at fault is read alone:
leniently, if that gives the right number of cells, else it is bad, and reading goes on at the very next line. So an
opening quote that is never closed costs its own row and no other.
"""

import csv
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from crm.services.files.dialects import CELL_LIMIT, Dialect
from crm.services.files.lines import LINE_LIMIT, Block, blocks
from crm.services.files.rows import RAW_LIMIT

ROW_LINES = 1_000  # a row that goes over more lines is a quote that was never closed
UNFINISHED = "unexpected end of data"  # the csv module's words for a quote that is still open
TOO_LONG = "field larger than field limit"
TOO_ALIKE = 8  # delimiters in the lines of one cell, just as many in each as in a row, that cannot be chance
NO_LINES = Block(0, [])

REASONS = {
    "unclosed_quote": "A quotation mark opens a cell and nothing closes it. Close it, or double it if it is text.",
    "stray_quote": "Text follows the quotation mark that ends a cell, so cells cannot be told apart. Double the mark.",
    "cell_too_long": f"A cell is longer than {CELL_LIMIT:,} characters.",
    "line_too_long": f"The line is longer than {LINE_LIMIT:,} characters.",
}


class Raw(NamedTuple):
    """A row before it is numbered. ``cells`` is None where it could not be read; then ``note`` says why."""

    line: int
    cells: list[str] | None
    note: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one delimited stream; ``width`` is the number of cells that a row should have, 0 if that is not known."""

    dialect: Dialect
    encoding: str
    newline: str
    width: int = 0

    def rows(self, stream: BinaryIO, *, skip: int = 0) -> Iterator[Raw]:
        """Yield every row after the first ``skip`` lines, blank ones included."""
        unfinished = NO_LINES
        for block in blocks(stream, encoding=self.encoding, newline=self.newline, skip=skip):
            if block.too_long:
                yield from self._read(unfinished, final=True)
                yield Raw(block.first, None, "line_too_long", block.lines[0])
                unfinished = NO_LINES
                continue
            if unfinished.lines:
                block = Block(unfinished.first, unfinished.lines + block.lines)
            unfinished = yield from self._read(block, final=False)
        yield from self._read(unfinished, final=True)

    def sample(self, lines: list[str]) -> tuple[list[Raw], int]:
        """The rows of the first lines of a file, and the line after them; a last row that is still open is left out."""
        rows: list[Raw] = []
        reading = self._read(Block(1, lines), final=False)
        try:
            while True:
                rows.append(next(reading))
        except StopIteration as end:
            return rows, end.value.first or len(lines) + 1

    def _read(self, block: Block, *, final: bool) -> Generator[Raw, None, Block]:
        """Yield the rows of the block; return the lines of its last row if that is still open."""
        lines, at = block.lines, 0
        while at < len(lines):
            at, error, spans = yield from self._read_until_error(block, at)
            if not error:
                break
            if not final and error == UNFINISHED and _may_go_on(lines[at:]):
                return Block(block.first + at, lines[at:])
            yield self._alone(block.first + at, lines[at], error, spans)
            at += 1
        return NO_LINES

    def _read_until_error(self, block: Block, at: int) -> Generator[Raw, None, tuple[int, str, int]]:
        """Yield rows from line ``at`` on; return where they end, what is wrong there, and over how many lines."""
        lines = block.lines[at:] if at else block.lines
        reader = self.dialect.reader(lines, strict=True)
        odd, first, done = self._odd_lines(lines), block.first + at, 0
        try:
            for cells in reader:
                ahead = reader.line_num
                if ahead > done + 1 and self._swallowed(cells, lines[done + 1 : ahead]):
                    return at + done, UNFINISHED, ahead - done
                note = "stray_quote" if odd and odd.intersection(range(done, ahead)) else ""
                yield Raw(first + done, cells, note)
                done = ahead
        except csv.Error as error:
            return at + done, str(error), reader.line_num - done
        return at + done, "", 0

    def _swallowed(self, cells: list[str], lines: list[str]) -> bool:
        """Whether a row over several lines is an unclosed quote that a later row's quote happened to close."""
        if self.width < 2:
            return False
        if len(cells) != self.width:
            return any(len(self._lenient(line)) == self.width for line in lines)
        inner = lines[:-1]  # of a cell of plain text not every line has as many cells as the table
        return len(inner) * (self.width - 1) >= TOO_ALIKE and all(
            len(self._lenient(line)) == self.width for line in inner
        )

    def _lenient(self, line: str) -> list[str]:
        try:
            return next(self.dialect.reader([line.rstrip("\r\n").replace("\r", " ")]), [])
        except csv.Error:
            return []

    def cut_cells(self, line: str) -> tuple[str, ...]:
        """The cells of a line with one that is too long, each cut to what a person can look at."""
        limit = csv.field_size_limit(LINE_LIMIT)
        try:
            return tuple(cell[:RAW_LIMIT] for cell in self._lenient(line))
        finally:
            csv.field_size_limit(limit)

    def _alone(self, number: int, line: str, error: str, spans: int) -> Raw:
        """Read the one line at which the csv module stumbled, if it is whole and of the right width; else it is bad."""
        if error.startswith(TOO_LONG):
            return Raw(number, None, "cell_too_long", line)
        if error == UNFINISHED or spans > 1:
            return Raw(number, None, "unclosed_quote", line)
        cells = self._lenient(line)
        if cells and len(cells) == (self.width or len(cells)):
            return Raw(number, cells, "stray_quote")
        return Raw(number, None, "stray_quote", line)

    def _odd_lines(self, lines: list[str]) -> set[int]:
        """The lines with a quotation mark that neither opens nor closes nor is doubled: read as it stands, but told."""
        if self.dialect.quote != '"' or self.dialect.escape:
            return set()
        beside = re.escape(self.dialect.delimiter + (" " if self.dialect.skip_blank else ""))
        stray = re.compile(rf'"(?=[^\r\n"{beside}])(?<=[^\r\n"{beside}]")')
        if not stray.search("".join(lines)):
            return set()
        return {index for index, line in enumerate(lines) if stray.search(line)}


def _may_go_on(lines: list[str]) -> bool:
    return len(lines) <= ROW_LINES and sum(map(len, lines)) <= CELL_LIMIT
