"""Conversations: what somebody has read is read."""

from datetime import datetime

from campaigns.models import Conversation
from config.kernel.transactions import atomic_with_retries
from crm.models import User


@atomic_with_retries
def mark_read(*, row: Conversation, by: User | None, at: datetime) -> Conversation:
    """Say that somebody has read everything in it up to now; saying it again changes nothing."""
    row = Conversation.objects.select_for_update(no_key=True).get(pk=row.pk)
    if row.unread:
        row.unread = 0
        row.save(update_fields=["unread", "updated_at"])
    return row
