"""./dev chaos [--seconds N] [--seed N]: workers send while everything around them is broken, and the ledgers match.

On servers of its own that are thrown away: engine and dispatch as processes against the simulated carrier, while
PostgreSQL is stopped at once and started again, Valkey is emptied, and workers are killed, stopped and woken. Then
it is quiet, time passes, and what must hold is looked at (trust 3.5). The clock of the workers runs ten times as fast.
"""

import argparse
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
NOON = datetime.fromisoformat("2026-06-16T18:00:00+00:00")  # a Tuesday; everybody may be written to
SPEED, WORKERS = 10, 3  # the window of the people is seven hours long: 42 minutes of ours
BEHAVIOUR = {"latency_ms": 20, "error_before": 0.03, "error_after": 0.05, "hang_after": 0.01, "hang": 3, "refuse": 0.02}


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    asked = parser.parse_args()
    print(f"chaos with seed {asked.seed}, {asked.seconds:.0f} seconds, {asked.people} people", flush=True)
    with tempfile.TemporaryDirectory(prefix="clearline-chaos-") as place:
        Path(place).chmod(0o755)
        faults = _Chaos(asked, Path(place)).run()
    for fault in faults:
        print(f"BROKEN: {fault}")
    sys.exit(f"seed {asked.seed}: {len(faults)} promises are broken" if faults else 0)


class _Chaos:
    def __init__(self, asked: argparse.Namespace, place: Path) -> None:
        self.asked, self.random, self.done = asked, random.Random(asked.seed), Counter[str]()
        os.environ.update(EMBEDDED_STATE_DIR=str(place / "state"), CHAOS_BEGAN=str(time.time()))
        for name in ("DATABASE_URL", "REDIS_URL", "CACHE_URL"):
            os.environ.pop(name, None)
        from integrations.tests import carriers

        self.carrier = carriers.RunningCarrier(place / "carrier.sqlite")
        self.carrier.start()
        self.carrier.forget()
        os.environ["SIMULATED_CARRIER_URL"] = self.carrier.url
        self.log = (place / "workers.log").open("w+")

    def run(self) -> list[str]:
        from config import embedded

        try:
            embedded.ensure()
            subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
            set_up()
            begin(self.asked.people)
            self.carrier.set(**BEHAVIOUR, seed=self.asked.seed)
            self._break_things()
            self.carrier.set(error_before=0, error_after=0, hang_after=0)
            print(f"done to them: {dict(self.done)}; now it is quiet", flush=True)
            return settle_down(self.carrier)
        finally:
            self.carrier.end()
            embedded.stop_all()

    def _break_things(self) -> None:
        workers = [self._worker() for _ in range(WORKERS)]
        stopped: dict[int, float] = {}
        until = time.monotonic() + self.asked.seconds
        try:
            while time.monotonic() < until:
                time.sleep(self.random.uniform(0.2, 1.5))
                for place, back in list(stopped.items()):
                    if time.monotonic() > back:
                        workers[place].send_signal(signal.SIGCONT)
                        del stopped[place]
                act = self.random.choices(["kill", "stop", "flush", "restart"], [6, 4, 3, 1])[0]
                place = self.random.randrange(WORKERS)
                if act == "kill":
                    stopped.pop(place, None)
                    workers[place].kill()
                    workers[place].wait()
                    workers[place] = self._worker()
                elif act == "stop":
                    workers[place].send_signal(signal.SIGSTOP)
                    stopped[place] = time.monotonic() + self.random.uniform(1, 8)
                else:
                    getattr(self, f"_{act}")()
                self.done[act] += 1
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()

    def _worker(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-W", "ignore", "-c", "from benchmarks.chaos import work; work()"]
        return subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def _flush(self) -> None:
        from config.embedded.valkey import Valkey

        Valkey().ask("FLUSHALL")

    def _restart(self) -> None:
        from config.embedded import places
        from config.embedded.postgres import Cluster, run_as

        cluster = Cluster()
        run_as(cluster.account, "pg_ctl", "-D", str(cluster.data), "-m", "immediate", "-w", "stop")
        time.sleep(self.random.uniform(0, 1))
        with places.turn():
            cluster.start()


def set_up() -> None:
    """Django, with the simulated carrier and a clock that runs fast."""
    import django

    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from django.conf import settings

    from config.kernel import clock

    settings.PROVIDERS = {
        **settings.PROVIDERS,
        "sms": {"BACKEND": "integrations.simulated.messages.SimulatedSms", "OPTIONS": {"read": 1.0}},
    }
    began = float(os.environ["CHAOS_BEGAN"])
    clock.now = lambda: NOON + timedelta(seconds=(time.time() - began) * SPEED)  # type: ignore[assignment]


def begin(people: int) -> None:
    from campaigns.tests.drawings import drawing, node
    from campaigns.tests.factories import SendingAccountFactory
    from campaigns.tests.walks import begun, enrolled
    from config.kernel import clock
    from crm.tests.factories import ContactFactory

    drawn = drawing(
        node("one", "sms_send"), node("wait", "wait", amount=2, unit="minutes"), node("two", "sms_send"),
        node("end", "exit"), "one>wait", "wait>two", "two>end",
    )  # fmt: skip
    SendingAccountFactory(per_second=200.0)
    who = [ContactFactory(phone=f"+1512{200 + n // 10_000:03}{n % 10_000:04}") for n in range(people)]
    enrolled(begun(drawn, at=clock.now()), who, at=clock.now())


def work() -> None:
    """One worker, until it is killed; a server that is away is waited for."""
    set_up()
    from django.db import DatabaseError, InterfaceError, connections

    while True:
        try:
            turn()
        except (DatabaseError, InterfaceError) as error:
            print(f"{os.getpid()}: {type(error).__name__}", flush=True)
            connections.close_all()
            time.sleep(0.3)


def turn() -> None:
    from campaigns.services.dispatch import reconciling, running, sweeping
    from campaigns.services.engine import running as engine
    from config.kernel import clock

    engine.run(at=clock.now(), patience=1, size=40)
    running.dispatch(seconds=1, pipelines=2)
    sweeping.sweep(at=clock.now())
    reconciling.reconcile(at=clock.now())
    time.sleep(0.05)


def settle_down(carrier: Any) -> list[str]:
    """Time passes, people decide about what is uncertain; return what does not hold then, in words."""
    from django.db import connections

    from campaigns.choices import LIVE, SETTLED
    from campaigns.models import Attempt, Campaign, CampaignCount, Enrollment, Message
    from campaigns.services.dispatch import exits, ledgers
    from config.kernel import clock
    from crm.models import GateDecision
    from crm.tests.factories import UserFactory

    connections.close_all()
    user, give_up = UserFactory(admin=True), time.monotonic() + 300
    while Enrollment.objects.filter(state__in=LIVE).exclude(state="parked").exists() and time.monotonic() < give_up:
        turn()
        for message in Message.objects.filter(state="not_sent_presumed", decided_at=None):
            exits.write_off(message=message, by=user, at=clock.now())
    compared = ledgers.compare(since=NOON - timedelta(days=1), until=NOON + timedelta(days=1), at=clock.now())
    keys = Counter(row["key"] for row in carrier.messages())
    states = dict(Message.objects.values_list("id", "state"))
    sent = {str(key) for key, state in states.items() if state in {"accepted", "delivered", "undelivered"}}
    walks = Counter(Enrollment.objects.values_list("state", flat=True))
    counted: Counter[str] = Counter()
    for row in CampaignCount.objects.filter(name__startswith="state:"):
        counted[row.name.partition(":")[2]] += row.value
    allowed = GateDecision.objects.filter(allowed=True).values("id")
    print(f"messages {dict(Counter(states.values()))}, walks {dict(walks)}, ledger {compared}", flush=True)
    promises = {
        "there was nothing to break": Campaign.objects.exists() and sent,
        "something was sent twice": all(times == 1 for times in keys.values()),
        "the ledgers do not match": all(one.is_clean for one in compared),
        "what is said to be sent is not what was sent": sent == keys.keys(),
        "a message was left lying": set(states.values()) <= {*SETTLED, "not_sent_presumed"},
        "a walk was left lying": not set(walks) & {*LIVE},
        "the numbers do not add up": +counted == walks,
        "a try has no receipt": not Attempt.objects.exclude(decision_id__in=allowed).exists(),
    }
    return [broken for broken, holds in promises.items() if not holds]


if __name__ == "__main__":
    main()
