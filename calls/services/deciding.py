"""The gate under locks: the one place where an approach is decided for good, and its receipt is written."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from calls.rules import opening
from config.kernel import kept, prepared
from config.kernel.errors import Conflict
from config.kernel.gate import Approach, Asked, Block, Verdict, gate, pack, unpack
from config.kernel.ids import uuid7
from crm.choices import Channel, GateAction
from crm.models import ContactPoint, GateDecision, ProjectContact
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

    ``receipt`` are the parameters of ``RECEIPT``: a row of GateDecision. ``verdicts`` are all that were asked for.
    """

    verdict: Verdict
    receipt: Mapping[str, Any] | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def allowed(self) -> bool:
        return self.receipt is not None

    @property
    def decision_id(self) -> UUID | None:
        return self.receipt["id"] if self.receipt else None

    @property
    def earliest(self) -> datetime | None:
        """The first moment at which any of the approaches would pass, as far as is known today."""
        passes = [gate.earliest(verdict) for verdict in self.verdicts or (self.verdict,)]
        return min((moment for moment in passes if moment), default=None)


def approach_of(*, pair: ProjectContact | None, contact_id: UUID, point: ContactPoint | None) -> Approach:
    return Approach(
        contact_id=contact_id,
        endpoint_id=point.endpoint_id if point else None,
        channel=Channel.CALL.value,
        pair_id=pair.pk if pair else None,
        project_id=pair.project_id if pair else None,
    )


def points_of(contact_ids: Sequence[UUID], *, channel: str = Channel.CALL) -> dict[UUID, list[ContactPoint]]:
    """Return every point of these contacts that ``channel`` can use, the primary first, in one query."""
    points: dict[UUID, list[ContactPoint]] = {contact: [] for contact in contact_ids}
    for point in _points(contacts=list(contact_ids), channel=channel) if points else ():
        points[point.contact_id].append(point)
    return points


@kept.question
def _points(contacts: list[UUID], channel: str) -> QuerySet[ContactPoint]:
    points = ContactPoint.objects.filter(contact__in=contacts).reaching(channel)
    return points.select_related("endpoint").primary_first()


def lock(*, contact_id: UUID, endpoint_ids: Sequence[UUID]) -> None:
    """Lock a contact, then endpoints sorted by id (DESIGN 13)."""
    prepared.rows(_LOCK, {"contact": contact_id, "lines": list(endpoint_ids)})


def lock_lines(endpoint_ids: Sequence[UUID]) -> None:
    """Lock these endpoints, sorted by id; their contact is locked already."""
    prepared.rows(_LOCK_LINES, {"lines": list(endpoint_ids)})


_LOCK_LINES = """
    SELECT e.id FROM crm_endpoint e WHERE e.id = ANY(%(lines)s::uuid[]) ORDER BY e.id FOR NO KEY UPDATE OF e"""
_LOCK = f"""
    WITH theirs AS MATERIALIZED (SELECT c.id FROM crm_contact c WHERE c.id = %(contact)s FOR NO KEY UPDATE OF c)
    SELECT 1 FROM theirs LEFT JOIN LATERAL ({_LOCK_LINES}) line ON true"""  # noqa: S608 - our own words


def judge(approaches: Sequence[Approach], *, user_id: UUID | None, at: datetime, past: bool = False) -> list[Verdict]:
    """Return a verdict per approach, all of one channel, for reading; nothing is locked or stored.

    ``past`` judges what was done at ``at``: what happened then or later does not count against it.
    """
    channel = approaches[0].channel if approaches else Channel.CALL.value
    asked = Asked(at=at, channel=channel, user_id=user_id, up_to=at if past else None)
    return gate.decide(approaches, asked=asked)


def prove(*, action: GateAction, approaches: Sequence[Approach], user_id: UUID | None, at: datetime) -> Ruling:
    """Judge ``approaches`` in their order, and take the first that passes. Its receipt is left to the caller, who
    writes ``RECEIPT`` and what it permits by one statement.

    The caller is in a transaction, holds the locks of ``lock`` and keeps them: the facts are read under them. A
    refusal is stored where its codes differ from the last decision of this kind about the same subject (DESIGN 15).
    """
    return prove_each(action=action, subjects=[approaches], user_ids=[user_id], at=at)[0]


def prove_each(
    *, action: GateAction, subjects: Sequence[Sequence[Approach]], user_ids: Sequence[UUID | None], at: datetime
) -> list[Ruling]:
    """Decide about many subjects as ``prove`` does about one: each by its own approaches, all of one channel.

    The number of statements does not grow with them. Who asks makes a difference to leases: ask for one user there.
    """
    asked = [approach for approaches in subjects for approach in approaches]
    told = iter(judge(asked, user_id=user_ids[0] if len(user_ids) == 1 else None, at=at))
    rulings, refusals = [], []
    for approaches, user_id in zip(subjects, user_ids, strict=True):
        verdicts = tuple(itertools.islice(told, len(approaches)))
        passing = next((verdict for verdict in verdicts if verdict.allowed), None)
        if passing:
            rulings.append(Ruling(passing, _receipt(passing, action=action, user_id=user_id), verdicts))
        else:
            rulings.append(Ruling(verdicts[0], None, verdicts))
            refusals += [_receipt(verdict, action=action, user_id=user_id) for verdict in verdicts]
    _keep_refusals(refusals)
    return rulings


def _keep_refusals(refusals: Sequence[Mapping[str, Any]]) -> None:
    """Store those whose codes differ from the last decision about the same subject (DESIGN 15)."""
    if not refusals:
        return
    subjects = {name: [refusal[name] for refusal in refusals] for name in ("contact", "endpoint", "pair")}
    last = prepared.rows(_LAST, {**subjects, "action": refusals[0]["action"]})
    if new := [refusal for refusal, (codes,) in zip(refusals, last, strict=True) if codes != refusal["codes"]]:
        prepared.run(RECEIPTS, {"receipts": orjson.dumps(new).decode()})


_LAST = """
    SELECT d.codes FROM unnest(%(contact)s::uuid[], %(endpoint)s::uuid[], %(pair)s::uuid[])
                        WITH ORDINALITY AS s (contact_id, endpoint_id, pair_id, place)
    LEFT JOIN LATERAL (
        SELECT d.codes FROM crm_gatedecision d
        WHERE d.contact_id = s.contact_id AND d.endpoint_id IS NOT DISTINCT FROM s.endpoint_id
          AND d.pair_id IS NOT DISTINCT FROM s.pair_id AND d.action = %(action)s
        ORDER BY d.id DESC LIMIT 1) d ON true
    ORDER BY s.place"""
RECEIPT = """
    INSERT INTO crm_gatedecision (id, at, action, channel, allowed, codes, contact_id, endpoint_id, pair_id, user_id,
                                  facts, ruleset, zones)
    VALUES (%(id)s, %(at)s, %(action)s, %(channel)s, %(allowed)s, %(codes)s::varchar[], %(contact)s, %(endpoint)s,
            %(pair)s, %(user)s, %(facts)s::jsonb, %(ruleset)s, %(zones)s)"""
# The same for many, as JSON.
RECEIPTS = """
    INSERT INTO crm_gatedecision (id, at, action, channel, allowed, codes, contact_id, endpoint_id, pair_id, user_id,
                                  facts, ruleset, zones)
    SELECT r.id, r.at, r.action, r.channel, r.allowed, r.codes, r.contact, r.endpoint, r.pair, r."user",
           r.facts::jsonb, r.ruleset, r.zones
    FROM jsonb_to_recordset(%(receipts)s::jsonb) AS r (
        id uuid, at timestamptz, action varchar, channel varchar, allowed boolean, codes varchar[], contact uuid,
        endpoint uuid, pair uuid, "user" uuid, facts text, ruleset varchar, zones varchar)"""


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
