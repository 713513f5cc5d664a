"""No page of the back office lets PostgreSQL think for longer than five seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from config.kernel.errors import DomainError

PATIENCE = 5.0  # seconds; a page that needs more is asked for too much


class TooBroad(DomainError):
    """PostgreSQL would have needed too long; asking for less helps."""

    code = "narrow_your_search"


@contextmanager
def patient(seconds: float = PATIENCE) -> Iterator[None]:
    """Give every statement inside the block at most ``seconds``. The block is one transaction, for reading.

    :raises TooBroad: a statement took longer and was canceled.
    """
    nested = connection.in_atomic_block
    try:
        with transaction.atomic():
            before = _set_limit(f"{round(seconds * 1000)}ms")
            yield
            if nested:  # the limit would outlive the savepoint; after an error it does not
                _set_limit(before)
    except OperationalError as error:
        if was_canceled(error):
            raise TooBroad("This would have taken too long: narrow your search.") from error
        raise


def was_canceled(error: OperationalError) -> bool:
    """Whether PostgreSQL gave up because of ``statement_timeout`` (SQLSTATE 57014)."""
    return getattr(error.__cause__, "sqlstate", None) == "57014"


def _set_limit(limit: str) -> str:
    """Set the limit until the transaction ends; return what it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)", [limit]
        )
        return str(cursor.fetchone()[0])
