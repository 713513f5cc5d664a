"""Files of records in the shape of our API: JSON as somebody would post it, or a table of mended refused ones."""

from collections.abc import Sequence
from typing import Any, Final

from crm.services.feeds.maps import FeedMap, Match
from crm.services.feeds.posted import RECORD, VERSION, RecordReader
from crm.services.feeds.records import Record, Refused
from crm.services.files.json_text import DECODER
from crm.services.files.rows import ABOUT, Row

POSTED: Final = FeedMap(
    id="posted", version=VERSION, source="clearline", title="Records in the shape of our API", match=Match()
)
NO_JSON: Final = "What stands in project or contacts is no JSON. Correct it, or send the records as a JSON file."


def is_posted(columns: Sequence[str], sample: Sequence[Sequence[str]]) -> bool:
    """Whether the columns are a project, a list of contacts or both, each cell of them JSON."""
    return bool(columns) and RECORD.issuperset(columns) and holds_records(columns, sample)


def holds_records(columns: Sequence[str], sample: Sequence[Sequence[str]]) -> bool:
    """Whether there are such columns among others."""
    places = [at for at, name in enumerate(columns) if name in RECORD]
    cells = [cell for row in sample for at in places if (cell := row[at].strip())]
    return bool(cells) and all(cell[0] in "{[" for cell in cells)


def read_row(row: Row, columns: Sequence[str]) -> Record | Refused:
    """Read one row; what it holds beside project and contacts refuses it, as an unknown field does."""
    raw = {name: cell for name, cell in zip(columns, row.cells, strict=False) if cell} | (row.extra or {})
    given: Any = row.record
    if given is None:
        said = {name: cell for name, cell in raw.items() if name not in ABOUT}
        try:
            given = {name: DECODER.decode(cell) if name in RECORD else cell for name, cell in said.items()}
        except (ValueError, RecursionError):
            return Refused(row.number, row.line, raw, "broken_json", NO_JSON)
    return RecordReader(row.number, row.line, raw).record(given)
