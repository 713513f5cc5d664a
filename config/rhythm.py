"""How often beat rings every doorbell, in seconds or by the clock in UTC, and in which queue it is heard."""

from typing import Any, Final

from celery.schedules import crontab

ROUTES: Final[dict[str, Any]] = {
    **{
        f"campaigns.tasks.{name}": {"queue": "dispatch"}
        for name in ("dispatch_messages", "sweep_messages", "reconcile_messages", "compare_ledgers")
    },
    "integrations.tasks.read_inbox": {"queue": "inbox"},
}

# A ring that nobody has heard before the next one is due is forgotten.
_SECONDS: Final = {
    "calls.tasks.beat_heart": 10.0,
    "calls.tasks.tell_due_news": 5.0,
    "calls.tasks.sweep_leases": 30.0,
    "calls.tasks.count_waterfalls": 300.0,
    "calls.tasks.refresh_stale_hints": 3600.0,
    "integrations.tasks.read_inbox": 5.0,
    "campaigns.tasks.move_people": 5.0,
    "campaigns.tasks.take_people_in": 5.0,
    "campaigns.tasks.close_executions": 5.0,
    "campaigns.tasks.dispatch_messages": 5.0,
    "campaigns.tasks.sweep_messages": 15.0,
    "campaigns.tasks.reconcile_messages": 60.0,
    "campaigns.tasks.fold_numbers": 60.0,
    "campaigns.tasks.look_after_places": 300.0,
    "campaigns.tasks.compare_ledgers": 3600.0,
}
_ONCE_A_DAY: Final = {
    "crm.tasks.look_after_partitions": 86400.0,  # and when beat starts
    "crm.tasks.refresh_consistency": crontab(hour=9, minute=0),  # UTC: night here
}
BEAT: Final[dict[str, Any]] = {
    **{
        task: {"task": task, "schedule": seconds, "options": {"expires": int(seconds)}}
        for task, seconds in _SECONDS.items()
    },
    **{task: {"task": task, "schedule": schedule} for task, schedule in _ONCE_A_DAY.items()},
}
