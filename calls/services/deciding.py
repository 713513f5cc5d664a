"""The gate under locks: the one place where an approach is decided for good, and its receipt is written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from calls.rules import opening
from config.kernel import prepared
from config.kernel.errors import Conflict
from config.kernel.gate import Approach, Asked, Block, Verdict, gate, pack, unpack
from config.kernel.ids import uuid7
from crm.choices import Channel, GateAction
from crm.models import Contact, ContactPoint, Endpoint, GateDecision, ProjectContact
from crm.services.normalization.places import ZONE_DATA_VERSION


class Refused(Conflict):
    """The gate stands against this approach; ``verdict`` says why, ``earliest`` when nothing will any more."""

    code = "gate_refused"

    def __init__(self, verdict: Verdict) -> None:
        self.verdict, self.earliest = verdict, gate.earliest(verdict)
        reasons = ", ".join(code.replace("_", " ") for code in verdict.codes)
        super().__init__(f"The gate refuses this call: {reasons}.", blocks=verdict.blocks, earliest=self.earliest)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided: the approach that passed with its receipt, or the verdict that refuses.

    ``receipt`` are the parameters of ``RECEIPT``: a row of GateDecision.
    """

    verdict: Verdict
    receipt: Mapping[str, Any] | None = None

    @property
    def allowed(self) -> bool:
        return self.receipt is not None

    @property
    def decision_id(self) -> UUID | None:
        return self.receipt["id"] if self.receipt else None


def approach_of(*, pair: ProjectContact | None, contact_id: UUID, point: ContactPoint | None) -> Approach:
    return Approach(
        contact_id=contact_id,
        endpoint_id=point.endpoint_id if point else None,
        channel=Channel.CALL.value,
        pair_id=pair.pk if pair else None,
        project_id=pair.project_id if pair else None,
    )


def points_of(contact_ids: Sequence[UUID]) -> dict[UUID, list[ContactPoint]]:
    """Return every phone point of these contacts, the primary first, in one query."""
    points: dict[UUID, list[ContactPoint]] = {contact: [] for contact in contact_ids}
    rows = ContactPoint.objects.filter(contact__in=contact_ids).reaching(Channel.CALL).select_related("endpoint")
    for point in rows.primary_first():
        points[point.contact_id].append(point)
    return points


def lock(*, contact_id: UUID, endpoint_ids: Sequence[UUID], skip_locked: bool = False) -> set[UUID] | None:
    """Lock a contact, then endpoints sorted by id (DESIGN 13); return the endpoints that are ours now.

    With ``skip_locked`` a contact whom somebody else works on gives None, and busy endpoints are left out.
    """
    contact = Contact.objects.filter(pk=contact_id).order_by("pk")
    if not contact.select_for_update(no_key=True, skip_locked=skip_locked).values_list("pk").first():
        return None
    return lock_lines(endpoint_ids, skip_locked=skip_locked)


def lock_lines(endpoint_ids: Sequence[UUID], *, skip_locked: bool = False) -> set[UUID]:
    """Lock these endpoints, sorted by id, and return those that are ours now; their contact is locked already."""
    lines = Endpoint.objects.filter(pk__in=endpoint_ids).order_by("pk")
    return set(lines.select_for_update(no_key=True, skip_locked=skip_locked).values_list("pk", flat=True))


def judge(approaches: Sequence[Approach], *, user_id: UUID | None, at: datetime, past: bool = False) -> list[Verdict]:
    """Return a verdict per approach, for reading; nothing is locked or stored.

    ``past`` judges what was done at ``at``: what happened then or later does not count against it.
    """
    up_to = at if past else None
    return gate.decide(approaches, asked=Asked(at=at, channel=Channel.CALL.value, user_id=user_id, up_to=up_to))


def decide(*, action: GateAction, approaches: Sequence[Approach], user_id: UUID | None, at: datetime) -> Ruling:
    """Judge ``approaches`` in their order, take the first that passes, and write the receipt.

    The caller is in a transaction, holds the locks of ``lock`` and keeps them: the facts are read under them. A
    refusal is stored where its codes differ from the last decision of this kind about the same subject (DESIGN 15).
    """
    ruling = prove(action=action, approaches=approaches, user_id=user_id, at=at)
    if ruling.receipt:
        prepared.run(RECEIPT, ruling.receipt)
    return ruling


def prove(*, action: GateAction, approaches: Sequence[Approach], user_id: UUID | None, at: datetime) -> Ruling:
    """Decide as ``decide`` does, but leave the receipt of what passes to the caller: ``RECEIPT`` and what it permits
    can then be written by one statement."""
    verdicts = judge(approaches, user_id=user_id, at=at)
    for verdict in verdicts:
        if verdict.allowed:
            return Ruling(verdict, _receipt(verdict, action=action, user_id=user_id))
    for verdict in verdicts:
        _keep_refusal(verdict, action=action, user_id=user_id)
    return Ruling(verdicts[0])


def _keep_refusal(verdict: Verdict, *, action: GateAction, user_id: UUID | None) -> None:
    approach = verdict.approach
    subject = {"contact": approach.contact_id, "endpoint": approach.endpoint_id, "pair": approach.pair_id}
    last = GateDecision.objects.filter(**subject, action=action).values_list("codes", flat=True).first()
    if last != verdict.codes:
        prepared.run(RECEIPT, _receipt(verdict, action=action, user_id=user_id))


RECEIPT = """
    INSERT INTO crm_gatedecision (id, at, action, channel, allowed, codes, contact_id, endpoint_id, pair_id, user_id,
                                  facts, ruleset, zones)
    VALUES (%(id)s, %(at)s, %(action)s, %(channel)s, %(allowed)s, %(codes)s::varchar[], %(contact)s, %(endpoint)s,
            %(pair)s, %(user)s, %(facts)s::jsonb, %(ruleset)s, %(zones)s)"""


def _receipt(verdict: Verdict, *, action: GateAction, user_id: UUID | None) -> dict[str, Any]:
    approach = verdict.approach
    return {
        "id": uuid7(),
        "at": verdict.at,
        "action": action.value,
        "channel": approach.channel,
        "allowed": verdict.allowed,
        "codes": verdict.codes,
        "contact": approach.contact_id,
        "endpoint": approach.endpoint_id,
        "pair": approach.pair_id,
        "user": user_id,
        "facts": json.dumps(pack(verdict.facts)),
        "ruleset": gate.version,
        "zones": ZONE_DATA_VERSION,
    }


def replay(decision: GateDecision) -> tuple[Block, ...]:
    """Judge the stored facts again, by the law of that time: under the same rule set this gives the same blocks."""
    facts = unpack(decision.facts)
    opening.book()
    opening.recall(facts.get("hours.law"), decision.at)
    return gate.judge(facts, decision.at, decision.channel)
