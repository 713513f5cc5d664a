"""The programs that are Clearline, each started on a leash and started again when it dies."""

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from config.embedded import places
from config.supervisor.output import Pump, Terminal
from config.supervisor.processes import Identity

LEASH = Path(__file__).with_name("leash.py")
QUEUES = "dispatch,engine,imports,exports,sync,inbox,celery"
ROOT_WARNING = "You're running the worker with superuser privileges"  # a container's only user often is root
TOO_MANY_DEATHS = 5
WITHIN = 60.0  # seconds
LONGEST_PAUSE = 8.0  # seconds


class KeepsDying(RuntimeError):
    """A program died too often; starting it again will not help."""


def commands(port: int) -> dict[str, list[str]]:
    """What runs: pages over WSGI on ``port``, websockets over ASGI on the next one, the work behind them, and on the
    third port the simulated carrier, for whoever ``needs_carrier``.

    Threads in the web workers, because a browser keeps its connection open and must not keep a whole worker.
    """
    local = "127.0.0.1"
    quiet = ["-W", "ignore:No directory at"]  # collected static files, which development has none of
    logs = str(places.CHECKOUT / "config" / "logging_uvicorn.json")
    celery = ["-W", f"ignore:{ROOT_WARNING}", "-m", "celery", "--quiet", "-A", "config"]
    carrier = ["-m", "integrations.simulated.carrier", "--ledger", str(places.state() / "carrier" / "ledger.db")]
    return {
        "web": [
            *(*quiet, "-m", "gunicorn", "config.wsgi:application", "--bind", f"{local}:{port}"),
            *("--preload", "--workers", "2", "--worker-class", "gthread", "--threads", "4"),
            *("--graceful-timeout", "3", "--log-level", "warning", "--no-control-socket"),
            *("--logger-class", "config.logs_gunicorn.JsonLogger"),
        ],
        "live": [
            *(*quiet, "-m", "uvicorn", "config.asgi:application", "--host", local, "--port", str(port + 1)),
            *("--lifespan", "off", "--log-level", "warning", "--timeout-graceful-shutdown", "2"),
            *("--log-config", logs),
        ],
        "worker": [
            *(*celery, "worker", "-Q", QUEUES, "-c", "2", "-l", "warning"),
            *("--without-gossip", "--without-mingle"),  # there is nobody else to talk to, and asking takes a second
        ],
        "beat": [*celery, "beat", "-l", "warning", "--pidfile=", "--schedule", str(places.state() / "beat")],
        "carrier": [*carrier, "--port", str(port + 2)],
    }


def needs_carrier() -> bool:
    """Whether messages go out through the simulated carrier, and nobody says that it runs elsewhere."""
    if os.environ.get("SIMULATED_CARRIER_URL"):
        return False
    named = [os.environ.get(f"{channel}_BACKEND") for channel in ("SMS", "EMAIL", "VOICEMAIL")]
    return any(not name or name.startswith("integrations.simulated.") for name in named)


def start_on_leash(
    name: str, arguments: list[str], environment: dict[str, str], terminal: Terminal, awaited: Collection[str] = ()
) -> tuple[subprocess.Popen[str], Pump]:
    """Start Python with ``arguments``, in a session of its own, so that Ctrl-C reaches only us.

    Call it on the main thread: the leash is held by the thread that starts the program.
    """
    command = [sys.executable, *arguments]
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *command],
        cwd=places.CHECKOUT,
        env=environment | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    pump = Pump(name, cast("IO[str]", process.stdout), terminal, awaited)
    pump.start()
    return process, pump


@dataclass
class Program:
    """One of the programs over all its lives."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    terminal: Terminal
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=TOO_MANY_DEATHS))
    process: subprocess.Popen[str] | None = None
    pump: Pump | None = None
    again_at: float = 0.0

    def start(self) -> None:
        self.process, self.pump = start_on_leash(self.name, self.arguments, self.environment, self.terminal)

    @property
    def identity(self) -> Identity | None:
        return Identity.of(self.process.pid) if self.process else None

    def look_after(self, now: float | None = None) -> bool:
        """Notice a death, start again when its pause is over; True if it was started.

        :raises KeepsDying: it died five times within a minute; with what it said last.
        """
        now = time.monotonic() if now is None else now
        if self.process and (code := self.process.poll()) is not None:
            self.process = None
            self._mourn(code, now)
        if self.process or now < self.again_at:
            return False
        self.start()
        return True

    def _mourn(self, code: int, now: float) -> None:
        self.deaths.append(now)
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        if len(self.deaths) == TOO_MANY_DEATHS and now - self.deaths[0] <= WITHIN:
            said = "\n".join(f"    {line}" for line in self._last_words())
            raise KeepsDying(f"{self.name} died {TOO_MANY_DEATHS} times within a minute ({how}). It said:\n{said}")
        recent = sum(now - death <= WITHIN for death in self.deaths)
        pause = min(LONGEST_PAUSE, 0.5 * 2 ** (recent - 1))
        self.again_at = now + pause
        self.terminal.say(f"{self.name} died ({how}); starting it again in {pause:g} s")

    def _last_words(self) -> list[str]:
        if not self.pump:
            return []
        self.pump.join(timeout=1)
        return list(self.pump.last_words) or ["nothing"]
