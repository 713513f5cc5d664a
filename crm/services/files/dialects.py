"""How a delimited file separates, quotes and escapes."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

CELL_LIMIT = 1 << 20  # characters
csv.field_size_limit(max(csv.field_size_limit(), CELL_LIMIT))  # one setting for the whole process; never lowered


@dataclass(frozen=True, slots=True)
class Dialect:
    delimiter: str = ","
    quote: str = '"'  # "" where nothing is quoted
    escape: str = ""  # "" where quotes are doubled
    skip_blank: bool = False  # a blank after the delimiter is no part of the cell

    def reader(self, lines: Iterable[str], *, strict: bool = False) -> "CsvReader":
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            doublequote=True,
            skipinitialspace=self.skip_blank,
            strict=strict,
        )
