"""Campaigns of weeks, by seed. A seed that fails is named, and fails again."""

import os

import pytest

from campaigns.tests import carriers
from campaigns.tests.simulation import World

pytestmark = pytest.mark.django_db
SEEDS = range(int(os.environ.get("CLEARLINE_SEEDS", "6")))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_every_promise_is_kept(seed, settings, tmp_path):
    world = World(seed, carriers.install(settings, tmp_path))
    world.run(140)
    world.settle_down()
    assert not world.faults_found(), "\n".join(world.faults_found())
