"""Statements that are kept: what is set for them holds as long as their connection."""

import contextlib
import time

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from config.kernel import prepared
from config.kernel.ids import uuid7
from integrations.tests.dying import end_all_connections


@pytest.mark.django_db(transaction=True)
def test_plans_are_kept_also_where_the_first_question_is_asked_in_a_transaction_that_fails():
    connection.close()

    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        prepared.rows("SELECT 1")
        1 / 0  # noqa: B018 - it is there to fail

    with connection.cursor() as cursor:
        cursor.execute("SHOW plan_cache_mode")
        assert cursor.fetchone() == ("force_generic_plan",)


@pytest.mark.django_db
def test_lists_of_keys_arrive_whole_and_nothing_in_them_is_nothing():
    keys = [uuid7(), None, uuid7()]

    assert prepared.rows("SELECT %(keys)s::uuid[]", {"keys": keys}) == [(keys,)]
    assert prepared.rows("SELECT %(keys)s::uuid[]", {"keys": []}) == [([],)]


@pytest.fixture
def told():
    """A table that statements write to, and what is in it."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE told (number int PRIMARY KEY)")
    return lambda: [number for (number,) in prepared.rows("SELECT number FROM told ORDER BY number")]


def _tell(*numbers):
    for number in numbers:
        prepared.run("INSERT INTO told VALUES (%(number)s::int)", {"number": number})


@pytest.mark.django_db
def test_what_is_told_without_waiting_is_done_in_its_order_and_can_be_asked_for(told):
    with prepared.without_waiting():
        _tell(1, 2)
        prepared.run("UPDATE told SET number = number + 10 WHERE number = %(number)s::int", {"number": 2})
        assert told() == [1, 12]
        assert prepared.named("SELECT max(number) AS most FROM told", {}) == [{"most": 12}]
        _tell(3)
    assert told() == [1, 3, 12]


@pytest.mark.django_db
def test_what_is_refused_is_told_at_the_end_and_nothing_behind_it_is_done(told):
    _tell(1)
    with pytest.raises(IntegrityError), transaction.atomic(), prepared.without_waiting():
        _tell(2, 1, 3)
    assert told() == [1]


@pytest.mark.django_db
def test_what_is_asked_is_not_answered_by_what_was_told_before():
    with prepared.without_waiting():
        for _ in range(2):
            prepared.run("SELECT repeat('x', 100000)", {})  # so much that it arrives before anybody waits for it
        time.sleep(0.2)
        assert prepared.rows("SELECT 1") == [(1,)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("again", [0, 3])
def test_a_connection_that_is_lost_before_anybody_waited_is_told_and_made_again(again):
    with pytest.raises(OperationalError):
        _lose_the_connection(again)
    connection.close()

    with transaction.atomic(), prepared.without_waiting():
        assert prepared.rows("SELECT 2") == [(2,)]


def _lose_the_connection(again):
    with transaction.atomic(), prepared.without_waiting():
        prepared.run("SELECT 1", {})
        end_all_connections()
        for _ in range(again):
            prepared.run("SELECT 1", {})
