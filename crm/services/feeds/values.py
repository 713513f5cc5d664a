"""The fields of a project, party or company, read together from the cells of a row."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm.services.feeds.cells import Cell, Columns, first_of
from crm.services.feeds.fields import LONGEST, READERS, page
from crm.services.feeds.flags import CLOSED, refusal
from crm.services.feeds.maps import Place
from crm.services.feeds.moments import DAY_FIRST, Order, is_ambiguous
from crm.services.feeds.troubles import Trouble, UnusableCell
from crm.services.normalization.refusals import Unusable


class Fields:
    """Some fields of a map, bound to the columns of one file; those of which it has no column are never given."""

    def __init__(
        self, places: Mapping[str, tuple[Place, ...]], columns: Columns, *, longest: Mapping[str, int] = LONGEST
    ) -> None:
        bound = {name: cells for name, given in places.items() if (cells := columns.bind(given))}
        self._constant = {name: _constant(name, cells[0]) for name, cells in bound.items() if not cells[0].at}
        self._refusals = [(name, bound.pop(name)) for name in sorted(CLOSED & bound.keys() - self._constant.keys())]
        orders = {name: columns.order_of(cells) for name, cells in bound.items() if READERS.get(name) in DAY_FIRST}
        self._in_both_orders = frozenset(name for name, order in orders.items() if order == "both")
        self._fields = [
            (name, first_of(cells), cells, _reader(name, orders.get(name, "")), longest.get(name, sys.maxsize))
            for name, cells in bound.items()
            if name not in self._constant
        ]

    def read(self, cells: Sequence[str], troubles: list[Trouble], attributes: dict[str, str]) -> dict[str, Any]:
        """The fields that say something. What cannot be read, or not whole, is kept among the attributes."""
        found = self._constant.copy()
        if self._refusals:
            self._read_refusals(found, cells, troubles, attributes)
        for name, read, bound, reader, longest in self._fields:
            text = read(cells)
            if not text:
                continue
            if reader is None and len(text) <= longest:
                found[name] = text
                continue
            try:
                value = reader(text) if reader else text
            except Unusable as error:
                _keep(error, bound, cells, troubles, attributes)
                continue
            if isinstance(value, str) and len(value) > longest:
                _keep(UnusableCell("too_long", text), bound, cells, troubles, attributes)
                value = value[:longest]
            elif name in self._in_both_orders and is_ambiguous(text):
                _keep(UnusableCell("ambiguous_date", text), bound, cells, troubles, attributes)
            found[name] = value
        return found

    def _read_refusals(
        self, found: dict[str, Any], cells: Sequence[str], troubles: list[Trouble], attributes: dict[str, str]
    ) -> None:
        """One yes in any of the places is a yes."""
        for name, bound in self._refusals:
            refuses = [_refuses(cell, text, troubles, attributes) for cell in bound if (text := cell.read(cells))]
            if refuses:
                found[name] = any(refuses)


def _constant(name: str, cell: Cell) -> Any:
    text, reader = cell.read(()), READERS.get(name)
    return reader(text) if reader else text


def _reader(name: str, order: Order) -> Any:
    reader: Any = READERS.get(name)
    return DAY_FIRST[reader] if order == "day first" else reader


def _refuses(cell: Cell, text: str, troubles: list[Trouble], attributes: dict[str, str]) -> bool:
    """Whether a cell says that somebody must not be approached; one that cannot be read does, and is told."""
    try:
        return refusal(text)
    except Unusable as error:
        troubles.append(Trouble.about(cell.column, error))
        attributes[cell.column] = text
        return True


def _keep(
    error: Unusable, bound: Sequence[Cell], cells: Sequence[str], troubles: list[Trouble], attributes: dict[str, str]
) -> None:
    column = next((cell.column for cell in bound if cell.read(cells)), "")
    troubles.append(Trouble.about(column, error))
    attributes[column] = error.raw


def read_pages(
    bound: Iterable[Cell], cells: Sequence[str], troubles: list[Trouble], attributes: dict[str, str]
) -> dict[str, str]:
    """Return the pages of somebody by network; what is no page is kept among the attributes, as text."""
    found = {}
    for cell in bound:
        if text := cell.read(cells):
            try:
                found[cell.place.label] = page(text)
            except UnusableCell as error:
                troubles.append(Trouble.about(cell.column, error))
                attributes[cell.column] = text
    return found
