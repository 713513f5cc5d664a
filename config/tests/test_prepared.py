"""Statements that are kept: what is set for them holds as long as their connection."""

import contextlib

import pytest
from django.db import connection, transaction

from config.kernel import prepared
from config.kernel.ids import uuid7


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
