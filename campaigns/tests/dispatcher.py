"""A dispatcher in a process of its own, for a test to kill: ``-m campaigns.tests.dispatcher LEDGERS [POINT [N]]``.

It sends what is due at noon, and dies of SIGKILL when it comes to the fault point for the N-th time.
"""

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main(ledgers: str, point: str = "", number: str = "1") -> None:
    import django

    django.setup()
    from django.conf import settings

    from campaigns.services.dispatch import accounts, reconciling, running, sweeping
    from campaigns.tests import carriers
    from config.kernel import clock, faults
    from config.testing import NOON

    carriers.install(settings, Path(ledgers))
    left = [int(number)]

    def strike(name: str) -> None:
        if name == point:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    faults.strike = strike
    at = NOON + timedelta(hours=1) if point.startswith(("sweep", "reconcile")) else NOON
    with clock.standing_at(at):
        sweeping.sweep(at=at)
        reconciling.reconcile(at=at)
        accounts.route(at=at)
        for account in accounts.ready(at=at):
            running.send_batch(account)


main(*sys.argv[1:])
