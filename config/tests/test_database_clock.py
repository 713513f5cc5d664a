"""Machines whose clocks differ, or jump, go by the database's (trust B14, B15)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import close_old_connections, connection

from config.kernel import clock, database_clock
from integrations.tests.dying import end_all_connections

pytestmark = pytest.mark.django_db(transaction=True)
FIVE = timedelta(minutes=5)
CLOSE = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def following() -> Iterator[None]:
    connection.close()
    database_clock.begin()
    yield
    database_clock.end()


def of_the_database() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (told,) = cursor.fetchone()
    return told.astimezone(UTC)


@pytest.mark.parametrize("wrong", [FIVE, -FIVE, timedelta(days=400)])
def test_whoever_has_a_connection_goes_by_the_database_whatever_the_machine_says(wrong, caplog):
    with time_machine.travel(datetime.now(UTC) + wrong, tick=True):
        theirs = of_the_database()
        assert abs(clock.now() - theirs) < CLOSE
        assert "seconds behind the database's" in caplog.text


def test_a_clock_that_jumps_back_takes_nobody_back():
    before = of_the_database()
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1), tick=True):
        assert abs(clock.now() - before) < CLOSE


def test_it_is_asked_again_before_a_task_but_not_all_the_time(monkeypatch):
    of_the_database()
    shifted = clock.Followed(clock.now() + FIVE, clock.ticks())
    clock.follow(shifted)
    database_clock._before_a_task()
    assert clock.now() - of_the_database() > FIVE - CLOSE

    monkeypatch.setattr(database_clock, "EVERY", 0.0)
    database_clock._before_a_task()
    assert abs(clock.now() - of_the_database()) < CLOSE


def test_when_the_connection_is_lost_the_last_answer_is_carried_on_until_there_is_another(monkeypatch, caplog):
    before = of_the_database()
    monkeypatch.setattr(database_clock, "EVERY", 0.0)
    end_all_connections()
    database_clock._before_a_task()
    assert abs(clock.now() - before) < CLOSE
    assert "carried on" in caplog.text

    caplog.clear()
    close_old_connections()
    clock.follow(clock.Followed(clock.now() + FIVE, clock.ticks()))
    database_clock._before_a_task()
    assert abs(clock.now() - of_the_database()) < CLOSE
    assert "carried on" not in caplog.text


def test_what_stands_still_by_hand_stands_still():
    of_the_database()
    with clock.standing_at(datetime(2026, 11, 24, tzinfo=UTC)):
        assert clock.now() == datetime(2026, 11, 24, tzinfo=UTC)
