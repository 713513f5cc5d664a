"""Tells the upper apps how calls ended, once the time to take it back is over. At least once, in the order due."""

from datetime import datetime

from django.db import transaction

from calls.models import CallNews
from calls.signals import CallConcluded, call_concluded

BATCH = 100


@transaction.atomic
def tell_due(*, at: datetime) -> int:
    """Tell up to a hundred due outcomes and mark them told, in one transaction with what the receivers write."""
    due = CallNews.objects.filter(due_at__lte=at).select_related("event__session").order_by("due_at", "id")
    rows = list(due.select_for_update(skip_locked=True, of=("self",))[:BATCH])
    for news in rows:
        event, session = news.event, news.event.session
        concluded = CallConcluded(
            event_id=event.pk,
            session_id=session.pk,
            contact_id=session.contact_id,
            project_id=session.project_id,
            disposition_id=event.disposition_id,
            at=event.at,
        )
        call_concluded.send(sender=CallNews, event=concluded)
    CallNews.objects.filter(pk__in=[news.pk for news in rows]).update(due_at=None, told_at=at)
    return len(rows)
