"""Where the embedded servers keep their data and their sockets, and whose turn it is to touch them."""

import fcntl
import hashlib
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent

# Not tempfile.gettempdir() or XDG_RUNTIME_DIR: a cron job, a login and a sudo session disagree on those, and all of
# them must find the same servers. The directories made here are private and checked by `private`.
SHORT = Path("/tmp")  # noqa: S108 - a socket path may have 107 bytes, which a checkout's path can exceed
MEMORY = Path("/dev/shm")  # noqa: S108 - see SHORT
ROOM_FOR_TESTS = 2 * 1024**3


class CannotServe(SystemExit):
    """An embedded server cannot be had; ends the command with a message that says what to do."""


def state() -> Path:
    """Where everything that must last is kept: `EMBEDDED_STATE_DIR`, by default `.local` in the checkout."""
    return Path(os.environ.get("EMBEDDED_STATE_DIR") or CHECKOUT / ".local").absolute()


def _private_name() -> str:
    owner = hashlib.sha256(str(state().resolve()).encode()).hexdigest()[:10]
    return f"clearline-{os.geteuid()}-{owner}"


def sockets() -> Path:
    return SHORT / _private_name()


def memory() -> Path:
    return MEMORY / _private_name()


def is_heard(path: Path) -> bool:
    """Whether anybody listens on the socket ``path``; costs the one who does nothing worth counting."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(2)
        try:
            caller.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # somebody is there, and busy
    return True


def processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def working_directory(pid: int) -> str:
    """Where a process works, followed by " (deleted)" if that is gone; nothing if it ended or is somebody else's."""
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


def shelter() -> Path:
    """Where an account without rights to the checkout can keep a data directory that lasts."""
    return Path("/var/tmp") / _private_name()  # noqa: S108 - see SHORT


def memory_has_room() -> bool:
    return MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_FOR_TESTS


def private(path: Path, *, mode: int = 0o700) -> Path:
    """Make ``path`` a directory that only its owner may change.

    :raises CannotServe: something else is there, or it belongs to somebody else.
    """
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise CannotServe(f"{path} cannot be made: {error.strerror}. Set EMBEDDED_STATE_DIR elsewhere.") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise CannotServe(f"{path} is not a private directory of this user; remove it, or set EMBEDDED_STATE_DIR.")
    return path


@contextmanager
def turn() -> Iterator[None]:
    """Wait for one's turn: of all processes of this checkout one at a time starts or stops servers."""
    directory = state()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = (directory / "lock").open("w")
    except OSError as error:
        raise CannotServe(
            f"{directory} is not writable: {error.strerror}. It may belong to another user; set EMBEDDED_STATE_DIR."
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
