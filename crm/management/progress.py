"""How far a long command is: one line that is redrawn on a terminal, a line now and then elsewhere."""

import os
from dataclasses import dataclass, field
from typing import Final, TextIO

from config.kernel import clock

WIDTH, NARROW = 24, 8  # characters of the bar where there is room, and where there is not
TERMINAL: Final = 80  # characters of a line where nobody says how many
REDRAWN: Final = 0.1  # seconds
TOLD: Final = 10.0  # seconds between lines where nobody watches


@dataclass(slots=True)
class Progress:
    """``total`` is in the unit of ``done``; rows are counted beside it, ``before`` of them in an earlier attempt."""

    out: TextIO
    name: str
    total: int
    before: int = 0
    _began: float = field(default_factory=clock.monotonic)
    _shown: float = 0.0
    _done_before: int | None = None

    def show(self, *, rows: int, done: int) -> None:
        now = clock.monotonic()
        if now - self._shown < (REDRAWN if self.out.isatty() else TOLD):
            return
        self._shown = now
        if self._done_before is None:
            self._done_before = done
        pace = f"{rows:,} rows  {self._rate(rows, now):,.0f} rows/s  {self._left(done, now)}"
        if self.out.isatty():
            self.out.write(f"\r\x1b[2K{self._line(done, pace, self._columns() - 1)}")
        else:
            self.out.write(f"{self.name}  {self._bar(done, WIDTH)}  {pace}\n")
        self.out.flush()

    def clear(self) -> None:
        if self.out.isatty():
            self.out.write("\r\x1b[2K")
            self.out.flush()

    def _line(self, done: int, pace: str, room: int) -> str:
        """One line in which everything stays: what is too long for the terminal wraps, and could not be redrawn."""
        spare = room - len(f"{self.name}  {self._bar(done, 0)}  {pace}")
        rest = f"  {self._bar(done, max(NARROW, min(WIDTH, spare)))}  {pace}"
        name = self.name
        if len(name) > room - len(rest):
            name = name[: max(room - len(rest) - 2, 0)] + ".."
        return f"{name}{rest}"[:room]

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self.out.fileno()).columns or TERMINAL
        except (OSError, ValueError):
            return TERMINAL

    def _bar(self, done: int, width: int) -> str:
        share = min(done / self.total, 1.0) if self.total else 1.0
        full = round(share * width)
        return f"[{'#' * full}{'.' * (width - full)}] {share:4.0%}"

    def _rate(self, rows: int, now: float) -> float:
        return (rows - self.before) / max(now - self._began, 0.001)

    def _left(self, done: int, now: float) -> str:
        """Minutes and seconds to go, at the pace so far."""
        passed = done - (self._done_before or 0)
        if passed <= 0 or done >= self.total:
            return ""
        seconds = round((self.total - done) / passed * (now - self._began))
        return f"{seconds // 60}:{seconds % 60:02d} to go"
