"""What a new installation starts with: calling hours, the policy for all, and the nine keys of the call desk."""

from datetime import timedelta
from typing import Any

from django.db import transaction

from calls.choices import Scope, Sentiment
from calls.models import CallingHours, CallingPolicy, Disposition
from calls.rules.law import HoursRow
from calls.rules.windows import window_text
from calls.services.hours import shipped_rows
from crm.models import HoursProfile

DAY = timedelta(days=1)

DISPOSITIONS: list[dict[str, Any]] = [
    {"key": 1, "name": "Connected, interested", "sentiment": Sentiment.POSITIVE, "reached": True,
     "retry_after": 2 * DAY},
    {"key": 2, "name": "Connected, not interested", "sentiment": Sentiment.NEGATIVE, "reached": True,
     "terminal_scope": Scope.PAIR, "terminal_for": 180 * DAY},
    {"key": 3, "name": "Call back", "sentiment": Sentiment.POSITIVE, "reached": True, "asks_callback": True},
    {"key": 4, "name": "No answer", "sentiment": Sentiment.NONE},
    {"key": 5, "name": "Left voicemail", "sentiment": Sentiment.NONE, "retry_after": 3 * DAY},
    {"key": 6, "name": "Busy", "sentiment": Sentiment.NONE, "retry_after": timedelta(hours=2)},
    {"key": 7, "name": "Gatekeeper", "sentiment": Sentiment.NEUTRAL, "reached": True, "retry_after": 2 * DAY},
    {"key": 8, "name": "Wrong person", "sentiment": Sentiment.NEUTRAL, "wrong_person": True},
    {"key": 9, "name": "Do not call", "sentiment": Sentiment.NEGATIVE, "reached": True, "do_not_call": True},
    {"key": None, "name": "Number not in service", "sentiment": Sentiment.NONE,
     "terminal_scope": Scope.ENDPOINT, "terminal_for": 30 * DAY},
    {"key": None, "name": "Meeting booked", "sentiment": Sentiment.POSITIVE, "reached": True,
     "terminal_scope": Scope.PAIR, "terminal_for": 30 * DAY},
]  # fmt: skip


@transaction.atomic
def install() -> None:
    """Write the defaults where a table is still empty. What somebody has changed since is never touched."""
    HoursProfile.objects.get_or_create(key="")
    if not CallingPolicy.objects.filter(project=None).exists():
        CallingPolicy.objects.create(project=None)
    if not Disposition.objects.exists():
        Disposition.objects.bulk_create([Disposition(**row) for row in DISPOSITIONS])
    if not CallingHours.objects.exists():
        CallingHours.objects.bulk_create([to_model(row) for row in shipped_rows()])


def to_model(row: HoursRow) -> CallingHours:
    return CallingHours(
        rule_id=row.rule_id,
        jurisdiction=row.jurisdiction,
        channels=sorted(row.channels),
        windows=[window_text(window) if window else "" for window in row.days],
        holidays=row.holidays,
        closed_on=sorted(row.closed_on),
        severity=row.severity,
        configurable=row.configurable,
        confidence=row.confidence,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        verified_on=row.verified_on,
        expires_on=row.expires_on,
        source=row.source,
    )
