"""What is done to the servers and to the programs, and to whom."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from benchmarks.chaos.people import People

SPEED: Final = 20  # the window of the people is seven hours long: twenty minutes of ours
BEHAVIOUR: Final = {
    "latency_ms": 20, "speed": SPEED, "hang": 12, "error_before": 0.03, "error_after": 0.05, "hang_after": 0.01,
    "early": 0.05, "refuse": 0.02, "undelivered": 0.03, "silent": 0.01, "duplicate": 0.2, "disorder": 0.2,
    "opt_out": 0.1, "out_of_office": 0.05, "reply": 0.2,
}  # fmt: skip
QUIET: Final = {"error_before": 0, "error_after": 0, "hang_after": 0, "speed": 1_000}
# Each is drawn as often as it stands here before any is drawn again.
STRIKES: Final = ("kill",) * 5 + ("freeze",) * 4 + ("flush",) * 3
VICTIMS: Final = ("worker", "other worker", "worker", "other worker", "web", "beat", "carrier")
SERVERS: Final = ("DATABASE_URL", "REPLICA_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "CHANNELS_URL")


class Chaos:
    """One run: ``run`` returns the promises that are broken in the end, in words.

    ``tables`` is the address of a migrated database to copy, which is faster than to migrate another.
    """

    def __init__(self, place: Path, *, seconds: float, people: int, seed: int, tables: str = "") -> None:
        self.place, self.seconds, self.people, self.seed, self.tables = place, seconds, people, seed, tables
        self.random, self.done = random.Random(seed), Counter[str]()
        self.programs: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}
        self.frozen: dict[str, float] = {}
        self.log = (place / "programs.log").open("w+")
        self.began, self.times = time.monotonic(), dict[str, float]()

    def run(self) -> list[str]:
        self._set_environment()
        from integrations.tests import carriers

        with carriers.running(self.place / "carrier.sqlite") as self.carrier:
            os.environ["SIMULATED_CARRIER_URL"] = self.carrier.url
            try:
                return self._run()
            finally:
                self._end_programs(*self.programs)
                self._stop_servers()
                self._passed("ending")
                print("seconds: " + ", ".join(f"{what} {time:.1f}" for what, time in self.times.items()), flush=True)

    def _set_environment(self) -> None:
        """Servers of our own, whatever the environment or somebody's .env says."""
        from config.embedded.postgres import Cluster

        for name in SERVERS:
            os.environ.pop(name, None)
        self.port = _free_port()
        # The cluster is one as ./dev up has it: that for tests keeps nothing through a crash.
        os.environ.update(CLEARLINE_TESTS="1", EMBEDDED_STATE_DIR=str(self.place / "state"), LOG_LEVEL="WARNING")
        from config.testing import NOON  # names what is Valkey's after us, like the walks of tests that come later

        os.environ.update(
            DATABASE_URL=Cluster().url(), DJANGO_SETTINGS_MODULE="config.settings", DEBUG="1",
            PUBLIC_URL=f"http://127.0.0.1:{self.port}", SIMULATED_CLOCK=f"{NOON.isoformat()} {time.time()} {SPEED}",
        )  # fmt: skip

    def _run(self) -> list[str]:
        from config import embedded
        from config.embedded.postgres import Cluster

        embedded.ensure()
        Cluster().ask("ALTER SYSTEM SET track_commit_timestamp = on")  # who came first is asked in the end
        self._restart()
        self._passed("servers")
        self._make_tables()
        self._passed("tables")
        self.commands = _commands(self.port)
        for name in self.commands:
            self._start(name)
        import django

        django.setup()
        from benchmarks.chaos import promises
        from benchmarks.chaos.people import People

        people = People(self.people, self.random)
        self.carrier.set(**BEHAVIOUR, seed=self.seed)
        self._passed("people")
        self._until_they_hear()
        self._passed("programs")
        self._break_things(people)
        self._passed("breaking")
        self.carrier.set(**QUIET)
        told = self.carrier.facts()
        done = ", ".join(f"{what} {times}" for what, times in sorted(self.done.items()))
        print(f"done to them: {done}; {told['messages']} messages went out meanwhile", flush=True)
        self._end_programs("worker", "other worker", "beat")
        self._wake("web", at=0)
        self._let_in_who_waits(people)
        broken = promises.broken(self.carrier, meanwhile=told["messages"])
        self._passed("quiet and promises")
        return broken

    def _passed(self, what: str) -> None:
        """Keep how long ``what`` took, for whoever wonders where the time goes."""
        self.times[what] = time.monotonic() - self.began - sum(self.times.values())

    def _make_tables(self) -> None:
        if not self.tables:
            subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
            return
        from config.embedded.postgres import Cluster, clean_environment

        programs, given = Cluster().found.directory, clean_environment()
        read, write = (
            [programs / "pg_dump", self.tables],
            [programs / "psql", "-Xq", "-v", "ON_ERROR_STOP=1", Cluster().url()],
        )
        with subprocess.Popen(read, stdout=subprocess.PIPE, env=given) as dump:
            subprocess.run(write, stdin=dump.stdout, stdout=subprocess.DEVNULL, env=given, check=True)
        if dump.returncode:
            raise SystemExit(f"The tables cannot be copied from {self.tables}.")

    def _break_things(self, people: "People") -> None:
        began = time.monotonic()
        restart, strikes = began + self.random.uniform(3, 8), self._strikes()
        while (now := time.monotonic()) < began + self.seconds or (
            now < began + 3 * self.seconds and self._is_too_little()
        ):
            people.let_in(share=min(1.0, (now - began) / self.seconds))
            for name, back in list(self.frozen.items()):
                self._wake(name, at=back)
            if now > restart:
                self._restart()
                restart = time.monotonic() + self.random.uniform(4, 12)
                self.done["restart"] += 1
            next(strikes)()
            time.sleep(self.random.uniform(0.3, 1.4))

    def _is_too_little(self) -> bool:
        """Whether on a busy machine too little has happened yet to prove anything."""
        all_done = all(self.done[what] for what in (*STRIKES, "restart"))
        return not (all_done and self.carrier.facts()["messages"] > self.people / 4)

    def _let_in_who_waits(self, people: "People") -> None:
        """The last restart may have cut our own connection, and whoever died may hold the campaign for a moment."""
        give_up = time.monotonic() + 30
        while people.inside < people.number and time.monotonic() < give_up:
            people.let_in(everybody=True)

    def _strikes(self) -> Iterator["partial[None]"]:
        while True:
            deck = list(STRIKES)
            self.random.shuffle(deck)
            for name in deck:
                self.done[name] += 1
                yield partial(getattr(self, f"_{name}"))

    # The programs, each the leader of a session of its own

    def _start(self, name: str) -> None:
        self.programs[name] = subprocess.Popen(
            self.commands[name], stdout=self.log, stderr=self.log, start_new_session=True
        )

    def _end_programs(self, *names: str) -> None:
        for name in names:
            _signal(self.programs[name], signal.SIGKILL)
            self.programs[name].wait()

    def _kill(self) -> None:
        name = self.random.choice(VICTIMS)
        if name == "carrier":
            self.carrier.end(signal.SIGKILL)
            self.carrier.start()
            return
        self.frozen.pop(name, None)
        self._end_programs(name)
        self._start(name)

    def _freeze(self) -> None:
        name = self.random.choice(VICTIMS[:5])
        _signal(self.programs[name], signal.SIGSTOP)
        self.frozen[name] = time.monotonic() + self.random.uniform(1, 8)

    def _wake(self, name: str, *, at: float) -> None:
        if time.monotonic() > at:
            _signal(self.programs[name], signal.SIGCONT)
            self.frozen.pop(name, None)

    def _until_they_hear(self) -> None:
        from django.core.cache import cache

        from calls.tasks import HEARTBEAT

        give_up = time.monotonic() + 120
        while not cache.get(HEARTBEAT):
            if time.monotonic() > give_up:
                raise SystemExit(f"No worker is heard:\n{(self.place / 'programs.log').read_text()[-3000:]}")
            time.sleep(0.2)

    # The servers

    def _flush(self) -> None:
        from config.embedded.valkey import Valkey

        Valkey(test=True).ask("FLUSHALL")

    def _restart(self) -> None:
        from config.embedded import places
        from config.embedded.postgres import Cluster, run_as

        cluster = Cluster()
        run_as(cluster.account, "pg_ctl", "-D", str(cluster.data), "-m", "immediate", "-w", "stop")
        time.sleep(self.random.uniform(0, 2))
        with places.turn():
            cluster.start()

    def _stop_servers(self) -> None:
        from config import embedded
        from config.embedded import places

        embedded.stop_all()
        shutil.rmtree(places.shelter(), ignore_errors=True)


def _commands(port: int) -> dict[str, list[str]]:
    """What ``./dev up`` runs, with two workers; the pages are of interest only where the carrier brings its news."""
    from config.supervisor.programs import commands

    known = commands(port)
    return {
        name: [sys.executable, *known[kind]]
        for name, kind in {"web": "web", "worker": "worker", "other worker": "worker", "beat": "beat"}.items()
    }


def _signal(program: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, number)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
