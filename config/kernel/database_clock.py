"""All processes go by the clock of the database, which they have in common (trust B14, B15).

It is asked with every new connection and before every task, at most every ten seconds; in between the ticks of the
machine carry it on, so that nobody's correction of a clock makes a lease longer or a cap wider.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from celery.signals import task_prerun
from django.db import DEFAULT_DB_ALIAS, Error, connection
from django.db.backends.signals import connection_created

from config.kernel import clock

logger = logging.getLogger(__name__)
EVERY: Final = 10.0  # seconds
LARGE: Final = timedelta(seconds=2)
_asked: float | None = None


def begin() -> None:
    """Follow the database's clock in this process from now on."""
    connection_created.connect(_connected, dispatch_uid="clearline.database_clock")
    task_prerun.connect(_before_a_task, dispatch_uid="clearline.database_clock")


def end() -> None:
    """Go by this machine's clock again."""
    global _asked
    connection_created.disconnect(dispatch_uid="clearline.database_clock")
    task_prerun.disconnect(dispatch_uid="clearline.database_clock")
    clock.follow(None)
    _asked = None


def _connected(connection: Any, **signal: Any) -> None:
    if connection.alias == DEFAULT_DB_ALIAS:
        _ask(connection)


def _before_a_task(**signal: Any) -> None:
    try:
        connection.ensure_connection()
        _ask(connection)
    except Error:
        logger.warning("The database is not there to be asked for the time: the last answer is carried on")


def _ask(connection: Any) -> None:
    """Ask on an open connection, outside of any transaction: half of the way there and back is added to the answer."""
    global _asked
    before = clock.ticks()
    if (_asked is not None and before - _asked < EVERY) or connection.in_atomic_block:
        return
    with connection.wrap_database_errors:  # it is asked below Django, which would have done so
        told: datetime = connection.connection.execute("SELECT clock_timestamp()").fetchone()[0]
    after = _asked = clock.ticks()
    ahead = clock.follow(clock.Followed(told.astimezone(UTC), (before + after) / 2))
    if abs(ahead) > LARGE:
        logger.warning(
            "This machine's clock is %.1f seconds behind the database's, which counts", ahead.total_seconds()
        )
