"""Test clusters in memory that nobody will use again: those of checkouts that are gone, a gigabyte each.

A cluster notes whose it is; what has no note is left alone. Whoever starts a test cluster holds a lock of this user's
with others who start theirs, and whoever clears holds it alone: nobody clears what somebody has just begun to use.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from config.embedded import places

NOTE = "checkout"


@contextmanager
def spared() -> Iterator[None]:
    """Start a cluster in memory inside: it is noted whose it is, and nobody clears anything meanwhile."""
    places.private(places.memory())
    with _lock() as turn:
        fcntl.flock(turn, fcntl.LOCK_SH)
        places.private(places.memory())  # it may have been cleared while we waited
        (places.memory() / NOTE).write_text(str(places.CHECKOUT))
        yield


def clear() -> list[str]:
    """Remove what is left of checkouts that are gone, if no process works in it; return the names.

    While anybody of this user starts a cluster nothing is removed: the next one to start will do it.
    """
    with _lock() as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return []
        left = [home for home in sorted(places.MEMORY.glob(f"{_ours()}-*")) if _is_left(home)]
        for home in left:
            shutil.rmtree(home, ignore_errors=True)
    return [home.name for home in left]


def _is_left(home: Path) -> bool:
    try:
        found, checkout = home.lstat(), (home / NOTE).read_text()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not Path(checkout).exists() and not _is_worked_in(home)


def _is_worked_in(home: Path) -> bool:
    """Whether a server runs there: it works in its data directory, and listens, which shows any account's."""
    if any(places.working_directory(pid).startswith(f"{home}/") for pid in places.processes()):
        return True
    return any(map(places.is_heard, (places.SHORT / home.name).glob("*/.s.PGSQL.5432")))


@contextmanager
def _lock() -> Iterator[TextIO]:
    with (places.private(places.MEMORY / _ours()) / "lock").open("w") as handle:
        yield handle


def _ours() -> str:
    return f"clearline-{os.geteuid()}"
