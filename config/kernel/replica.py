"""Old news on purpose: what somebody only looks at is read from a replica, where there is one (``REPLICA_URL``)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from django.db import connections, transaction

ALIAS = "replica"

Result = TypeVar("Result")


@contextmanager
def stale_reads() -> Iterator[None]:
    """Let everything inside the block be read from the replica, and nothing be written. Without one: from the primary.

    What is read may be seconds old, so this is for reports, statistics and lists, never for a decision. The block is
    one read-only transaction in either case: PostgreSQL itself refuses a write in it, and a lock on a row, with which
    every decision of ours begins. There is no router: outside such a block nothing is ever read from the replica.

    :raises RuntimeError: a transaction of the primary is open, which must not rest on rows that are older than its own.
    """
    primary: Any = connections["default"]
    if ALIAS not in connections.settings:
        with _read_only():
            yield
        return
    if primary.in_atomic_block:
        raise RuntimeError("Stale reads inside a transaction of the primary: read first, then begin.")
    connections["default"] = connections[ALIAS]
    try:
        with _read_only():
            yield
    finally:
        connections["default"] = primary


def may_be_old(read: Callable[..., Result]) -> Callable[..., Result]:
    """Let ``read`` happen as in ``stale_reads``."""

    @wraps(read)
    def reading(*args: Any, **named: Any) -> Result:
        with stale_reads():
            return read(*args, **named)

    return reading


@contextmanager
def _read_only() -> Iterator[None]:
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield
