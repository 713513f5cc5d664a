"""A database that gives up, as it does where two wait for each other."""

from typing import Any

from django.db import OperationalError
from psycopg.errors import DeadlockDetected


def gives_up_once(verb: Any) -> Any:
    """``verb``, but the first time PostgreSQL ends it for somebody else's sake."""
    asked: list[Any] = []

    def verb_at_last(**told: Any) -> Any:
        asked.append(told)
        if len(asked) == 1:
            raise OperationalError from DeadlockDetected()
        return verb(**told)

    return verb_at_last
