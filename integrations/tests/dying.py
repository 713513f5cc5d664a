"""Work that is struck at a named point: killed there, or cut off from the database."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection, connections

from config.kernel import faults

Stroke = Callable[[str, Callable[[], Any]], bool]  # ``killed_at`` or ``cut_at``
_inherited: list[Any] = []  # the parent's connections: closing one here would end the parent's session


def killed_at(point: str, work: Callable[[], Any], *, number: int = 1) -> bool:
    """Do ``work`` in a child and say whether it came to ``point`` so many times; there it kills itself with SIGKILL.

    Only for tests that commit: the child sees nothing else.
    """
    assert point in faults.REGISTERED, f"{point} is not registered"
    child = os.fork()
    if child == 0:
        _die_at(point, work, number)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child broke"
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def cut_at(point: str, work: Callable[[], Any], *, number: int = 1) -> bool:
    """Do ``work`` and say whether it came to ``point`` so many times; there every connection to the database is ended.

    What the work raises because of that is what a task would fail with; afterwards this thread has a connection again.
    """
    assert point in faults.REGISTERED, f"{point} is not registered"
    left, before = [number], faults.strike

    def strike(name: str) -> None:
        left[0] -= name == point
        if name == point and not left[0]:
            end_all_connections()

    faults.strike = strike
    try:
        with suppress(OperationalError, InterfaceError):
            work()
    finally:
        faults.strike = before
        connection.close()
    return left[0] <= 0


def end_all_connections() -> None:
    """End everybody's connection to this database, as a restart of the server would; allowed in an event loop too."""
    told = connection.get_connection_params() | {"cursor_factory": None, "autocommit": True}
    with psycopg.connect(**{name: value for name, value in told.items() if value is not None}) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _die_at(point: str, work: Callable[[], Any], number: int) -> None:
    left = [number]

    def strike(name: str) -> None:
        left[0] -= name == point
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        for connection in connections.all():
            _inherited.append(connection.connection)
            connection.connection = None
        faults.strike = strike
        work()
        code = 0
    finally:
        os._exit(code)
