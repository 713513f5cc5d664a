"""`./dev up`: prepare, start, look after, and take everything down again."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from types import FrameType

from config import embedded
from config.supervisor import processes, record
from config.supervisor.output import Pump, Terminal
from config.supervisor.prepare import LOADED, TABLES
from config.supervisor.processes import Identity
from config.supervisor.programs import KeepsDying, Program, commands, needs_carrier, start_on_leash
from config.supervisor.servers import Servers

HOST = "127.0.0.1"
# Seconds for the programs to end what they do. The pages give a request three (--graceful-timeout) and must then still
# fold up their workers: on a machine with other work that takes seconds too, and who is killed ends nothing cleanly.
PATIENCE = 10.0
UNUSUAL = 15.0  # seconds until it is worth saying that they are not ready
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked for the end."""


class CannotStart(SystemExit):
    """`./dev up` cannot go on; ends it with a message that says what to do."""


def up(port: int) -> None:
    """Run Clearline in the foreground until a signal comes.

    :raises CannotStart: a port is taken, the database cannot be prepared, or a program or server keeps dying.
    :raises record.AlreadyRuns: another `./dev up` of this checkout runs.
    """
    terminal, began = Terminal(), float(os.environ.get("DEV_BEGAN") or time.time())
    with record.only_one(_trouble):
        for pid in record.clear_leftovers():
            terminal.say(f"killed process {pid}, left behind by a run that was killed")
        _require_free(port, port + 1, *([port + 2] if needs_carrier() else []))
        running = _Run(port, terminal)
        with _signals_raise():
            try:
                running.start()
                terminal.say(f"ready after {time.time() - began:.1f} s: {running.url}/admin/  (Ctrl-C stops it)")
                running.look_after()
            except Stopped:
                terminal.say("stopping")
            except KeepsDying as reason:
                raise CannotStart(f"clearline: {reason}") from None
            finally:
                running.stop()


class _Run:
    def __init__(self, port: int, terminal: Terminal) -> None:
        self.url = f"http://{HOST}:{port}"
        self.port, self.terminal = port, terminal
        self.programs: list[Program] = []
        self.servers = Servers(terminal)
        self.preparing: Identity | None = None

    def start(self) -> None:
        os.environ.setdefault("PUBLIC_URL", self.url)
        os.environ.setdefault("WS_URL", f"ws://{HOST}:{self.port + 1}/ws/")
        carrier = ["carrier"] if needs_carrier() else []
        os.environ.setdefault("SIMULATED_CARRIER_URL", f"http://{HOST}:{self.port + 2}")
        # Everything loads while something else is waited for: the setup while the servers start, the pages while the
        # setup makes the tables, worker and beat while it fills them. It ends when it hears the worker.
        setup, pump = self._begin_setup()
        if embedded.ensure():
            self.terminal.say("PostgreSQL and Valkey started")
        self._look_while(lambda: setup.poll() is None and LOADED not in pump.heard)
        self._launch("web", "live")
        self._look_while(lambda: setup.poll() is None and TABLES not in pump.heard)
        if not setup.poll():
            self._launch("worker", "beat", *carrier)
        self._look_while(lambda: setup.poll() is None)
        pump.join(timeout=1)
        self.preparing = None
        self._write_down()
        if setup.returncode:
            raise CannotStart("clearline: the database could not be prepared; the lines above say why.")
        self._wait_until_ready()

    def look_after(self) -> None:
        while True:
            self.servers.look_after()
            self._look_once()

    def stop(self) -> None:
        """Take everything down. A signal that comes meanwhile is not heard; the programs have ``PATIENCE``."""
        with _signals_ignored():
            self._end_programs()
            stopped = embedded.stop()
            record.forget()
            self.terminal.say(f"stopped{', ' + ' and '.join(stopped) + ' too' if stopped else ''}")

    def _end_programs(self) -> None:
        names = {program.identity: program.name for program in self.programs if program.identity}
        for pid, identity in processes.end(self._identities(), patience=PATIENCE).items():
            self.terminal.say(f"{names.get(identity, 'setup')} took too long to end: killed {pid}")

    def _launch(self, *names: str) -> None:
        arguments = commands(self.port)
        for name in names:
            self.programs.append(Program(name, arguments[name], dict(os.environ), self.terminal))
        self._look_once()

    def _begin_setup(self) -> tuple[subprocess.Popen[str], Pump]:
        arguments = ["-m", "config.supervisor.prepare"]
        process, pump = start_on_leash("setup", arguments, dict(os.environ), self.terminal, awaited=(LOADED, TABLES))
        self.preparing = Identity.of(process.pid)
        self._write_down()
        return process, pump

    def _look_while(self, still: Callable[[], bool]) -> None:
        while still():
            self._look_once()

    def _look_once(self) -> None:
        started = [program.look_after() for program in self.programs]
        if any(started):
            self._write_down()
        time.sleep(0.2)

    def _wait_until_ready(self) -> None:
        complain_at = time.monotonic() + UNUSUAL
        while (status := _health(self.port)) != http.client.OK or not _listens(self.port + 1):
            self.servers.look_after()
            self._look_once()
            if time.monotonic() > complain_at:
                self.terminal.say(f"still waiting: {self.url}/health says {status or 'nothing'}")
                complain_at += UNUSUAL

    def _identities(self) -> list[Identity]:
        known = [program.identity for program in self.programs] + [self.preparing]
        return [identity for identity in known if identity]

    def _write_down(self) -> None:
        record.write(record.Running(self.url, Identity.of(os.getpid()), self._identities()))


def _require_free(*ports: int) -> None:
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise CannotStart(
                    f"clearline: port {port} cannot be used ({error.strerror}). Clearline takes a port for pages, the "
                    "next one for live updates and the third for the simulated carrier; choose others with "
                    f"./dev up --port {ports[0] + 10}"
                ) from None


def _trouble(url: str) -> str:
    """Say what is broken of the `./dev up` that answers at ``url``; nothing, where nothing is."""
    if dead := embedded.dead():
        return f"{' and '.join(dead)} died"
    status = _health(int(url.rpartition(":")[2]))
    if not status:
        return "its pages do not answer; it may still be starting"
    return "" if status == http.client.OK else f"{url}/health says {status}"


def _health(port: int) -> int:
    """The status that /health answers with, 0 if nobody does."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _signals_ignored() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
