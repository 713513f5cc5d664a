"""The one clock can go as a simulation needs it, on servers of its own and nowhere else."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from config.checks import contradictions
from config.embedded import places
from config.kernel import clock
from config.testing import NOON

WORDS = "2026-06-16T13:00:00-05:00 0 1"


@pytest.fixture
def as_usual():
    yield
    clock.keep(None)


def test_it_goes_at_the_pace_that_was_asked_for_in_every_thread(as_usual):
    began = datetime.now(UTC)
    clock.keep(clock.Pace(NOON, began.timestamp(), 3600))
    found: list[datetime] = []
    other = threading.Thread(target=lambda: found.append(clock.now()))
    other.start()
    other.join()

    gone = (datetime.now(UTC) - began) * 3600
    assert NOON < found[0] <= NOON + gone
    with clock.standing_at(NOON):
        assert clock.now() == NOON


def test_its_words_are_read_back():
    assert clock.Pace.read(WORDS) == clock.Pace(NOON, 0, 1)


@pytest.mark.parametrize(
    "nonsense", ["", "noon", "2026-06-16T13:00:00 0 1", "2026-06-16T13:00:00Z x 1", f"{WORDS}0 1", f"{WORDS[:-1]}0",
                 f"{WORDS[:-1]}-1", f"{WORDS[:-1]}nan"],
)  # fmt: skip
def test_words_that_are_no_pace_do_not_start(settings, nonsense):
    with pytest.raises(ValueError):  # noqa: PT011 - whichever of the three parts it is
        clock.Pace.read(nonsense)
    settings.SIMULATED_CLOCK = nonsense
    settings.DEBUG = True  # the test runner turns it off
    assert [one.id for one in contradictions()] == (["clearline.E015"] if nonsense else [])


@pytest.mark.parametrize(("testing", "starts"), [("1", True), ("0", False)])
def test_a_process_obeys_it_in_tests_alone(testing, starts):
    script = "import django; django.setup(); from config.kernel import clock; print(clock.now().isoformat())"
    second = datetime.now(UTC).timestamp()
    ours = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}  # by default one of ours
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=places.CHECKOUT, capture_output=True, text=True, check=False,
        env={**ours, "CLEARLINE_TESTS": testing, "DJANGO_SETTINGS_MODULE": "config.settings",
             "SIMULATED_CLOCK": f"{NOON.isoformat()} {second} 1"},
    )  # fmt: skip
    assert (done.returncode == 0) is starts, done.stderr
    if starts:
        assert NOON <= datetime.fromisoformat(done.stdout.strip()) < NOON + timedelta(minutes=5)
    else:
        assert "clearline.E014" in done.stderr
