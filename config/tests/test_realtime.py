"""Hints to screens go out on one connection, which is made again whenever it is lost."""

import os
import socket

import pytest
import redis
from django.conf import settings

from config.kernel import realtime
from config.kernel.realtime import tell

PATIENCE = 5.0


@pytest.fixture
def heard():
    config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    with redis.Redis.from_url(config["hosts"][0]) as broker, broker.pubsub(ignore_subscribe_messages=True) as screen:
        screen.subscribe(f"{config['prefix']}__group__hall")
        screen.get_message(timeout=PATIENCE)
        yield lambda: screen.get_message(timeout=PATIENCE)


def publisher():
    return realtime._publisher(settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0], os.getpid())


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_loses_no_hint_that_comes_after(heard):
    tell("hall", "first")
    assert heard()
    own = publisher()._connection

    own._sock.shutdown(socket.SHUT_RDWR)
    tell("hall", "second")

    assert heard()
    assert publisher()._connection is not own


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_an_answer_and_one_connection_serves_all(heard):
    for _ in range(3):
        tell("hall", "again")
    own = publisher()._connection

    assert all(heard() for _ in range(3))
    assert not own.can_read(0)
    assert publisher()._connection is own


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_logged_and_costs_nothing_else(settings, caplog):
    away = {**settings.CHANNEL_LAYERS["default"]["CONFIG"], "hosts": ["unix:///nowhere/broker.sock"]}
    settings.CHANNEL_LAYERS = {"default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": away}}

    tell("hall", "lost")

    assert "Screens of hall were not told: ConnectionError" in caplog.text
