"""A minute of what ``./dev chaos`` does for as long as one likes."""

import os
import re
import subprocess
import sys

import pytest

from config.embedded import places
from config.embedded.postgres import Cluster
from config.testing import database

SECONDS = 60  # of breaking, a stroke a second; servers, programs and quiet in the end take half a minute
PATIENCE = 500  # on a machine that does ten other things
SEED = ["--seed", "3"] if os.environ.get("CI") else []  # elsewhere another one each time, and it says which


@pytest.mark.timeout(PATIENCE + 60)
def test_nothing_is_lost_and_nothing_is_sent_twice_whatever_is_broken():
    cluster = Cluster(test=True)
    ours = os.environ["DATABASE_URL"] == cluster.url()
    tables = ["--tables", cluster.url(database.template(cluster))] if ours else []
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.chaos", "--seconds", str(SECONDS), *SEED, *tables]

    with subprocess.Popen(
        command, cwd=places.CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as chaos:
        try:
            said, _ = chaos.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            chaos.terminate()  # and its servers with it
            said, _ = chaos.communicate()

    assert chaos.returncode == 0, said
    assert "BROKEN" not in said
    told = dict(re.findall(r"(kill|freeze|flush|restart) (\d+)", said))
    assert all(int(told[what]) >= 1 for what in ("kill", "freeze", "flush", "restart"))
