"""The doorbells of dispatch: in any thread they ring at our own broker, and a worker does not send on all its hands."""

import pytest
from django.core.cache import cache
from redis.exceptions import RedisError

from campaigns import tasks
from campaigns.services.dispatch import running
from config.celery import app
from config.testing import in_own_connection

pytestmark = pytest.mark.django_db
TASKS = [tasks.dispatch_messages, tasks.sweep_messages, tasks.reconcile_messages, tasks.compare_ledgers]


@pytest.mark.parametrize("task", TASKS)
def test_a_task_of_dispatch_has_a_queue_of_its_own_and_is_rung_by_beat(task):
    assert app.amqp.router.route({}, task.name)["queue"].name == "dispatch"
    assert task.name in {entry["task"] for entry in app.conf.beat_schedule.values()}


def test_a_thread_rings_at_our_broker(threads):
    (name,) = threads(in_own_connection(lambda: tasks.dispatch_messages.app.main))
    assert name == "clearline"


def test_every_task_runs_where_there_is_nothing_to_do():
    for task in TASKS:
        task()


@pytest.mark.parametrize("broken", ["add", "delete"])
def test_without_the_cache_messages_go_out_all_the_same(monkeypatch, broken, caplog):
    """B2: who keeps the places is away for as long as it likes, also from the middle on."""
    cache.delete_many([f"dispatcher:{number}" for number in range(9)])
    inside = []
    monkeypatch.setattr(running, "dispatch", lambda seconds: inside.append(seconds))

    def gone(*args, **options):
        raise RedisError("Connection refused")

    monkeypatch.setattr(type(cache), broken, gone, raising=False)
    monkeypatch.setattr(cache, broken, gone)
    tasks.dispatch_messages()

    assert len(inside) == 1
    assert "without the cache" in caplog.text


def test_as_many_dispatch_at_a_time_as_there_are_places(monkeypatch, settings):
    settings.DISPATCHERS = 2
    cache.delete_many(["dispatcher:0", "dispatcher:1"])
    inside = []

    def dispatch(seconds):
        inside.append(seconds)
        if len(inside) < 5:
            tasks.dispatch_messages()

    monkeypatch.setattr(running, "dispatch", dispatch)
    tasks.dispatch_messages()
    assert len(inside) == 2
    tasks.dispatch_messages()

    assert len(inside) == 4
