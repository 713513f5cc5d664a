"""A minute of what ``./dev chaos`` does for as long as one likes."""

import os
import re
import subprocess
import sys

import pytest
from django.db import connections

from config.embedded import places
from config.embedded.postgres import Cluster

SECONDS = 25  # of breaking; servers, programs and quiet in the end take the rest of the minute
SEED = ["--seed", "3"] if os.environ.get("CI") else []  # elsewhere another one each time, and it says which


@pytest.mark.usefixtures("django_db_setup")
def test_nothing_is_lost_and_nothing_is_sent_twice_whatever_is_broken():
    template = connections.settings["default"]["TEST"]["TEMPLATE"]
    tables = ["--tables", Cluster(test=True).url(template)] if template else []
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.chaos", "--seconds", str(SECONDS), *SEED, *tables]

    done = subprocess.run(command, cwd=places.CHECKOUT, capture_output=True, text=True, timeout=280, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "BROKEN" not in done.stdout
    told = dict(re.findall(r"(kill|freeze|flush|restart) (\d+)", done.stdout))
    assert all(int(told[what]) >= 1 for what in ("kill", "freeze", "flush", "restart"))
