"""The one clock can go as a simulation needs it, on servers of its own and nowhere else."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from config.checks import contradictions
from config.kernel import clock
from config.testing import NOON
from config.tests.environments import settings_in

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
def test_a_process_obeys_it_in_tests_alone(settings, as_usual, testing, starts):
    words = f"{NOON.isoformat()} {datetime.now(UTC).timestamp()} 1"
    found = settings_in(CLEARLINE_TESTS=testing, SIMULATED_CLOCK=words)
    settings.TESTING, settings.SIMULATED_CLOCK = found["TESTING"], found["SIMULATED_CLOCK"]
    settings.DEBUG = True  # the test runner turns it off
    start = apps.get_app_config("config").ready  # what every process does first

    if starts:
        start()
        assert NOON <= clock.now() < NOON + timedelta(minutes=5)
        return
    with pytest.raises(ImproperlyConfigured, match=r"clearline\.E014"):
        start()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=5)
