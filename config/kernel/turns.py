"""Taking turns: where more at once are slower than fewer, those of this process wait for each other."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from django.db import connection


class Turns:
    """Lets ``number`` threads of this process in at once, the others in the order in which they came.

    Nobody waits longer than ``patience`` seconds: it spares work and protects nothing. Nor does anybody wait inside a
    transaction, where they may hold what those who are in wait for.
    """

    def __init__(self, number: int, *, patience: float) -> None:
        self._free, self._patience = number, patience
        self._waiting: deque[Event] = deque()
        self._lock = Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        mine = not connection.in_atomic_block and self._enter()
        try:
            yield
        finally:
            if mine:
                self._leave()

    def _enter(self) -> bool:
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            called = Event()
            self._waiting.append(called)
        if called.wait(self._patience):
            return True
        with self._lock:
            if not called.is_set():
                self._waiting.remove(called)
            return called.is_set()

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
