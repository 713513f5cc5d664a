"""Doorbells of telephone work. No arguments; ringing twice or not at all does no harm."""

from celery import shared_task
from django.core.cache import cache

from calls.services import hints, leasing, news, waterfalls
from config.kernel import clock

HEARTBEAT = "worker-heartbeat"


@shared_task(ignore_result=True, expires=10)
def beat_heart() -> None:
    """Show /readyz that a worker works."""
    cache.set(HEARTBEAT, clock.now().isoformat(), timeout=60)


@shared_task(ignore_result=True, expires=5)
def tell_due_news() -> None:
    deadline = clock.monotonic() + 20
    while news.tell_due(at=clock.now()) == news.BATCH and clock.monotonic() < deadline:
        pass


@shared_task(ignore_result=True, expires=30)
def sweep_leases() -> None:
    leasing.sweep(at=clock.now())


@shared_task(ignore_result=True, expires=300)
def count_waterfalls() -> None:
    waterfalls.count_all(at=clock.now())


@shared_task(ignore_result=True, expires=3600)
def refresh_stale_hints() -> None:
    hints.refresh_all(at=clock.now())
