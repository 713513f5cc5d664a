"""One terminal for many programs: every line says whose it is."""

import os
import sys
import threading
from collections import deque
from collections.abc import Collection
from typing import IO

COLORS = {"web": 36, "live": 34, "worker": 35, "beat": 33, "carrier": 31, "setup": 32, "clearline": 1}
WIDTH = 9
LAST_WORDS = 12


class Terminal:
    """Whole lines, prefixed, in color where a person looks on; never fails, even if nobody listens any more."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self.stream = stream or sys.stdout
        self.colored = self.stream.isatty() and "NO_COLOR" not in os.environ
        self._turn = threading.Lock()
        self._gone = False

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:{WIDTH}} |"
        if self.colored:
            prefix = f"\033[{COLORS.get(name, 37)}m{prefix}\033[0m"
        with self._turn:
            if self._gone:
                return
            try:
                self.stream.write(f"{prefix} {text}\n")
                self.stream.flush()
            except (OSError, ValueError):
                self._gone = True

    def say(self, text: str) -> None:
        self.line("clearline", text)


class Pump(threading.Thread):
    """Carry a program's output to the terminal until it closes it, keeping its last words.

    ``heard`` has those of the ``awaited`` lines that the program has said.
    """

    def __init__(self, name: str, source: IO[str], terminal: Terminal, awaited: Collection[str] = ()) -> None:
        super().__init__(daemon=True, name=f"output of {name}")
        self.program, self.source, self.terminal, self.awaited = name, source, terminal, awaited
        self.last_words: deque[str] = deque(maxlen=LAST_WORDS)
        self.heard: set[str] = set()

    def run(self) -> None:
        with self.source:
            for line in self.source:
                self.last_words.append(line.rstrip())
                self.terminal.line(self.program, line.rstrip())
                if line.rstrip() in self.awaited:
                    self.heard.add(line.rstrip())
