"""Who sends for whom, and by which provider."""

from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q

from campaigns.models import SendingAccount
from campaigns.providers import sender_on


def channels_of(user: UUID | None) -> frozenset[str]:
    """Return the channels that somebody sends on for ``user``: by an account of theirs, or by one of everybody's."""
    rows = SendingAccount.objects.filter(Q(user=None) | Q(user=user), is_active=True)
    return frozenset(rows.order_by().values_list("channel", flat=True).distinct())


def label_of(provider: str) -> str:
    """Return what people call the provider of that name in the settings; "" where they name none."""
    try:
        return sender_on(provider).label
    except ImproperlyConfigured:
        return ""


def channel_of(provider: str) -> str:
    """Return the channel that the provider of that name in the settings delivers on; "" where they name none."""
    try:
        return sender_on(provider).channel
    except ImproperlyConfigured:
        return ""


def providers_of(user: UUID | None) -> list[str]:
    """Return what those are called by whom messages for ``user`` go out, each once."""
    rows = SendingAccount.objects.filter(Q(user=None) | Q(user=user), is_active=True)
    names = rows.order_by("provider").values_list("provider", flat=True).distinct()
    return sorted({label_of(name) for name in names} - {""})
