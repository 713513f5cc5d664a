"""Work for many, one after the other: what fails for one of them is logged, and in nobody else's way."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.db import InterfaceError, OperationalError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled, SerializationFailure

logger = logging.getLogger(__name__)

_OF_THE_STATEMENT: Final = (QueryCanceled, DeadlockDetected, LockNotAvailable, SerializationFailure)


class Apart:
    """Remembers, for as long as it lives, for whom something failed: they have no other turn."""

    def __init__(self) -> None:
        self._failed: set[tuple[str, UUID]] = set()

    def has_failed(self, what: str, key: UUID) -> bool:
        return (what, key) in self._failed

    @contextmanager
    def turn(self, what: str, key: UUID) -> Iterator[None]:
        """Keep an error to this one, and log it. That the database is away is everybody's: it is raised."""
        try:
            yield
        except Exception as error:
            if is_away(error):
                raise
            self._failed.add((what, key))
            logger.exception("%s failed for %s; the others go on", what, key)


def is_away(error: Exception) -> bool:
    """Whether the database could not be asked at all: an answer that was only too slow, or too busy, is one."""
    return isinstance(error, OperationalError | InterfaceError) and not isinstance(error.__cause__, _OF_THE_STATEMENT)


def was_too_slow(error: Exception) -> bool:
    return isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled)
