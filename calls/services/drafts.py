"""What a rep has typed and not yet saved."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from calls.models import CallDraft
from config.kernel import kept
from crm.models import ProjectContact, User

LONGEST = 20_000


@transaction.atomic
def save(*, user: User, pair: ProjectContact, text: str) -> None:
    """Keep ``text`` (at most 20,000 characters of it) as what ``user`` has typed about ``pair``; empty forgets it."""
    if text.strip():
        CallDraft.objects.update_or_create(user=user, pair=pair, defaults={"text": text[:LONGEST]})
    else:
        CallDraft.objects.filter(user=user, pair=pair).delete()


def read(*, user: User, pair: ProjectContact) -> str:
    return next(iter(_text(user=user, pair=pair.pk)), "")


@kept.question
def _text(user: User, pair: UUID) -> QuerySet[CallDraft, str]:
    return CallDraft.objects.filter(user=user, pair=pair).values_list("text", flat=True)
