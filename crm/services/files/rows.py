"""What reading a table yields: one :class:`Row` or :class:`BadRow` for every row of the file."""

from typing import Any, NamedTuple


class Row(NamedTuple):
    """A row that could be read; ``cells`` stand in the order of ``Table.columns``, and are as many.

    ``note`` is empty, or the code of an oddity that did not keep the row from being read: see ``NOTES``.
    ``extra`` holds what a JSON object has beyond the columns, ``record`` all of it where it is in our own shape.
    """

    number: int  # of the data rows, from 1; blank rows do not count
    line: int  # of the file, from 1, where the row begins
    cells: list[str]
    note: str = ""
    extra: dict[str, str] | None = None
    record: dict[str, Any] | None = None


class BadRow(NamedTuple):
    """A row that could not be read; reading went on behind it, unless ``code`` is ``broken_json``."""

    number: int
    line: int
    raw: str  # the text as it stands in the file, at most 2,000 characters of it
    reason: str
    code: str
    cells: tuple[str, ...] = ()  # where they can be told apart, in the order of the columns; at most 2,000 of each


NOTES = {
    "stray_quote": "A quotation mark inside a cell is not doubled; the cell was read as it stands.",
    "short_row": "The row has fewer cells than the header; the missing ones at its end were taken as blank.",
}
RAW_LIMIT = 2_000  # characters
ABOUT = ("_row", "_line", "_field", "_code", "_reason")  # what a file of refused rows says beside their own columns
