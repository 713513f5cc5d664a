"""What an intake left to people: looked at, and put away."""

from datetime import datetime

from django.db import transaction

from config.kernel.audit import acting
from crm.models import ReviewItem, User


@transaction.atomic
def resolve(*, item: ReviewItem, by: User | None, at: datetime) -> ReviewItem:
    """Put ``item`` away; nothing else changes. Putting it away twice is once: whoever was first stays named."""
    with acting(user=by and by.pk):
        ReviewItem.objects.filter(pk=item.pk, resolved_at=None).update(resolved_at=at, resolved_by=by)
    item.refresh_from_db()
    return item
