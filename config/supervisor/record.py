"""What runs now, written down: for a second `./dev up`, for `./dev stop`, and for the one after a kill -9."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

from config.embedded import places
from config.supervisor import processes
from config.supervisor.processes import Identity

STOP_PATIENCE = 30.0  # seconds: ten for the programs (PATIENCE), and as long for each of the servers


@dataclass(frozen=True)
class Running:
    """One `./dev up`: who it is, where it answers, what it started."""

    url: str
    supervisor: Identity
    programs: list[Identity] = field(default_factory=list)


class AlreadyRuns(SystemExit):
    """There can be one `./dev up` per checkout; ends the second with a message that says where the first is."""


@contextlib.contextmanager
def only_one(trouble: Callable[[str], str] = lambda url: "") -> Iterator[None]:
    """Be the only `./dev up` of this checkout. The system frees the place, however this process ends.

    ``trouble`` says what is broken of the other one, by its address.

    :raises AlreadyRuns: another one runs.
    """
    with _lock() as handle:
        if not _taken(handle):
            yield
            return
    running = read()
    place, broken = (f" at {running.url}", trouble(running.url)) if running else ("", "")
    if broken:
        raise AlreadyRuns(f"Clearline runs already{place}, but {broken}. If that stays so: ./dev stop, then ./dev up.")
    raise AlreadyRuns(f"Clearline runs already{place}; ./dev stop ends it.")


def write(running: Running) -> None:
    """Replace the record at once, so that nobody ever reads half of one."""
    unfinished = _path().with_suffix(".new")
    unfinished.write_text(json.dumps(asdict(running)))
    unfinished.replace(_path())


def read() -> Running | None:
    try:
        kept = json.loads(_path().read_text())
        programs = [Identity(**entry) for entry in kept["programs"]]
        return Running(kept["url"], Identity(**kept["supervisor"]), programs)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def forget() -> None:
    _path().unlink(missing_ok=True)


def clear_leftovers() -> list[int]:
    """End what a killed `./dev up` left behind; return the pids that had to be killed. Call it inside `only_one`."""
    running = read()
    if not running:
        return []
    killed = list(processes.end(running.programs, patience=3))
    forget()
    return killed


def stop_running() -> bool:
    """End the `./dev up` of this checkout and wait for it; False if none runs."""
    with _lock() as handle:
        if not _taken(handle):
            clear_leftovers()
            return False
        running = read()
        if running and running.supervisor.lives():
            os.kill(running.supervisor.pid, 15)
        give_up = time.monotonic() + STOP_PATIENCE
        while _taken(handle):
            if time.monotonic() > give_up:
                raise SystemExit(f"./dev up does not end; kill it: {running.supervisor.pid if running else 'unknown'}")
            time.sleep(0.05)
    return True


def _path() -> Path:
    return places.state() / "up.json"


def _lock() -> TextIO:
    places.state().mkdir(parents=True, exist_ok=True)
    return (places.state() / "up.lock").open("w")


def _taken(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
