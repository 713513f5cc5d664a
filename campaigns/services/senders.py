"""Who sends for whom."""

from uuid import UUID

from django.db.models import Q

from campaigns.models import SendingAccount


def channels_of(user: UUID | None) -> frozenset[str]:
    """Return the channels that somebody sends on for ``user``: by an account of theirs, or by one of everybody's."""
    rows = SendingAccount.objects.filter(Q(user=None) | Q(user=user), is_active=True)
    return frozenset(rows.order_by().values_list("channel", flat=True).distinct())
