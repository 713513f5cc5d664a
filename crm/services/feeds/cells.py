"""From the places of a map to the cells of one file: which column is where, and what stands in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from crm.services.feeds.maps import Place
from crm.services.feeds.moments import Order, order_of, verification
from crm.services.files.names import fold
from crm.services.normalization.text import one_line, says_nothing

Read = Callable[[Sequence[str]], str]
LONGEST_LABEL = 40


class Columns:
    """The columns of one file by folded name; where two fold alike, the first is meant. ``sample`` is some rows."""

    def __init__(self, names: Sequence[str], sample: Sequence[Sequence[str]] = ()) -> None:
        self.names = list(names)
        self._sample = sample
        self.index: dict[str, int] = {}
        for position, name in enumerate(names):
            self.index.setdefault(fold(name), position)

    def bind(self, places: Iterable[Place]) -> "tuple[Cell, ...]":
        """The places that this file has, in order; a place of which it has no column is left out."""
        return tuple(cell for place in places if (cell := self._cell(place)))

    def matching(self, stems: Iterable[str]) -> list[int]:
        """Positions of the columns that are named, or begin with a stem that ends in "*"."""
        found = []
        for stem in stems:
            if stem.endswith("*"):
                found += [at for at, name in enumerate(self.names) if fold(name).startswith(stem[:-1])]
            elif stem in self.index:
                found.append(self.index[stem])
        return list(dict.fromkeys(found))

    def order_of(self, cells: "Iterable[Cell]") -> Order:
        """In which order the sample writes days in these columns."""
        return order_of(row[at] for cell in cells for at in cell.at for row in self._sample if at < len(row))

    def _cell(self, place: Place) -> "Cell | None":
        at = tuple(
            self.index[next(name for name in part if name in self.index)] for part in place.parts if self._has(part)
        )
        if not at and not place.text:
            return None
        label_at = self.index.get(place.label_column, -1)
        verified_at = self.index.get(place.verified_column, -1)
        return Cell(at, self.names[at[0]] if at else "", place, label_at, verified_at, _reader(place, at))

    def _has(self, names: Iterable[str]) -> bool:
        return any(name in self.index for name in names)


class Cell(NamedTuple):
    """One place of a map in one file: the positions of its columns, and the name of the first for messages."""

    at: tuple[int, ...]
    column: str
    place: Place
    label_at: int
    verified_at: int
    read: Read

    def label(self, cells: Sequence[str]) -> str:
        """What kind of phone or address it is: the source's word in small letters, or the map's."""
        said = one_line(cells[self.label_at]).strip("* ").lower() if self.label_at >= 0 else ""
        return said[:LONGEST_LABEL] or self.place.label

    def verified(self, cells: Sequence[str]) -> datetime | bool | None:
        """Since when it is known to reach them; True where only that is said, None where nothing is."""
        text = said(cells[self.verified_at]) if self.verified_at >= 0 and cells[self.verified_at] else ""
        return verification(text) if text else None


def first(several: Sequence[Cell], cells: Sequence[str]) -> str:
    """What the first place that says something says."""
    for cell in several:
        if text := cell.read(cells):
            return text
    return ""


def first_of(several: Sequence[Cell]) -> Read:
    """The same as a function of the cells."""
    return several[0].read if len(several) == 1 else partial(first, several)


def _reader(place: Place, at: tuple[int, ...]) -> Read:
    """How to read the place: a function for each kind, since this is done some twenty times for every row."""
    if not at:
        return lambda cells: place.text
    plain = _one(at[0]) if len(at) == 1 else _joined(at, place.join)
    if place.values is not None:
        return _translated(plain, place.values)
    return _named(plain, place) if place.prefix or place.nobody else plain


def _one(at: int) -> Read:
    def read(cells: Sequence[str]) -> str:
        raw = cells[at]
        return said(raw) if raw else ""

    return read


def _joined(at: tuple[int, ...], join: str) -> Read:
    def read(cells: Sequence[str]) -> str:
        return join.join([part for position in at if cells[position] and (part := said(cells[position]))])

    return read


def _translated(plain: Read, values: Mapping[str, str]) -> Read:
    return lambda cells: values.get(fold(plain(cells)), "")


def _named(plain: Read, place: Place) -> Read:
    def read(cells: Sequence[str]) -> str:
        text = plain(cells)
        folded = text.casefold()
        nobody = any(folded.startswith(word[:-1]) if word[-1] == "*" else folded == word for word in place.nobody)
        return place.prefix + text if text and not nobody else ""

    return read


def said(raw: str) -> str:
    """The text of a cell on one line, without quotes that somebody put around all of it; "" for "N/A" and the like."""
    if raw.isascii() and raw.isprintable() and "  " not in raw and raw[0] != " " and raw[-1] != " ":
        text = raw  # nine of ten
    else:
        text = one_line(raw)
    if text[:1] == '"' == text[-1:] and text.count('"') == 2:
        text = text[1:-1].strip()
    return "" if len(text) < 15 and says_nothing(text) else text
