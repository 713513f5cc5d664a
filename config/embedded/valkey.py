"""One private Valkey (or Redis) of this checkout, reached by a unix socket only."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from config.embedded import binaries, places
from config.embedded.places import CannotServe

PATIENCE = 10.0  # seconds to load what was kept, or to end
# A program of its own per use: keys of the cache can be flushed without losing a task.
USES = ("redis", "broker", "cache", "channels")
SLOTS = 32  # parallel test processes that get databases of their own


class Valkey:
    """A directory and the server on it; naming one touches nothing on disk."""

    def __init__(self, *, test: bool = False) -> None:
        self.name = "valkey-test" if test else "valkey"
        self.test = test

    @property
    def socket(self) -> Path:
        return places.sockets() / f"{self.name}.sock"

    @property
    def directory(self) -> Path:
        return places.state() / self.name

    def url(self, use: str, *, slot: int = 0) -> str:
        return f"unix://{self.socket}?db={self.database(use, slot=slot)}"

    def database(self, use: str, *, slot: int = 0) -> int:
        return USES.index(use) + len(USES) * (slot % SLOTS)

    def lives(self) -> bool:
        """Whether a server listens, ready or not."""
        return places.is_heard(self.socket)

    def ready(self) -> bool:
        return self.ask("PING") == "+PONG"

    def start(self) -> bool:
        """Start it unless it runs. Call it in one's `places.turn`. :raises CannotServe: with the end of its log."""
        if self.ready():
            return False
        places.private(places.sockets())
        self.directory.mkdir(parents=True, exist_ok=True)
        log = self.directory / "server.log"
        log.unlink(missing_ok=True)
        subprocess.run(self._command(log), check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if not self._until(self.ready):
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise CannotServe(f"Valkey does not answer on {self.socket}.\n{log}:\n{said}")
        return True

    def stop(self) -> bool:
        """Stop it after it has written what it keeps; False if it was not running."""
        if not self.ready():
            return False
        self.ask("SHUTDOWN")
        return self._until(lambda: not self.ready() and not (self.directory / "pid").exists())

    def flush(self, *, slot: int) -> None:
        """Forget what the databases of ``slot`` hold."""
        for use in USES:
            self.ask(f"SELECT {self.database(use, slot=slot)}", "FLUSHDB")

    def ask(self, *commands: str) -> str:
        """Send commands on one connection; return the last answer's first line, or nothing if nobody is there."""
        answer = ""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                for command in commands:
                    connection.sendall(f"{command}\r\n".encode())
                    answer = connection.recv(512).decode(errors="replace").partition("\r\n")[0]
        except OSError:
            return ""
        return answer

    def _command(self, log: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.directory),
            "daemonize": "yes",
            "pidfile": str(self.directory / "pid"),
            "logfile": str(log),
            "databases": str(len(USES) * SLOTS),
            "appendonly": "no" if self.test else "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        return [str(binaries.valkey()), *(word for name, value in options.items() for word in (f"--{name}", value))]

    @staticmethod
    def _until(come_true: Callable[[], bool]) -> bool:
        give_up = time.monotonic() + PATIENCE
        while not (done := come_true()) and time.monotonic() < give_up:
            time.sleep(0.02)
        return done
