"""Who is called next: the walk proposes, the set face of the gate disposes; nothing is stored, nothing is locked.

One pair per contact, in the order of ``walking``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db.models import Count, QuerySet

from calls.services import deciding, walking
from calls.services.sieve import Candidate
from calls.services.sieve import Wanted as Wanted
from config.kernel import kept
from config.kernel.gate import Block, Facts, Level, Verdict, gate
from crm.choices import Priority
from crm.models import ContactPoint, ProjectContact, User


@dataclass(frozen=True, slots=True)
class Offer:
    """A pair that may be called now, the number to dial, and why it stands where it stands."""

    pair: ProjectContact
    point: ContactPoint
    reason: str
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class PointVerdict:
    point: ContactPoint
    blocks: tuple[Block, ...]
    earliest: datetime | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that stands against a pair and each of its numbers, when it will first pass, and by which facts."""

    pair: ProjectContact
    points: tuple[PointVerdict, ...]
    blocks: tuple[Block, ...]
    callable: bool
    earliest: datetime | None
    facts: Facts


def next_callable(*, user: User, at: datetime, wanted: Wanted | None = None, limit: int = 50) -> list[Offer]:
    """Return up to ``limit`` pairs that pass the gate at ``at`` and that ``user`` may see, best first.

    :raises config.kernel.gate.GateFault: the gate is out of order.
    """
    offers, _ = survey(user=user, at=at, wanted=wanted or Wanted(), limit=limit)
    counted = dict(_projects_of(contacts=[offer.pair.contact_id for offer in offers]))
    return [replace(offer, elsewhere=counted.get(offer.pair.contact_id, 1) - 1) for offer in offers]


def survey(
    *, user: User, at: datetime, wanted: Wanted, limit: int, held: ProjectContact | None = None
) -> tuple[list[Offer], Explanation | None]:
    """Return who can be called next and, asked in the same go, how it stands with the pair that ``user`` holds.

    How many other projects somebody is in is not counted here.

    :raises config.kernel.gate.GateFault: the gate is out of order.
    """
    best = [one.pair_id for one in islice(candidates(user=user, at=at, wanted=wanted), limit)]
    found = {pair.pk: pair for pair in _pairs(keys=best)} if best else {}
    pairs = [found[key] for key in best]
    asked = [held, *pairs] if held else pairs
    judged = _judged(asked, user=user, at=at)
    offers = [
        Offer(pair, point, reason_for(pair, at))
        for pair, verdicts in list(zip(asked, judged, strict=True))[len(asked) - len(pairs) :]
        if (point := next((point for point, verdict in verdicts if point and verdict.allowed), None))
    ]
    return offers, _explained(held, judged[0]) if held else None


@kept.question
def _pairs(keys: list[UUID]) -> QuerySet[ProjectContact]:
    return ProjectContact.objects.filter(pk__in=keys).select_related("contact", "project").order_by()


@kept.question
def _projects_of(contacts: list[UUID]) -> QuerySet[ProjectContact, tuple[UUID, int]]:
    alive = ProjectContact.objects.alive().filter(contact__in=contacts).order_by()
    return alive.values("contact").annotate(number=Count("id")).values_list("contact_id", "number")


def candidates(*, user: User, at: datetime, wanted: Wanted) -> Iterator[Candidate]:
    """Yield passing pairs in queue order, one per contact, looking further ahead as long as somebody asks for more."""
    met: set[UUID] = set()
    for look in walking.begin(user=user, at=at, wanted=wanted).looks():
        for one in look.passing():
            if one.contact_id and one.contact_id not in met:
                met.add(one.contact_id)
                yield one


def _judged(
    pairs: Sequence[ProjectContact], *, user: User, at: datetime
) -> list[list[tuple[ContactPoint | None, Verdict]]]:
    """Judge every number of every pair at once, the primary first; of who has none, that nothing can be dialed."""
    theirs = deciding.points_of([pair.contact_id for pair in pairs])
    points: dict[UUID, list[ContactPoint | None]] = {key: [*found] or [None] for key, found in theirs.items()}
    asked_about = [(pair, point) for pair in pairs for point in points[pair.contact_id]]
    approaches = [
        deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=point) for pair, point in asked_about
    ]
    told = iter(deciding.judge(approaches, user_id=user.pk, at=at))
    return [[(point, next(told)) for point in points[pair.contact_id]] for pair in pairs]


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
    return _explained(pair, _judged([pair], user=user, at=at)[0])


def _explained(pair: ProjectContact, judged: Sequence[tuple[ContactPoint | None, Verdict]]) -> Explanation:
    verdicts = [verdict for _, verdict in judged]
    passes = [gate.earliest(verdict) for verdict in verdicts]
    return Explanation(
        pair=pair,
        points=tuple(
            PointVerdict(point, _of_number(verdict), earliest)
            for (point, verdict), earliest in zip(judged, passes, strict=True)
            if point is not None
        ),
        blocks=tuple({block.code: block for verdict in verdicts for block in _of_all(verdict)}.values()),
        callable=any(verdict.allowed for verdict in verdicts),
        earliest=min((moment for moment in passes if moment), default=None),
        facts=verdicts[0].facts,
    )


def _of_all(verdict: Verdict) -> tuple[Block, ...]:
    return tuple(block for block in verdict.blocks if block.level is not Level.ENDPOINT)


def _of_number(verdict: Verdict) -> tuple[Block, ...]:
    return tuple(block for block in verdict.blocks if block.level is Level.ENDPOINT)
