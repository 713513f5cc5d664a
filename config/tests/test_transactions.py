"""What is put off to the end of a transaction happens once, last, and not at all where nothing was written."""

import contextlib

import pytest
from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

from config.kernel import transactions
from config.kernel.transactions import at_the_end, atomic_with_retries, joining

pytestmark = pytest.mark.django_db


@pytest.fixture
def done():
    return []


@pytest.fixture
def work(done):
    def work(subjects):
        done.append(("work", sorted(subjects)))
        return len(subjects)

    return work


def test_outside_of_a_verb_it_is_done_at_once(work, done):
    assert at_the_end(work, [1, 2]) == 2
    assert done == [("work", [1, 2])]


def test_inside_it_is_done_once_by_the_outermost_verb_after_everything_else(work, done):
    @atomic_with_retries
    def inner(subject):
        at_the_end(work, [subject])
        done.append("inner")

    @atomic_with_retries
    def outer():
        inner(1)
        inner(2)
        inner(1)
        done.append("outer")

    outer()

    assert done == ["inner", "inner", "inner", "outer", ("work", [1, 2])]


def test_several_works_keep_their_order(done):
    def first(subjects):
        done.append("first")

    def second(subjects):
        done.append("second")

    @atomic_with_retries
    def verb():
        at_the_end(first, [1])
        at_the_end(second, [1])
        at_the_end(first, [2])

    verb()

    assert done == ["first", "second"]


def test_work_that_puts_off_work_does_it_at_once(work, done):
    def more(subjects):
        at_the_end(work, subjects)

    atomic_with_retries(lambda: at_the_end(more, [7]))()

    assert done == [("work", [7])]


def test_a_verb_that_fails_leaves_nothing_for_the_next_one(work, done):
    @atomic_with_retries
    def fails():
        at_the_end(work, [1])
        raise LookupError("nobody there")

    with pytest.raises(LookupError, match="nobody there"):
        fails()
    atomic_with_retries(lambda: None)()

    assert done == []


@pytest.mark.django_db(transaction=True)
def test_a_second_try_begins_anew_and_covers_the_work(done, monkeypatch):
    monkeypatch.setattr(transactions.time, "sleep", lambda seconds: None)
    tries = iter([True, False])

    def work(subjects):
        done.append(sorted(subjects))
        if next(tries):
            raise OperationalError from DeadlockDetected()

    numbers = iter([1, 2])
    atomic_with_retries(lambda: at_the_end(work, [next(numbers)]))()

    assert done == [[1], [2]]


def test_a_verb_that_joins_is_part_of_what_it_is_called_in_and_ends_with_it(work, done, django_assert_num_queries):
    @joining
    def inner(subject):
        at_the_end(work, [subject])

    @atomic_with_retries
    def outer():
        with django_assert_num_queries(0):
            inner(1), inner(2)
        done.append("outer")

    outer()
    assert done == ["outer", ("work", [1, 2])]

    @joining
    def failing():
        raise ValueError

    with transaction.atomic():
        with contextlib.suppress(ValueError):
            failing()
        ended = transaction.get_rollback()
        transaction.set_rollback(False)
    assert ended
