"""The set face of the gate, compiled once and asked often.

Django takes longer to write this question down than PostgreSQL to answer it. Its text depends only on the rules, the
policy, the open profiles and the viewer; every moment in it lies a fixed way from the moment of asking. So the text is
kept, and its moments are moved.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F

from calls.rules import opening
from calls.rules.policies import general
from config.kernel.gate import Asked, gate
from crm.choices import Channel
from crm.models import Project, ProjectContact, User

KEPT = 256
_ORIGIN = datetime(2001, 1, 1, tzinfo=UTC)  # the moment that a kept text was written for
_kept: OrderedDict[Any, tuple[str, tuple[Any, ...]]] = OrderedDict()


class Candidate(NamedTuple):
    pair_id: UUID
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom somebody wants to call: all filters are optional, and combine."""

    project: Project | None = None
    owner: User | None = None
    priority: int | None = None
    zone: str = ""


def passing(ids: Sequence[UUID], *, user: User, at: datetime, wanted: Wanted) -> list[Candidate]:
    """Return those of ``ids``, in their order, that pass the set face of the gate and that ``user`` may see.

    :raises config.kernel.gate.GateFault: the gate is out of order.
    """
    sql, params = _question(user, at)
    where = "id = ANY(%s)"
    filters: list[Any] = [list(ids)]
    for column, value in (
        ("project_id", wanted.project and wanted.project.pk),
        ("owner_id", wanted.owner and wanted.owner.pk),
        ("priority", wanted.priority),
    ):
        if value:
            where += f" AND {column} = %s"
            filters.append(value)
    moved = [at + (param - _ORIGIN) if isinstance(param, datetime) else param for param in params]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, contact_id FROM ({sql}) passing WHERE {where}", [*moved, *filters])  # noqa: S608
        found = dict(cursor.fetchall())
    return [Candidate(key, found[key]) for key in ids if key in found]


def _question(user: User, at: datetime) -> tuple[str, tuple[Any, ...]]:
    law, policy = opening.book(), general(Asked(at=at, channel=Channel.CALL.value))
    opened = (tuple(law.open_ids(at, Channel.CALL)), law.table.is_open(opening.UNKNOWN, at))
    key = (gate.version, policy, opened, user.pk, user.sees_everything)
    if key not in _kept:
        _kept[key] = _write(user, {"policy": policy, "opened": opened})
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return _kept[key]


def _write(user: User, known: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    asked = Asked(at=_ORIGIN, channel=Channel.CALL.value, user_id=user.pk, memory=known)
    pairs = ProjectContact.objects.visible_to(user).callable(asked).order_by()
    columns = pairs.values("id", "contact_id", "project_id", "priority", owner_id=F("contact__owner"))
    return columns.query.sql_with_params()
