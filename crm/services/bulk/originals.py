"""The cells of rows as their file has them, for the few rows that are refused only when the database sees them."""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from config.kernel.errors import DomainError
from crm.services.files.rows import BadRow, Row
from crm.services.files.tables import Table, open_table


class Originals:
    """Reads the file at ``path`` once more, up to the row that is asked for, and goes on from there.

    Rows travel without their cells, which would double what passes between the processes. A file that is gone or has
    changed since gives no cells.
    """

    def __init__(self, path: str, *, name: str, columns: Sequence[str], content_hash: str) -> None:
        self._path, self._name, self._columns, self._hash = path, name, tuple(columns), content_hash
        self._table: Table | None = None
        self._rows: Iterator[Row | BadRow] = iter(())
        self._latest = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._table is not None:
            self._table.close()

    def cells(self, number: int) -> Mapping[str, str]:
        """Return column: cell of the row with this number, {} where that cannot be known any more."""
        try:
            row = self._find(number)
        except (DomainError, OSError):
            return {}
        if row is None:
            return {}
        if isinstance(row, BadRow):
            return {"row": row.raw}
        return {**dict(zip(self._columns, row.cells, strict=False)), **(row.extra or {})}

    def _find(self, number: int) -> Row | BadRow | None:
        if self._table is None:
            self._table = open_table(self._path, name=self._name)
        if self._table.content_hash != self._hash:
            return None
        if self._latest < 0 or number <= self._latest:
            self._rows = self._table.rows(number - 1)
        self._latest = number
        return next((row for row in self._rows if row.number == number), None)
