"""Telling test processes of one checkout apart: parallel workers of a run, and runs in two terminals."""

import atexit
import fcntl
import os
from pathlib import Path
from typing import TextIO

from config.embedded import places
from config.embedded.valkey import SLOTS

_held: list[TextIO] = []


def take() -> int:
    """Hold the first free slot until this process ends, however it ends.

    :raises places.CannotServe: all of them are taken.
    """
    for slot in range(SLOTS):
        handle = _handle(slot)
        if _locked(handle):
            _held.append(handle)
            atexit.register(handle.close)  # what is still open at the very end is warned of
            return slot
        handle.close()
    raise places.CannotServe(f"{SLOTS} test processes run in this checkout already; end some of them.")


def mine_is_the_last() -> bool:
    """Whether no other test process of this checkout runs."""
    free = 0
    for slot in range(SLOTS):
        with _handle(slot) as handle:
            free += _locked(handle)
    return free >= SLOTS - len(_held)


def _handle(slot: int) -> TextIO:
    directory = _directory()
    directory.mkdir(parents=True, exist_ok=True)
    return (directory / str(slot)).open("w")


def _directory() -> Path:
    return places.state() / "test-slots"


def _locked(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def worker() -> str:
    """pytest-xdist's name for this process, or nothing."""
    return os.environ.get("PYTEST_XDIST_WORKER", "")
