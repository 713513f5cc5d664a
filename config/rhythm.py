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

BEAT: Final[dict[str, Any]] = {
    "heartbeat": {"task": "calls.tasks.beat_heart", "schedule": 10.0, "options": {"expires": 10}},
    "tell-call-news": {"task": "calls.tasks.tell_due_news", "schedule": 5.0, "options": {"expires": 5}},
    "sweep-leases": {"task": "calls.tasks.sweep_leases", "schedule": 30.0, "options": {"expires": 30}},
    "count-waterfalls": {"task": "calls.tasks.count_waterfalls", "schedule": 300.0, "options": {"expires": 300}},
    "refresh-hints": {"task": "calls.tasks.refresh_stale_hints", "schedule": 3600.0, "options": {"expires": 3600}},
    "read-inbox": {"task": "integrations.tasks.read_inbox", "schedule": 5.0, "options": {"expires": 5}},
    "look-after-partitions": {"task": "crm.tasks.look_after_partitions", "schedule": 86400.0},
    "move-people": {"task": "campaigns.tasks.move_people", "schedule": 5.0, "options": {"expires": 5}},
    "take-people-in": {"task": "campaigns.tasks.take_people_in", "schedule": 5.0, "options": {"expires": 5}},
    "close-executions": {"task": "campaigns.tasks.close_executions", "schedule": 5.0, "options": {"expires": 5}},
    "dispatch": {"task": "campaigns.tasks.dispatch_messages", "schedule": 5.0, "options": {"expires": 5}},
    "sweep-messages": {"task": "campaigns.tasks.sweep_messages", "schedule": 15.0, "options": {"expires": 15}},
    "fold-numbers": {"task": "campaigns.tasks.fold_numbers", "schedule": 60.0, "options": {"expires": 60}},
    "reconcile": {"task": "campaigns.tasks.reconcile_messages", "schedule": 60.0, "options": {"expires": 60}},
    "ledgers": {"task": "campaigns.tasks.compare_ledgers", "schedule": crontab(hour=8, minute=0)},
    "check-copies": {"task": "crm.tasks.refresh_consistency", "schedule": crontab(hour=9, minute=0)},  # UTC: night here
}
