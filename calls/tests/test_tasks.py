"""Doorbells of telephone work: they stop after twenty seconds, go on where they were, and lose nothing."""

from datetime import timedelta
from itertools import count

import pytest
from django.core.cache import cache

from calls import tasks
from calls.models import CallingPolicy, Waterfall
from calls.services import hints, waterfalls
from calls.tests.factories import callable_pair
from config.kernel import clock
from config.testing import NOON
from crm.models import ProjectContact

pytestmark = pytest.mark.django_db


@pytest.fixture
def slow(monkeypatch):
    """Every look at the clock finds eight seconds gone, and a batch is one pair."""
    passing = count(step=8)
    monkeypatch.setattr(clock, "monotonic", lambda: float(next(passing)))
    monkeypatch.setattr(hints, "BATCH", 1)
    cache.delete(tasks.SWEEP)
    yield
    cache.delete(tasks.SWEEP)


@pytest.fixture
def rings(monkeypatch):
    rung = []
    monkeypatch.setattr(tasks.refresh_stale_hints, "delay", lambda: rung.append(True))
    cache.delete(f"ring:{tasks.refresh_stale_hints.name}")  # another test may have rung this very second
    return rung


def stale_pairs(number):
    pairs = [callable_pair() for _ in range(number)]
    ProjectContact.objects.update(callable_from=None)
    return sorted(pair.pk for pair in pairs)


def swept():
    return sorted(ProjectContact.objects.exclude(callable_from=None).values_list("pk", flat=True))


def test_a_sweep_stops_after_twenty_seconds_and_goes_on_where_it_was(slow, rings, django_capture_on_commit_callbacks):
    pairs = stale_pairs(5)

    with django_capture_on_commit_callbacks(execute=True):
        tasks.refresh_stale_hints()
    assert (swept(), rings) == (pairs[:2], [True])

    tasks.refresh_stale_hints()
    assert swept() == pairs[:4]

    tasks.refresh_stale_hints()
    assert (swept(), cache.get(tasks.SWEEP)) == (pairs, None)


def test_under_a_new_policy_a_sweep_begins_again(slow):
    pairs = stale_pairs(4)
    tasks.refresh_stale_hints()
    ProjectContact.objects.update(callable_from=None)
    CallingPolicy.objects.filter(project=None).update(cooldown=timedelta(hours=4))

    tasks.refresh_stale_hints()

    assert swept() == pairs[:2]


def test_looking_at_a_waterfall_writes_once_an_hour(django_assert_num_queries):
    waterfalls.ask(project=None, at=NOON)

    with django_assert_num_queries(1):
        waterfalls.ask(project=None, at=NOON + timedelta(minutes=59))
    waterfalls.ask(project=None, at=NOON + timedelta(minutes=61))

    assert Waterfall.objects.get().asked_at == NOON + timedelta(minutes=61)
