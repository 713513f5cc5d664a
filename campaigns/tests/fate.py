"""What chance, the machine and its clock decide elsewhere, a seed decides here: keys, secrets, turns and waits.

The same seed gives the same keys in the same order, whichever statement or line makes them; nobody waits in vain, and
whoever waits for different moments wakes in their order, however busy the machine is.
"""

import asyncio
import random
import secrets
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import pytest
from django.db import connection, transaction
from django.db.models import Model

from campaigns.services.dispatch import looping
from config.kernel import clock, ids

# A key is born at the moment of the simulation, a millisecond after the last one; rolling back gives none back.
_BIRTHS: Final = """
    CREATE SEQUENCE births;
    ALTER SEQUENCE campaigns_order RESTART;
    CREATE OR REPLACE FUNCTION clearline_uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL UNSAFE AS $$
        SELECT (lpad(to_hex(n), 12, '0') || '7' || left(noise, 3) || '8' || right(noise, 15))::uuid
        FROM (SELECT n, md5('{seed} ' || n) AS noise FROM nextval('births') AS n) birth
    $$"""
_TABLES: Final = (
    "campaigns_campaign", "campaigns_enrollment", "campaigns_happening", "campaigns_message", "campaigns_node",
    "campaigns_sendingaccount", "crm_contact", "crm_contactpoint", "crm_endpoint",
)  # fmt: skip
_STIR: Final = "".join(
    f"UPDATE {table} SET id = id WHERE md5(id::text || {{number}}) < '6';" for table in _TABLES
)  # every third or so is moved to the end
_WAYS: Final = ("nestloop", "indexscan", "bitmapscan", "hashagg", "material")
_PASS: Final = "SELECT setval('births', greatest(%s, (SELECT last_value FROM births)))"


class _Nobody(selectors.DefaultSelector):
    """Whoever waits for nothing but a moment is at it at once: ``passed`` is what all of them have waited."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        self.passed += timeout or 0
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop, on this thread, in which time is what was waited for."""

    def __init__(self) -> None:
        self._nobody = _Nobody()
        super().__init__(self._nobody)

    def time(self) -> float:
        return self._nobody.passed


@contextmanager
def drawn_by(seed: int) -> Iterator[None]:
    """Let everything inside the block be as ``seed`` will have it; all of it is rolled back in the end."""
    loop, chance, before = Loop(), random.Random(seed), random.getstate()
    begun = transaction.savepoint()  # not ``atomic``: no provider is called inside of that
    with pytest.MonkeyPatch.context() as patch, connection.cursor() as cursor:
        cursor.execute(_BIRTHS.format(seed=seed))

        def born(*ignored: int) -> int:
            cursor.execute("SELECT clearline_uuid7()")
            return int(cursor.fetchone()[0])

        patch.setattr(ids, "_build", born)
        patch.setattr(secrets, "token_urlsafe", lambda size=32: chance.randbytes(size).hex())
        patch.setattr(looping, "run", loop.run_until_complete)
        patch.setattr(clock, "monotonic", loop.time)
        random.seed(seed)
        try:
            yield
        finally:
            transaction.savepoint_rollback(begun)
            random.setstate(before)
            loop.close()


def it_is(moment: datetime) -> None:
    """Let what is born from now on be born at ``moment``, or after what was born last."""
    with connection.cursor() as cursor:
        cursor.execute(_PASS, [int(moment.timestamp() * 1000)])


def stir(number: int) -> None:
    """Let rows lie in another order than the one in which they were written, the ``number``-th of many orders; and let
    PostgreSQL find them on other ways. Whatever asks for an order of its own sees no difference."""
    ways = "".join(f"SET LOCAL enable_{way} = off;" for way in _WAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{ways} SET LOCAL session_replication_role = replica; {_STIR.format(number=number)}"
            "SET LOCAL session_replication_role = origin"
        )


def columns(model: type[Model]) -> list[str]:
    """Return the columns of ``model`` that say the same for the same seed: not when PostgreSQL wrote a row."""
    return [field.attname for field in model._meta.concrete_fields if field.attname not in {"created_at", "updated_at"}]
