"""The files beside an intake: refused rows with their original columns, and warnings. Their lengths are committed with
each chunk, so that after a crash whatever was not committed is cut off before it is written again.

A run writes its names down before it writes the files, and touches no file that is not its own: what lies there already
may be somebody's work of mending rows, or the very file that is taken in.
"""

import csv
import io
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Final

from config.kernel.errors import DomainError
from crm.services.feeds.records import Doubt, Refused
from crm.services.files.rows import ABOUT

WARNING: Final = ("row", "line", "field", "code", "reason", "value")


Original = Callable[[int], Mapping[str, str]]  # the cells of a row, by its number, as the file has them


class SideFileGone(DomainError):
    code = "side_file_gone"


class InTheWay(DomainError):
    """Refused rows would go where something else lies that must not be lost."""

    code = "side_file_in_the_way"


class SideFile:
    """A CSV file that appears with its first row, and can be cut back to any length it had."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path = path
        self._header = tuple(header)

    def rewind(self, length: int) -> None:
        """Forget everything behind the first ``length`` bytes.

        :raises SideFileGone: there should be as many, and there are not.
        """
        if not length:
            self.path.unlink(missing_ok=True)
        elif self.path.exists() and self.path.stat().st_size >= length:
            os.truncate(self.path, length)
        else:
            raise SideFileGone(
                f"{self.path} should hold what was written before the interruption, and does not. Put it back, "
                "or take the whole file in anew with --again."
            )

    def append(self, rows: Iterable[Sequence[object]], length: int) -> int:
        """Write ``rows`` behind the first ``length`` bytes, to the disk; return how long the file is now."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerows(rows)
        if not text.tell():
            return length
        with self.path.open("ab") as file:
            if not length:
                head = io.StringIO(newline="")
                csv.writer(head, lineterminator="\r\n").writerow(self._header)
                file.write(head.getvalue().encode(errors="replace"))
            file.write(text.getvalue().encode(errors="replace"))
            file.flush()
            os.fsync(file.fileno())
            return file.tell()


class Sides:
    """Both files of one intake. ``columns`` are those of the file that is taken in; ``original`` gives the cells of a
    row that could be read and was refused all the same, later on.
    """

    def __init__(
        self, *, refused: Path, warnings: Path, columns: Sequence[str], original: Original | None = None
    ) -> None:
        self._columns, self._original = tuple(columns), original
        self.refused = SideFile(refused, (*columns, *ABOUT))
        self.warnings = SideFile(warnings, WARNING)

    def rewind(self, refused: int, warnings: int) -> None:
        self.refused.rewind(refused)
        self.warnings.rewind(warnings)

    def append(
        self, refused: Iterable[Refused], warnings: Iterable[Doubt], lengths: tuple[int, int]
    ) -> tuple[int, int]:
        """Write what a chunk adds behind ``lengths``; return the new ones."""
        rows = (self._row(item) for item in refused)
        doubts = ([item.row, item.line, item.field, item.code, item.reason, item.value] for item in warnings)
        return self.refused.append(rows, lengths[0]), self.warnings.append(doubts, lengths[1])

    def _row(self, item: Refused) -> list[object]:
        if not item.raw and self._original:
            item = replace(item, raw=dict(self._original(item.row)))
        return [*self._cells(item), item.row, item.line, item.field, item.code, self._reason(item)]

    def _cells(self, item: Refused) -> list[str]:
        """The original cells; the text of a row that could not be read stands in the first."""
        known = self._columns if self._columns and not item.raw.keys().isdisjoint(self._columns) else ()
        if known or not self._columns:
            return [item.raw.get(name, "") for name in known]
        return [" ".join(item.raw.values()), *[""] * (len(self._columns) - 1)]

    def _reason(self, item: Refused) -> str:
        """The reason, and the cells for which the file has no column (a JSON object may have more than others)."""
        more = {name: text for name, text in item.raw.items() if name not in self._columns}
        if not more or len(more) == len(item.raw):
            return item.reason
        return f"{item.reason} Further cells: " + "; ".join(f"{name}: {text}" for name, text in more.items())


def side_paths(
    path: Path, *, refused: Path | None = None, own: tuple[str, str] = ("", ""), others: Collection[str] = ()
) -> tuple[Path, Path]:
    """Return where the refused rows and the warnings of the file at ``path`` go: beside it, or where we may write.

    ``own`` are the two files that this run began before it was interrupted, ``others`` those of runs that are going on.
    Where something else lies, the name gets a number.

    :raises InTheWay: ``refused`` is the file itself, or is there and not our own, or is in no directory.
    """
    directory = (path.parent if os.access(path.parent, os.W_OK) else Path.cwd()).absolute()
    if refused is not None:
        _check(refused, path, own)
    listed, warned = own
    here = refused or (Path(listed) if listed else _free(directory / f"{encodable(path.name)}.refused", others))
    taken = {*others, str(here.absolute())}
    return here, Path(warned) if warned else _free(directory / f"{encodable(path.name)}.warnings", taken)


def encodable(text: str) -> str:
    """Return ``text`` as UTF-8 can hold it: a file's name may be any bytes, and half characters stand for those."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _check(refused: Path, path: Path, own: Collection[str]) -> None:
    if refused.exists() and path.exists() and refused.samefile(path):
        raise InTheWay(f"{refused} is the file that is taken in: it would be lost. Name another one with --refused.")
    if refused.exists() and encodable(str(refused.absolute())) not in own:
        raise InTheWay(f"{refused} is there already, and this run has not written it. Move it, or name another one.")
    if not refused.absolute().parent.is_dir():
        raise InTheWay(f"{refused.parent} is no directory. Make it, or name another file with --refused.")


def _free(stem: Path, others: Collection[str]) -> Path:
    """The first of leads.csv.refused.csv, leads.csv.refused.2.csv and so on that is nobody's."""
    numbered = (stem.with_name(f"{stem.name}.{number}.csv") for number in count(2))
    names = chain([stem.with_name(f"{stem.name}.csv")], numbered)
    return next(path for path in names if not path.exists() and encodable(str(path)) not in others)
