"""Nobody writes what they may not see, and nothing is said about it (DESIGN 8).

Interfaces ask first, with ``visible_to``; the services ask again under their lock, because between the two somebody
else may have taken the row. Without ``by`` it is Clearline itself that writes: it sees everything.
"""

from typing import Any, TypeVar

from django.db import models

from config.kernel.errors import Conflict
from crm.models import Contact, Endpoint, User
from crm.services.locking import RowGone, lock

RowT = TypeVar("RowT", bound=models.Model)


class ExistsOutOfScope(Conflict):
    """It exists, and belongs to somebody else. Nothing else is said about it."""

    code = "exists_out_of_scope"


def is_hidden(row: Any, by: User | None) -> bool:
    """Whether ``by`` may not see ``row``, as it is in the database now."""
    return by is not None and not type(row).objects.visible_to(by).filter(pk=row.pk).exists()


def refuse_hidden(row: Any, by: User | None) -> None:
    """:raises ExistsOutOfScope: ``row`` is not ``by``'s to see."""
    if is_hidden(row, by):
        raise ExistsOutOfScope(
            f"There is such a {row._meta.verbose_name} already, and it is somebody else's. Ask an admin."
        )


def refuse_hidden_owner(endpoint: Endpoint, by: User | None) -> None:
    """Refuse a line that means somebody whom ``by`` does not see, as an intake does (``crm.services.bulk.scope``).

    :raises ExistsOutOfScope: it does.
    """
    if endpoint.owner_id and is_hidden(Contact(pk=endpoint.owner_id), by):
        raise ExistsOutOfScope(
            f"This {endpoint.get_kind_display().lower()} is known, and somebody else's. Ask an admin."
        )


def lock_seen(row: RowT, by: User | None) -> RowT:
    """Return ``row`` as it is now, locked until the transaction ends.

    :raises RowGone: it was deleted since it was read, or is not ``by``'s to see any more.
    """
    fresh = lock(row)
    if is_hidden(fresh, by):
        raise RowGone(f"This {row._meta.verbose_name} is not yours to see any more: somebody else took it meanwhile.")
    return fresh
