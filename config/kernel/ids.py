"""Primary keys: UUID version 7 (RFC 9562 5.7), in Python for the ORM and in SQL for COPY and INSERT .. SELECT."""

import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Func


def uuid7() -> uuid.UUID:
    """Return 48 bits of Unix milliseconds, then 74 random bits: sorts by time of birth to the millisecond."""
    return uuid.UUID(int=_build(time.time_ns() // 1_000_000, secrets.randbits(80)))


def uuids7(number: int) -> list[str]:
    """Return keys of one moment, as texts, that sort in the order in which they are returned."""
    now, noise = time.time_ns() // 1_000_000, secrets.token_bytes(10 * number)
    drawn = (int.from_bytes(noise[start : start + 10], "big") for start in range(0, 10 * number, 10))
    return [f"{value:032x}" for value in sorted(_build(now, each) for each in drawn)]


def first_uuid7_at(moment: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 that can be born at or after ``moment``: the bound for "since" filters and partitions.

    Before 1970, where such keys begin, that is the smallest of all. Years beyond 9999 are none of Python's.
    """
    return uuid.UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def born_at(key: uuid.UUID) -> datetime:
    """Return when ``key`` was made, to the millisecond."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=key.int >> 80)


def _build(milliseconds: int, noise: int) -> int:
    value = (milliseconds << 80) | noise
    value = (value & ~(0xF000 << 64)) | (0x7000 << 64)
    return (value & ~(0xC000 << 48)) | (0x8000 << 48)


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
