"""So many at once, the others in the order in which they came; and nobody waits for ever."""

import threading
import time

import pytest
from django.db import transaction

from config.kernel.turns import Turns

PATIENCE = 10.0


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.django_db(transaction=True)
def test_so_many_are_in_at_once_and_the_others_follow_in_their_order():
    turns, inside, came, done = Turns(2, patience=PATIENCE), [], [], threading.Semaphore(0)

    def work(number):
        with turns.one():
            inside.append(number)
            came.append(number)
            assert done.acquire(timeout=PATIENCE)
            inside.remove(number)

    working = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for number, one in enumerate(working):
        one.start()
        until(lambda number=number: len(came) + len(turns._waiting) == number + 1)
    assert came == [0, 1]

    for finished in range(1, 6):
        done.release()
        until(lambda finished=finished: len(came) == min(5, finished + 2))
        assert len(inside) <= 2
    for one in working:
        one.join()

    assert came == [0, 1, 2, 3, 4]
    assert turns._free == 2


@pytest.mark.django_db(transaction=True)
def test_whoever_waited_long_enough_goes_on_and_takes_nobodys_place():
    turns = Turns(1, patience=0.01)
    entered = []

    def impatient():
        with turns.one():
            entered.append(True)

    with turns.one():
        other = threading.Thread(target=impatient)
        other.start()
        other.join(timeout=PATIENCE)
        assert entered
        assert not turns._free

    assert turns._free == 1
    assert not turns._waiting


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_inside_a_transaction():
    turns = Turns(1, patience=PATIENCE)

    with turns.one(), transaction.atomic():
        began = time.monotonic()
        with turns.one():
            assert time.monotonic() - began < PATIENCE / 2

    assert turns._free == 1
