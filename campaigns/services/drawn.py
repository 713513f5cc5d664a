"""Who drew what: a change of a graph stands in the audit of the campaign or template that it belongs to.

Nodes and edges are put anew whenever somebody draws, so that their rows say nothing of what has changed; what they say
before and after does.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models.functions import Now

from campaigns.models import Campaign, Template
from campaigns.rules.differences import CHANGED, Difference, between
from campaigns.rules.drawings import Drawing
from config.kernel.audit import acting_ip, acting_request_id, acting_service, acting_user_agent
from config.kernel.ids import uuid7
from crm.choices import Operation
from crm.models import AuditEvent, User


def tell(*, row: Campaign | Template, was: Drawing, now: Drawing, by: User | None) -> None:
    """Write down which nodes and edges came, went and changed, and how; where something only moved, nothing.

    The same words as a trigger's, in the transaction of the change.
    """
    found = between(was, now)
    if found:
        AuditEvent.objects.create(
            id=uuid7(), at=Now(), entity=row._meta.label_lower, entity_id=row.pk, operation=Operation.UPDATE,
            old={_name(one): _side(one, 0) for one in found}, new={_name(one): _side(one, 1) for one in found},
            actor=by, service=acting_service(), ip=acting_ip(), user_agent=acting_user_agent(),
            request_id=acting_request_id(),
        )  # fmt: skip


def _name(one: Difference) -> str:
    return f"{one.what} {one.key}".strip()


def _side(one: Difference, side: int) -> Any:
    """What it said before (0) or after (1), as far as that differs; of what came or went, whatever is not empty."""
    both = {field: said[side] for field, said in one.changes.items() if said[side] is not None}
    told: Mapping[str, Any] = both if one.kind == CHANGED else {field: said for field, said in both.items() if said}
    return told.get(one.what) if one.what in {"start", "on_reply"} else told or None
