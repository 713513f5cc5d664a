"""The dialect of a delimited file, found out by trying.

Every plausible dialect reads the sample. Following van den Burg, Nazabal & Sutton, "Wrangling messy CSV files by
detecting row and type patterns" (2019), the one wins whose rows have the most regular number of cells (pattern score)
times whose cells most often look like something: a number, a date, an address, plain words (type score).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product, takewhile

from crm.services.files.delimited import Reader
from crm.services.files.dialects import Dialect

DELIMITERS = (",", "\t", ";", "|", "#", "~", "^", "\x1f", ":", " ")
QUOTES = ('"', "'", "")
WEIGHT = {" ": 0.55, ":": 0.6, "#": 0.9, "~": 0.9, "^": 0.9}  # they occur inside cells more often than between them
UNQUOTED = 0.67  # that quotation marks mean nothing is believed only where taking them for quotes breaks many rows
TITLES = 10  # lines above the header that may be in the way
DULL = 1e-3  # what a row of one cell says about a delimiter: next to nothing

KNOWN_CELL = re.compile(
    r"""
    | [-+]?[$€£]?\s?[\d.,]*\d[\d.,]*\s?%?           # numbers, money, percentages
    | [-+]?[\d.,]+[eE][-+]?\d+
    | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s?([AaPp][Mm]|Z|[-+]\d\d:?\d\d|UTC)?)?
    | \d{1,2}:\d{2}(:\d{2})?(\s?[AaPp][Mm])?
    | [\w.+%-]+@[\w-]+\.[\w.-]+                     # e-mail
    | (https?://|www\.)[^\s,;|]+                    # web addresses
    | [+(]?\d[\d ().+-]{5,}\d                       # phones
    | \w[\w .'\u2019&/()-]*                         # words, street addresses
    | [\w-]+(\.[\w-]+)*                             # codes, file names
    """,
    re.VERBOSE,
)


def sniff(lines: list[str], *, hint: str = "") -> Dialect:
    """Find the dialect of the sample; ``hint`` is the delimiter that the file's name promises.

    A file of one column has no delimiter to find and gets a comma.
    """
    best, best_score = Dialect(), DULL * 2
    for dialect in _plausible(lines):
        score = _score(dialect, lines) * (1.1 if dialect.delimiter == hint else 1)
        if score > best_score:
            best, best_score = dialect, score
    if not best.quote and not _encloses('"', best.delimiter, "".join(lines)):
        return replace(best, quote='"')  # none in the sample says nothing about the rest
    return best


def _plausible(lines: list[str]) -> Iterator[Dialect]:
    lines = [line for line in lines if not line.startswith("#")] or lines  # remarks have no cells
    text = "".join(lines)
    for delimiter, quote in product(DELIMITERS, QUOTES):
        if delimiter not in text or (quote and quote not in text):
            continue
        if quote and not _encloses(quote, delimiter, text):
            continue
        skip_blank = _padded(delimiter, text)
        yield Dialect(delimiter, quote, "", skip_blank)
        if quote and "\\" + quote in text:
            yield Dialect(delimiter, quote, "\\", skip_blank)


def _encloses(quote: str, delimiter: str, text: str) -> bool:
    """Whether the quote ever opens a cell: at the start of a line or right after a delimiter."""
    return bool(re.search(rf"(?:^|{re.escape(delimiter)}) ?{quote}", text, re.MULTILINE))


def _padded(delimiter: str, text: str) -> bool:
    return delimiter != " " and 0 < text.count(delimiter) <= 1.25 * text.count(delimiter + " ")


def _score(dialect: Dialect, lines: list[str]) -> float:
    found, _ = Reader(dialect, "utf-8", "\n").sample(lines)
    rows = [raw.cells for raw in found if raw.cells]
    bad = sum(raw.cells is None for raw in found)
    if not rows:
        return 0
    titles = sum(1 for _ in takewhile(lambda row: len(row) == 1, rows[: min(TITLES, len(rows) // 2)]))
    widths = Counter(map(len, rows[titles:]))
    pattern = sum(n * max(DULL, (width - 1) / width) * n for width, n in widths.items()) / widths.total() ** 2
    whole = len(rows) / (len(rows) + bad) * (1 if dialect.quote else UNQUOTED)
    return pattern * _type_score(rows) * whole * WEIGHT.get(dialect.delimiter, 1)


def _type_score(rows: list[list[str]]) -> float:
    cells = Counter(cell.strip() for row in rows for cell in row)
    known = sum(n for cell, n in cells.items() if len(cell) < 200 and KNOWN_CELL.fullmatch(cell))
    return (known + 0.2) / (cells.total() + 0.2)
