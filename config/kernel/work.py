"""Doorbells. PostgreSQL is the truth, Celery only wakes somebody up (DESIGN 2)."""

import logging
from typing import Any

from celery import Task
from django.core.cache import cache
from django.db import transaction
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def ring(task: "Task[Any, Any]") -> None:
    """Wake a worker for ``task`` once the transaction commits.

    One ring per commit and task, at most one a second; a lost ring costs seconds, because beat rings too.
    """
    waiting = transaction.get_connection().run_on_commit
    if any(getattr(hook[1], "rings", None) == task.name for hook in waiting):
        return

    def bell() -> None:
        if _first_this_second(task.name):
            task.delay()

    bell.rings = task.name  # type: ignore[attr-defined]  # how a second ring in this transaction knows the first
    transaction.on_commit(bell, robust=True)


def _first_this_second(name: str) -> bool:
    try:
        return bool(cache.add(f"ring:{name}", 1, timeout=1))
    except (OSError, RedisError):  # the cache is a convenience: without it the bell only rings more often
        logger.warning("Ringing %s without the cache", name)
        return True
