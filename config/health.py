"""Is this process alive, and should it be given work? What a load balancer asks, without session or sign-in."""

from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from calls.tasks import HEARTBEAT
from config.celery import app
from config.kernel import clock, partitions

STARTED = clock.monotonic()


def health(request: HttpRequest) -> JsonResponse:
    """``{ok, timestamp, uptime}``, uptime in seconds; 500 ``{ok: false, error}`` when the database is unreachable."""
    if trouble := _database():
        return JsonResponse({"ok": False, "error": trouble}, status=500)
    uptime = round(clock.monotonic() - STARTED, 3)
    return JsonResponse({"ok": True, "timestamp": clock.now().isoformat(), "uptime": uptime})


def readyz(request: HttpRequest) -> JsonResponse:
    """``{ok, checks}``, each check "ok" or what fails; 503 if any does."""
    found = {"database": _database()}
    for name, check in CHECKS.items():
        asked = name not in OF_THE_DATABASE or not found["database"]
        found[name] = check() if asked else "not asked: there is no database"
    return JsonResponse(
        {"ok": not any(found.values()), "checks": {name: trouble or "ok" for name, trouble in found.items()}},
        status=503 if any(found.values()) else 200,
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError) as error:
        connection.close()
        return f"The database is unreachable ({type(error).__name__})."
    return ""


def _migrations() -> str:
    applied = MigrationRecorder(connection).applied_migrations()
    pending = sorted(".".join(key) for key in _on_disk() if key not in applied)
    return f"Not applied: {', '.join(pending)}. Run migrate." if pending else ""


def _on_disk() -> set[tuple[str, str]]:
    if not _disk:
        _disk.update(MigrationLoader(None).disk_migrations)
    return _disk


_disk: set[tuple[str, str]] = set()  # a process never sees other migrations than those it started with


def _broker() -> str:
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (BrokerError, OSError) as error:
        return f"The broker is unreachable ({type(error).__name__})."
    return ""


def _cache() -> str:
    try:
        cache.get(HEARTBEAT)
    except (RedisError, OSError) as error:
        return f"The cache is unreachable ({type(error).__name__})."
    return ""


def _worker() -> str:
    try:
        heard = cache.get(HEARTBEAT)
    except (RedisError, OSError):
        return "Unknown: the cache is unreachable."
    return "" if heard else "No worker has been heard for a minute: are worker and beat running?"


def _partitions() -> str:
    strays = sorted(table for table, found in partitions.strays().items() if found)
    return f"Rows outside any month in {', '.join(strays)}: run look_after_partitions." if strays else ""


CHECKS: dict[str, Callable[[], str]] = {
    "migrations": _migrations,
    "broker": _broker,
    "cache": _cache,
    "worker": _worker,
    "partitions": _partitions,
}
OF_THE_DATABASE = {"migrations", "partitions"}  # all others are asked also while it is away
PROBES: dict[str, Callable[[HttpRequest], Any]] = {"/health": health, "/readyz": readyz}
