"""The fields of a project, party or company, read together from the cells of a row."""

from collections.abc import Mapping, Sequence
from typing import Any

from crm.services.feeds.cells import Cell, Columns, first
from crm.services.feeds.fields import LONGEST, READERS, Trouble, UnusableCell
from crm.services.feeds.maps import Place
from crm.services.normalization.refusals import Unusable


class Fields:
    """Some fields of a map, bound to the columns of one file; those of which it has no column are never given."""

    def __init__(
        self, places: Mapping[str, tuple[Place, ...]], columns: Columns, *, longest: Mapping[str, int] = LONGEST
    ) -> None:
        self._fields = [
            (name, bound, READERS.get(name), longest.get(name, 0))
            for name, given in places.items()
            if (bound := columns.bind(given))
        ]

    def __contains__(self, name: str) -> bool:
        return any(name == field for field, *_ in self._fields)

    def read(self, cells: Sequence[str], troubles: list[Trouble], attributes: dict[str, str]) -> dict[str, Any]:
        """The fields that say something. What cannot be read, or not whole, is kept among the attributes."""
        found: dict[str, Any] = {}
        for name, bound, reader, longest in self._fields:
            text = bound[0].read(cells) if len(bound) == 1 else first(bound, cells)
            if not text:
                continue
            if reader is None and (not longest or len(text) <= longest):
                found[name] = text
                continue
            try:
                found[name] = reader(text) if reader else text
                if longest and isinstance(found[name], str) and len(found[name]) > longest:
                    found[name] = found[name][:longest]
                    raise UnusableCell("too_long", text)
            except Unusable as error:
                column = _column(bound, cells)
                troubles.append(Trouble.about(column, error))
                attributes[column or name] = text
        return found


def _column(bound: Sequence[Cell], cells: Sequence[str]) -> str:
    return next((cell.column for cell in bound if cell.read(cells)), "")
