"""What a rep has typed and not yet saved."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from calls.models import CallDraft
from config.kernel import kept
from config.kernel.writing import Part
from crm.models import ProjectContact, User

LONGEST = 20_000


@transaction.atomic(savepoint=False)
def save(*, user: User, pair: ProjectContact, text: str) -> None:
    """Keep ``text`` (at most 20,000 characters of it) as what ``user`` has typed about ``pair``; empty forgets it."""
    if text.strip():
        draft = CallDraft(user=user, pair=pair, text=text[:LONGEST])
        CallDraft.objects.bulk_create(
            [draft], update_conflicts=True, unique_fields=["user", "pair"], update_fields=["text", "updated_at"]
        )
    else:
        CallDraft.objects.filter(user=user, pair=pair).delete()


def forgotten(*, user: User | None, pair_id: UUID | None) -> Part:
    """What ``user`` has typed about this pair is kept elsewhere by now."""
    return _FORGET, {"user": user and user.pk, "pair": pair_id}


_FORGET = "DELETE FROM calls_calldraft WHERE user_id = %(user)s AND pair_id = %(pair)s"


def read(*, user: User, pair: ProjectContact) -> str:
    return next(iter(_text(user=user, pair=pair.pk)), "")


@kept.question
def _text(user: User, pair: UUID) -> QuerySet[CallDraft, str]:
    return CallDraft.objects.filter(user=user, pair=pair).values_list("text", flat=True)
