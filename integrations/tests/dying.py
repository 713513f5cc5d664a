"""Work that is killed at a named point, in a process of its own that shares nothing but the database."""

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db import connections

from config.kernel import faults

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
