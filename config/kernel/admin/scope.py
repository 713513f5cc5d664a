from typing import Any, TypeVar

from django.db.models import Model, QuerySet

Found = TypeVar("Found", bound=Model)


def visible(rows: QuerySet[Any], user: Any) -> QuerySet[Any]:
    """Return the ``rows`` that ``user`` may see: what their queryset says, or all of them for who sees everything.

    It fails closed: rows that cannot say whose they are belong to those who see everything.
    """
    visible_to = getattr(rows, "visible_to", None)
    if visible_to is not None:
        seen: QuerySet[Any] = visible_to(user)
        return seen
    return rows if user.is_active and user.sees_everything else rows.none()


def shown(row: Found | None, user: Any) -> Found | None:
    """Return a row that came along with another one (``select_related``) if ``user`` may see it too, without a query.

    Only a row with an owner of its own can be hidden; its queryset says so in ``owners``.
    """
    if row is None:
        return None
    owned = getattr(type(row)._default_manager.none(), "owners", ()) == ("owner",)
    return row if not owned or user.sees_everything or row.owner_id in {None, user.pk} else None  # type: ignore[attr-defined]  # it has an owner
