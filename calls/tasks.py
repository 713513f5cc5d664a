"""Doorbells of telephone work. No arguments; ringing twice or not at all does no harm."""

from celery import shared_task
from django.core.cache import cache

from calls.rules.policies import policy_for_all
from calls.services import hints, leasing, news, waterfalls
from config.kernel import clock
from config.kernel.work import ring

HEARTBEAT = "worker-heartbeat"
SWEEP = "sweep-of-hints"  # how far it has come, and under which policy; losing it only begins again
PATIENCE = 20.0  # seconds that a rung task works, then it rings itself


@shared_task(ignore_result=True, expires=10)
def beat_heart() -> None:
    """Show /readyz that a worker works."""
    cache.set(HEARTBEAT, clock.now().isoformat(), timeout=60)


@shared_task(ignore_result=True, expires=5)
def tell_due_news() -> None:
    deadline = clock.monotonic() + PATIENCE
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
    """Sweep over all hints for twenty seconds, then ring for the rest; under a new policy begin again."""
    deadline, policy = clock.monotonic() + PATIENCE, policy_for_all()
    swept_under, after = cache.get(SWEEP) or (policy, hints.FIRST)
    after = after if swept_under == policy else hints.FIRST
    while after is not None:
        if clock.monotonic() > deadline:
            cache.set(SWEEP, (policy, after), timeout=3600)
            ring(refresh_stale_hints)
            return
        _, after = hints.refresh_after(after, at=clock.now())
    cache.delete(SWEEP)
