"""Transactions: what PostgreSQL gave up for somebody else's sake is tried again, what locks many rows comes last."""

import functools
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

TRIES = 3

_put_off: ContextVar[dict[Callable[[set[Any]], Any], set[Any]] | None] = ContextVar("clearline_put_off", default=None)


def atomic_with_retries(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` in one transaction, up to three times where a deadlock or a serialization failure ends it.

    Inside another transaction it joins that one: only the outermost can be tried again. What was put off with
    ``at_the_end`` is done when the outermost such function ends. Never put a provider call inside.
    """

    @functools.wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            with transaction.atomic(), _and_the_rest():
                return function(*args, **kwargs)
        for attempt in range(1, TRIES + 1):
            try:
                with transaction.atomic(), _and_the_rest():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if attempt == TRIES or not isinstance(error.__cause__, DeadlockDetected | SerializationFailure):
                    raise
                logger.warning("%s is tried again after a %s", function.__name__, type(error.__cause__).__name__)
                time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - spreads rivals, protects nothing
        raise AssertionError("unreachable")

    return tried


def joining(function: Callable[P, R]) -> Callable[P, R]:
    """As ``atomic_with_retries``, without a savepoint: inside another transaction it is simply part of that, and
    whatever it raises ends both."""
    alone = atomic_with_retries(function)

    @functools.wraps(function)
    def joined(*args: P.args, **kwargs: P.kwargs) -> R:
        if not connection.in_atomic_block:
            return alone(*args, **kwargs)
        with transaction.atomic(savepoint=False), _and_the_rest():
            return function(*args, **kwargs)

    return joined


def at_the_end(work: Callable[[set[T]], R], subjects: Iterable[T]) -> R | None:
    """Call ``work`` once with all subjects that were named for it, as the last thing this transaction does.

    The last thing is the end of the outermost ``atomic_with_retries``; outside of one ``work`` is called at once, and
    what it returns is returned. Several works are called in the order in which they were first named. Whatever locks
    rows of many others belongs here: nothing is locked after it, so the lock order holds however verbs are combined.
    """
    put_off = _put_off.get()
    if put_off is None:
        return work(set(subjects))
    put_off.setdefault(work, set()).update(subjects)
    return None


@contextmanager
def _and_the_rest() -> Iterator[None]:
    if _put_off.get() is not None:
        yield  # the outer one does it
        return
    put_off: dict[Callable[[set[Any]], Any], set[Any]] = {}
    token = _put_off.set(put_off)
    try:
        yield
    finally:
        _put_off.reset(token)
    for work, subjects in put_off.items():
        work(subjects)
