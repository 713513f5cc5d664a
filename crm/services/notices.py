"""Telling people that something they began is over, whether or not they look at a screen just then."""

from datetime import datetime

from config.kernel import prepared
from config.kernel.realtime import tell as hint
from crm.models import Notice, User

_SEE = """
    UPDATE crm_notice SET seen_at = %(at)s::timestamptz
    WHERE user_id = %(user)s AND seen_at IS NULL
    RETURNING id, text, link"""


def tell(*, user: User | None, text: str, link: str, at: datetime) -> None:
    """Keep a notice for ``user``, for the next page that they open; nobody is told where nobody asked."""
    if user is not None:
        notice = Notice.objects.create(user=user, text=text[:300], link=link, at=at)
        hint(f"rep.{user.pk}", "notice", notice=str(notice.pk))


def see(*, user: User, at: datetime) -> list[tuple[str, str]]:
    """Return what ``user`` has not been shown yet, (text, link) in its order; from now on it was shown."""
    return [(text, link) for _, text, link in sorted(prepared.rows(_SEE, {"user": user.pk, "at": at}))]
