"""Keys that sort by their birth."""

import os
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from config.kernel import ids
from config.testing import NOON


def test_keys_of_one_process_sort_in_the_order_of_their_birth():
    keys = [ids.uuid7() for _ in range(5_000)]
    assert keys == sorted(set(keys))
    assert {(key.version, key.variant) for key in keys} == {(7, uuid.RFC_4122)}
    assert abs(ids.born_at(keys[-1]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.django_db
def test_keys_of_one_statement_sort_in_the_order_of_their_birth():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clearline_uuid7() FROM generate_series(1, 5000)")
        keys = [key for (key,) in cursor]
    assert keys == sorted(set(keys))
    assert {(key.version, key.variant) for key in keys} == {(7, uuid.RFC_4122)}
    assert abs(ids.born_at(keys[-1]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_of_a_millisecond_that_is_full_the_next_one_goes_on(monkeypatch):
    full = (1 << 74) - 1
    with time_machine.travel(NOON, tick=False):
        monkeypatch.setattr(ids, "_last", (int(NOON.timestamp() * 1000), full))
        keys = [ids.uuid7() for _ in range(3)]
    assert keys == sorted(keys)
    assert {ids.born_at(key) for key in keys} == {NOON + timedelta(milliseconds=1)}


def test_a_clock_that_is_set_back_is_believed():
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        ids.uuid7()
    with time_machine.travel(NOON, tick=False):
        assert ids.born_at(ids.uuid7()) == NOON


def test_threads_never_make_the_same_key():
    with ThreadPoolExecutor(4) as pool:
        keys = [key for made in pool.map(lambda _: [ids.uuid7() for _ in range(500)], range(8)) for key in made]
    assert len(set(keys)) == 4_000


def test_a_process_that_is_forked_while_a_key_is_made_makes_keys():
    with ids._turn:
        child = os.fork()
        if not child:
            ids.uuid7()
            os._exit(0)
        give_up = time.monotonic() + 10
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < give_up:
            time.sleep(0.01)
    if not ended[0]:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)
