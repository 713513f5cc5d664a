"""From the places of a map to the cells of one file: which column is where, and what stands in it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from crm.services.feeds.maps import Place, fold
from crm.services.normalization.text import one_line, says_nothing

LONGEST_LABEL = 40


class Columns:
    """The columns of one file by folded name; where two fold alike, the first is meant."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
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

    def _cell(self, place: Place) -> "Cell | None":
        at = tuple(
            next(self.index[name] for name in part if name in self.index) for part in place.parts if self._has(part)
        )
        if not at and not place.text:
            return None
        label = self.index.get(place.label_column, -1)
        return Cell(at, self.names[at[0]] if at else "", place, label)

    def _has(self, names: Iterable[str]) -> bool:
        return any(name in self.index for name in names)


class Cell(NamedTuple):
    """One place of a map in one file: the positions of its columns, and the name of the first for messages."""

    at: tuple[int, ...]
    column: str
    place: Place
    label_at: int

    def raw(self, cells: Sequence[str]) -> str:
        """The text on one line, "" where it is a way to say nothing ("N/A")."""
        if len(self.at) == 1:
            text = one_line(cells[self.at[0]])
        elif self.at:
            text = self.place.join.join(part for at in self.at if (part := one_line(cells[at])))
        else:
            text = self.place.text
        return "" if len(text) < 15 and says_nothing(text) else text

    def read(self, cells: Sequence[str]) -> str:
        """The text in our words, with its prefix."""
        text = self.raw(cells)
        if not text:
            return ""
        if self.place.values is not None:
            return self.place.values.get(fold(text), "")
        if self.place.nobody and self._names_nobody(text.casefold()):
            return ""
        return self.place.prefix + text

    def label(self, cells: Sequence[str]) -> str:
        """What kind of phone or address it is: the source's word in small letters, or the map's."""
        said = one_line(cells[self.label_at]).strip("* ").lower() if self.label_at >= 0 else ""
        return said[:LONGEST_LABEL] or self.place.label

    def _names_nobody(self, text: str) -> bool:
        return any(text.startswith(word[:-1]) if word[-1] == "*" else text == word for word in self.place.nobody)


def first(several: Sequence[Cell], cells: Sequence[str]) -> str:
    """What the first place that says something says."""
    for cell in several:
        if text := cell.read(cells):
            return text
    return ""


Bound = Mapping[str, tuple[Cell, ...]]
