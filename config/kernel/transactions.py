"""Transactions that PostgreSQL gave up for somebody else's sake are tried again."""

import functools
import logging
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

TRIES = 3


def atomic_with_retries(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` in one transaction, up to three times where a deadlock or a serialization failure ends it.

    Inside another transaction it joins that one: only the outermost can be tried again. Never put a provider call
    inside.
    """

    @functools.wraps(function)
    def tried(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            with transaction.atomic():
                return function(*args, **kwargs)
        for attempt in range(1, TRIES + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                if attempt == TRIES or not isinstance(error.__cause__, DeadlockDetected | SerializationFailure):
                    raise
                logger.warning("%s is tried again after a %s", function.__name__, type(error.__cause__).__name__)
                time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - spreads rivals, protects nothing
        raise AssertionError("unreachable")

    return tried
