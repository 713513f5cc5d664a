"""Where the names of the columns stand, if anywhere, and what to call them."""

import re
from collections import Counter
from collections.abc import Sequence

from crm.services.files.names import told_apart

LOOK_AT = 60  # rows in which a header is looked for
NAME_LIMIT = 100  # characters; whatever is longer is no name of a column
NUMBERS = 0.3  # share of plain numbers (years, for example) that a header may hold
TITLED = 0.98  # share of the rows that must be of one width before a wider first row is taken for a title
DATUM = re.compile(  # never the name of a column
    r"""
      \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(\D.*)?       # dates
    | \S+@\S+\.\S+
    | (https?://|www\.)\S+
    | [+(]?\d[\d ().+-]{5,}\d(\s?(x|ext).*)?       # phones, long ids
    | [$€£]\s?[\d.,]+
    | true | false | yes | no
    """,
    re.VERBOSE | re.IGNORECASE,
)
NUMBER = re.compile(r"[-+]?\d[\d.,]*\s?%?")


def usual_width(rows: Sequence[Sequence[str]]) -> int:
    """The number of cells that most rows have, counted without blank rows; of equally frequent numbers the larger."""
    widths = Counter(len(row) for row in rows if any(row))
    return max(widths, key=lambda width: (widths[width], width), default=0)


def find_header(rows: Sequence[Sequence[str]]) -> int | None:
    """The index of the row that names the columns; None where the table begins with data.

    Title lines, notes and blank rows above it are passed over: few of their cells are filled.
    """
    width = usual_width(rows)
    for index, row in enumerate(rows[:LOOK_AT]):
        filled = sum(bool(cell.strip()) for cell in row)
        if not filled or (filled <= max(1, width / 4) and width > 1 and index < len(rows) - 1):
            continue
        if not names_columns(row):
            return None
        return index + 1 if len(row) > width and _is_better(rows, index + 1, width) else index
    return None


def _is_better(rows: Sequence[Sequence[str]], index: int, width: int) -> bool:
    """Whether this row names the columns of a very regular table, so that the one above it is a title with commas."""
    below = rows[index:]
    if not below or len(below[0]) != width or not names_columns(below[0]):
        return False
    return sum(len(row) == width for row in below) >= TITLED * len(below)


def names_columns(row: Sequence[str]) -> bool:
    """Whether these could be names: words, and nothing that only data looks like."""
    cells = [cell.strip() for cell in row if cell.strip()]
    if any(len(cell) > NAME_LIMIT or DATUM.fullmatch(cell) for cell in cells):
        return False
    numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in cells)
    return numbers <= NUMBERS * len(cells)


def name_columns(header: Sequence[str], width: int) -> list[str]:
    """Names for ``width`` columns, each once: blanks become "column 7", repetitions get " (2)", " (3)"."""
    names = []
    for index in range(max(width, len(header))):
        given = header[index] if index < len(header) else ""
        names.append(" ".join((given.lstrip("# \ufeff") if index == 0 else given).split()) or f"column {index + 1}")
    return told_apart(names)
