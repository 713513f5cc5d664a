"""Who is called next: the walk proposes, the set face of the gate disposes; nothing is stored, nothing is locked.

One pair per contact, in the order of ``walking``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Count

from calls.services import deciding, walking
from calls.services.sieve import Candidate
from calls.services.sieve import Wanted as Wanted
from config.kernel.gate import Block, Level, Verdict, gate
from crm.choices import Priority
from crm.models import ContactPoint, ProjectContact, User


@dataclass(frozen=True, slots=True)
class Offer:
    """A pair that may be called now, the number to dial, and why it stands where it stands."""

    pair: ProjectContact
    point: ContactPoint
    reason: str
    elsewhere: int


@dataclass(frozen=True, slots=True)
class PointVerdict:
    point: ContactPoint
    blocks: tuple[Block, ...]
    earliest: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that stands against a pair and each of its numbers, and when it will first pass."""

    pair: ProjectContact
    points: tuple[PointVerdict, ...]
    blocks: tuple[Block, ...]
    callable: bool
    earliest: datetime | None


def next_callable(*, user: User, at: datetime, wanted: Wanted | None = None, limit: int = 50) -> list[Offer]:
    """Return up to ``limit`` pairs that pass the gate at ``at`` and that ``user`` may see, best first.

    :raises config.kernel.gate.GateFault: the gate is out of order.
    """
    best = list(islice(candidates(user=user, at=at, wanted=wanted or Wanted()), limit))
    rows = ProjectContact.objects.select_related("contact", "project").in_bulk([one.pair_id for one in best])
    return _offers([rows[one.pair_id] for one in best], user=user, at=at)


def candidates(*, user: User, at: datetime, wanted: Wanted) -> Iterator[Candidate]:
    """Yield passing pairs in queue order, one per contact, looking further ahead as long as somebody asks for more."""
    met: set[UUID] = set()
    for look in walking.begin(user=user, at=at, wanted=wanted).looks():
        for one in look.passing():
            if one.contact_id and one.contact_id not in met:
                met.add(one.contact_id)
                yield one


def _offers(pairs: list[ProjectContact], *, user: User, at: datetime) -> list[Offer]:
    contacts = [pair.contact_id for pair in pairs]
    best = best_points(pairs, user=user, at=at)
    elsewhere = _other_projects(contacts)
    return [
        Offer(pair, best[pair.pk], reason_for(pair, at), elsewhere.get(pair.contact_id, 1) - 1)
        for pair in pairs
        if pair.pk in best
    ]


def best_points(pairs: Sequence[ProjectContact], *, user: User, at: datetime) -> dict[UUID, ContactPoint]:
    """Return for each pair the number to dial: the primary if it passes, else the best that does."""
    points = deciding.points_of([pair.contact_id for pair in pairs])
    asked_about = [(pair, point) for pair in pairs for point in points[pair.contact_id]]
    approaches = [
        deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=point) for pair, point in asked_about
    ]
    best: dict[UUID, ContactPoint] = {}
    for (pair, point), verdict in zip(asked_about, deciding.judge(approaches, user_id=user.pk, at=at), strict=True):
        if verdict.allowed:
            best.setdefault(pair.pk, point)
    return best


def _other_projects(contacts: Sequence[UUID]) -> dict[UUID, int]:
    counted = ProjectContact.objects.alive().filter(contact__in=contacts).values("contact").annotate(number=Count("id"))
    found: dict[Any, int] = {row["contact"]: row["number"] for row in counted.order_by().values("contact", "number")}
    return found


def reason_for(pair: ProjectContact, at: datetime) -> str:
    """Say in a few words why the pair stands where it stands in the queue."""
    if pair.callback_at and pair.callback_at <= at:
        return "callback due"
    urgency = "" if pair.priority == Priority.MEDIUM else f"{pair.get_priority_display().lower()} priority, "
    if pair.last_touch_at is None:
        return f"{urgency}never contacted"
    days = (at - pair.last_touch_at).days
    return f"{urgency}silent for {days} day{'' if days == 1 else 's'}"


def explain(*, pair: ProjectContact, user: User, at: datetime) -> Explanation:
    """Judge every number of a pair: all that stands against it, with evidence, and the first moment that passes."""
    points = deciding.points_of([pair.contact_id])[pair.contact_id]
    asked_about: list[ContactPoint | None] = [*points] or [None]
    approaches = [deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=point) for point in asked_about]
    verdicts = deciding.judge(approaches, user_id=user.pk, at=at)
    passes = [gate.earliest(verdict) for verdict in verdicts]
    return Explanation(
        pair=pair,
        points=tuple(
            PointVerdict(point, _of_number(verdict), earliest)
            for point, verdict, earliest in zip(asked_about, verdicts, passes, strict=True)
            if point is not None
        ),
        blocks=tuple({block.code: block for verdict in verdicts for block in _of_all(verdict)}.values()),
        callable=any(verdict.allowed for verdict in verdicts),
        earliest=min((moment for moment in passes if moment), default=None),
    )


def _of_all(verdict: Verdict) -> tuple[Block, ...]:
    return tuple(block for block in verdict.blocks if block.level is not Level.ENDPOINT)


def _of_number(verdict: Verdict) -> tuple[Block, ...]:
    return tuple(block for block in verdict.blocks if block.level is Level.ENDPOINT)
