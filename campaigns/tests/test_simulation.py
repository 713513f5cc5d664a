"""Campaigns of weeks, by seed. A seed that fails is named, and fails again."""

import os

import pytest

from campaigns.tests import carriers
from campaigns.tests.simulation import World
from config.testing import times

pytestmark = pytest.mark.django_db
FIRST = int(os.environ.get("CLEARLINE_SEED", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + times(6)))
def test_whatever_happens_every_promise_is_kept(seed, settings, tmp_path):
    sms = carriers.install(settings, tmp_path)
    world = World(seed, {"sms": sms, "email": carriers.Carrier(str(tmp_path / "email.sqlite"), is_idempotent=True)})
    world.run(140)
    world.settle_down()
    assert not world.faults_found(), "\n".join(world.faults_found())
