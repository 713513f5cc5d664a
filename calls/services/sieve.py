"""The set face of the gate, compiled once and asked often.

Its text depends only on the rules, the policy and the viewer: the open profiles are a parameter, and every moment in it
lies a fixed way from the moment of asking. So the text is kept, as those of ``config.kernel.kept`` are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F

from calls.rules.policies import general
from config.kernel import kept, prepared
from config.kernel.gate import Asked, gate
from crm.choices import Channel
from crm.models import Project, ProjectContact, User

# The moment that a kept text was written for, and the profiles that were open then.
_ORIGIN, _OPENED = datetime(2001, 1, 1, tzinfo=UTC), [UUID(int=1)]
_texts: kept.Shelf[str] = kept.Shelf(256)


class Candidate(NamedTuple):
    """A pair on the walk of the queue; without ``contact_id`` it does not pass.

    ``hinted``: it stands there because of its hint, and not because of a callback.
    """

    pair_id: UUID
    hinted: bool
    contact_id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom somebody wants to call: all filters are optional, and combine."""

    project: Project | None = None
    owner: User | None = None
    priority: int | None = None
    zone: str = ""

    @property
    def params(self) -> dict[str, Any]:
        """The filters on columns as parameters, by the name of the column; what is not wanted is None."""
        chosen = {"project_id": self.project, "owner_id": self.owner, "priority": self.priority}
        return {column: getattr(value, "pk", value) for column, value in chosen.items()}


def passing(walk: str, params: Mapping[str, Any], *, user: User, asked: Asked, wanted: Wanted) -> list[Candidate]:
    """Return the pairs that ``walk`` gives (id, hinted, place), in order: whom the set face of the gate lets pass and
    ``user`` may see with their contact, the others without. ``params`` are the walk's, "at", "user" and ``wanted``'s.

    ``asked.memory`` knows "policy" and which profiles are "opened": all questions of one walk are about the same.

    :raises config.kernel.gate.GateFault: the gate is out of order.
    """
    where = "".join(f" AND passing.{column} = %({column})s" for column, value in wanted.params.items() if value)
    sql = f"""
        SELECT walked.id, walked.hinted, one.contact_id FROM ({walk}) walked
        LEFT JOIN LATERAL (SELECT passing.id, passing.contact_id FROM ({_question(user, asked)}) passing
                           WHERE passing.id = walked.id {where} OFFSET 0) one ON true
        ORDER BY walked.hinted, walked.place"""  # noqa: S608 - nothing in it comes from outside
    opened, _ = asked.memory["opened"]
    return [Candidate(*row) for row in prepared.rows(sql, {**params, "opened": opened})]


def _question(user: User, asked: Asked) -> str:
    policy, (_, unknown) = general(asked), asked.memory["opened"]
    key = (gate.version, policy, unknown, user.sees_everything)
    return _texts.get(key, lambda: _write(user, {"policy": policy, "opened": (_OPENED, unknown)}))


def _write(user: User, known: dict[str, Any]) -> str:
    asked = Asked(at=_ORIGIN, channel=Channel.CALL.value, user_id=user.pk, memory=known)
    pairs = ProjectContact.objects.visible_to(user).callable(asked).order_by()
    columns = pairs.values("id", "contact_id", "project_id", "priority", owner_id=F("contact__owner"))
    return kept.text_of(columns, {"at": _ORIGIN, "user": user, "opened": _OPENED})
