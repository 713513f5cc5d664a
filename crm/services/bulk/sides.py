"""The files beside an intake: refused rows with their original columns, and warnings. Their lengths are committed with
each chunk, so that after a crash whatever was not committed is cut off before it is written again.
"""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from config.kernel.errors import DomainError
from crm.services.feeds.records import Doubt, Refused

ABOUT: Final = ("_row", "_line", "_code", "_reason")
WARNING: Final = ("row", "line", "field", "code", "reason", "value")


class SideFileGone(DomainError):
    code = "side_file_gone"


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
                "start from the directory of the first try, or take the whole file in anew with --again."
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
    """Both files of one intake. ``columns`` are those of the file that is taken in."""

    def __init__(self, *, refused: Path, warnings: Path, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self.refused = SideFile(refused, (*columns, *ABOUT))
        self.warnings = SideFile(warnings, WARNING)

    def rewind(self, refused: int, warnings: int) -> None:
        self.refused.rewind(refused)
        self.warnings.rewind(warnings)

    def append(
        self, refused: Iterable[Refused], warnings: Iterable[Doubt], lengths: tuple[int, int]
    ) -> tuple[int, int]:
        """Write what a chunk adds behind ``lengths``; return the new ones."""
        rows = ([*self._cells(item), item.row, item.line, item.code, self._reason(item)] for item in refused)
        doubts = ([item.row, item.line, item.field, item.code, item.reason, item.value] for item in warnings)
        return self.refused.append(rows, lengths[0]), self.warnings.append(doubts, lengths[1])

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


def side_paths(path: Path, *, refused: Path | None = None) -> tuple[Path, Path]:
    """Return where the refused rows and the warnings of the file at ``path`` go: beside it, or where we may write."""
    directory = path.parent if os.access(path.parent, os.W_OK) else Path.cwd()
    default = (directory / f"{path.name}.refused.csv").absolute()
    return refused or default, (directory / f"{path.name}.warnings.csv").absolute()
