"""Campaigns of weeks, by seed. A seed that fails is named, and fails again."""

import os
import random
from datetime import timedelta

import pytest

from campaigns.services import places
from campaigns.tests import carriers, fate
from campaigns.tests.simulation import Simulation
from config.testing import times

pytestmark = pytest.mark.django_db
FIRST = int(os.environ.get("CLEARLINE_SEED", "0"))


@pytest.fixture
def begin(settings, tmp_path, monkeypatch):
    """Return the simulation of a seed, with carriers of its own; everything in it is as that seed will have it."""
    monkeypatch.setattr(places, "CHUNK", 1)

    def begun(seed, place=tmp_path, telling=Simulation):
        place.mkdir(exist_ok=True)
        sms = carriers.install(settings, place)
        return telling(seed, {"sms": sms, "email": carriers.Carrier(str(place / "email.sqlite"), is_idempotent=True)})

    return begun


@pytest.mark.parametrize("seed", range(FIRST, FIRST + times(4)))
def test_whatever_happens_every_promise_is_kept(seed, begin):
    with fate.drawn_by(seed):
        simulation = begin(seed)
        simulation.run(140)
        simulation.settle_down()
        assert not simulation.faults_found(), "\n".join(simulation.faults_found())


class Stirred(Simulation):
    """The same, but for the order in which PostgreSQL comes upon rows of which nobody has asked for an order."""

    def _do(self, act):
        fate.stir(len(self.log))
        super()._do(act)


def test_a_seed_tells_the_same_story_again(begin, tmp_path):
    seed, stories = FIRST + 4, []
    for telling in (Simulation, Stirred):
        random.random()  # whoever else draws
        with fate.drawn_by(seed):
            simulation = begin(seed, tmp_path / telling.__name__, telling)
            simulation.run(30)
            simulation.settle_down(timedelta(hours=12))
            stories.append(simulation.story())
    assert stories[0] == stories[1]
