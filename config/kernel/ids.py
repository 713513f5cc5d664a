"""Primary keys: UUID version 7 (RFC 9562 5.7), in Python for the ORM and in SQL for COPY and INSERT .. SELECT."""

import os
import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from django.db import models
from django.db.models import Func

_RANDOM = 74  # bits of a key
_AHEAD = 10  # milliseconds before the clock; further ahead it is the clock that was set back
_turn = Lock()  # threads make keys at once
_last = 0, 0


def _born() -> None:
    """A process that is forked while a thread makes a key would wait for that thread for ever."""
    global _turn
    _turn = Lock()


os.register_at_fork(after_in_child=_born)


def uuid7() -> uuid.UUID:
    """Return 48 bits of Unix milliseconds, then 74 random bits: sorts by time of birth to the millisecond, and of those
    that one process makes in a millisecond each behind the one before (RFC 9562 6.2, method 2)."""
    global _last
    with _turn:
        now, noise = time.time_ns() // 1_000_000, secrets.randbits(_RANDOM)
        if (now, noise) <= _last < (now + _AHEAD, 0):
            now, noise = _behind(*_last)
        _last = now, noise
    return uuid.UUID(int=_build(now, noise))


def _behind(milliseconds: int, noise: int) -> tuple[int, int]:
    """A little behind: what is left of the millisecond has to do for all the others that are born in it."""
    further = noise + 1 + secrets.randbits(32)
    return (milliseconds, further) if further >> _RANDOM == 0 else (milliseconds + 1, secrets.randbits(_RANDOM))


def first_uuid7_at(moment: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 that can be born at or after ``moment``: the bound for "since" filters and partitions.

    Before 1970, where such keys begin, that is the smallest of all. Years beyond 9999 are none of Python's.
    """
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def born_at(key: uuid.UUID) -> datetime:
    """Return when ``key`` was made, to the millisecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=key.int >> 80)


def _build(milliseconds: int, noise: int) -> int:
    return milliseconds << 80 | 0x7 << 76 | noise >> 62 << 64 | 0b10 << 62 | noise & (1 << 62) - 1


class SqlUUID7(Func):
    """``clearline_uuid7()``, made by the first migration of crm."""

    function = "clearline_uuid7"
    template = "%(function)s()"
    output_field = models.UUIDField()


class UUIDv7Field(models.UUIDField):
    """A primary key that Python and PostgreSQL can both fill. One alone breaks Django or bulk loads."""

    def __init__(self, **options: Any) -> None:
        fixed = {"primary_key": True, "default": uuid7, "db_default": SqlUUID7(), "editable": False}
        super().__init__(**{**options, **fixed})

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        for fixed in ("primary_key", "default", "db_default", "editable"):
            options.pop(fixed, None)
        return name, path, args, options
