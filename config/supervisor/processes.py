"""Knowing a process again: a pid alone may belong to somebody else by now."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """A process that leads a session of its own, and the moment it began, in the system's words."""

    pid: int
    began: str

    @classmethod
    def of(cls, pid: int) -> "Identity":
        return cls(pid, _began(pid))

    def lives(self) -> bool:
        return bool(self.began) and _began(self.pid) == self.began

    def members(self) -> list[int]:
        """Whoever lives of its session, the leader included; nobody, if the pid leads another session by now.

        Orphans are found by session and checkout: the leader they had cannot be asked any more.
        """
        if self.lives():
            return [self.pid, *_session(self.pid)]
        return [] if _began(self.pid) else list(_session(self.pid))


def end(identities: list[Identity], *, patience: float) -> dict[int, Identity]:
    """Ask all of them to end; kill what has not after ``patience`` seconds.

    Return whom it killed, and whose they were. Calling it again after an interruption finds what is left.
    """
    for identity in identities:
        if identity.lives():
            _signal(identity.pid, signal.SIGTERM)
    give_up = time.monotonic() + patience
    while (stubborn := _members(identities)) and time.monotonic() < give_up:
        time.sleep(0.05)
    for pid in stubborn:
        _signal(pid, signal.SIGKILL)
    return stubborn


def _members(identities: list[Identity]) -> dict[int, Identity]:
    return {pid: identity for identity in identities for pid in identity.members()}


def _began(pid: int) -> str:
    """The moment a process began; nothing if there is none, or only its unclaimed remains."""
    if not PROC.is_dir():
        asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607 - wherever ps lies
        return asked.stdout.strip()
    fields = _stat(pid)
    return fields[19] if fields and fields[0] != "Z" else ""


def _session(leader: int) -> Iterator[int]:
    for entry in PROC.glob("[0-9]*"):
        pid = int(entry.name)
        fields = _stat(pid)
        if pid == leader or not fields or fields[0] == "Z" or int(fields[3]) != leader:
            continue
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == Path.cwd():
                yield pid


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on: state, parent, group, session, ...; the 20th is when it began."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _signal(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)
