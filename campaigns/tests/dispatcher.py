"""Dispatchers for a test to kill: ``-m campaigns.tests.dispatcher`` reads requests, a line of JSON each, and answers.

    {"ledgers": "/a/folder", "point": "send.after_mark", "number": 1}   ->   -9

A dispatcher sends what is due at noon, and dies of SIGKILL when it comes to the fault point for the N-th time; the
answer is its return code as `subprocess` knows it. Each is a fork of a process that has loaded everything and opened
nothing, which is as good as a process of its own and ten times as fast.
"""

import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    import django

    django.setup()
    import campaigns.services.dispatch.running
    import campaigns.tests.carriers  # noqa: F401 - loaded once, for all

    for line in sys.stdin:
        sys.stdout.write(f"{_run(json.loads(line))}\n")
        sys.stdout.flush()


def _run(asked: dict[str, str]) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    dispatch(asked["ledgers"], asked["point"], int(asked["number"]))  # what it raises ends the fork, and is told
    os._exit(0)


def dispatch(ledgers: str, point: str, number: int) -> None:
    from django.conf import settings

    from campaigns.tests import carriers
    from config.kernel import faults

    carriers.install(settings, Path(ledgers))
    left = [number]

    def strike(name: str) -> None:
        if name == point:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    faults.strike = strike
    work(point)


def work(point: str) -> None:
    """Do what comes by this point: dispatch at noon, looking after that an hour later, and the accounts of the day."""
    from campaigns.services.dispatch import accounts, ledger_days, reconciling, running, sweeping
    from config.kernel import clock
    from config.testing import NOON

    at = NOON + timedelta(hours=1) if point.startswith(("sweep", "reconcile", "evidence")) else NOON
    with clock.standing_at(at):
        sweeping.sweep(at=at)
        reconciling.reconcile(at=at)
        accounts.route(at=at)
        for account in accounts.ready(at=at):
            running.send_batch(account)
    if point.startswith("ledger"):
        with clock.standing_at(at + timedelta(days=1)):
            ledger_days.compare_due(at=at + timedelta(days=1))


if __name__ == "__main__":
    main()
