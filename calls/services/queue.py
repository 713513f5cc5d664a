"""Who is called next. The hint proposes, the set face of the gate disposes; nothing is stored, nothing is locked.

A callback belongs to the rep who promised it for a quarter of an hour; then to everybody.

Order: due callbacks, earliest first; then priority; then the longest silent, the never called before all; then age.
One pair per contact. The walk reads two partial indexes in their order, profile by profile, so that its cost does not
grow with the pairs behind them (DESIGN 12).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.models import Count

from calls.rules import opening
from calls.rules.policies import TERMS, Policy
from calls.services import deciding, sieve
from calls.services.sieve import Candidate
from calls.services.sieve import Wanted as Wanted
from config.kernel import prepared
from config.kernel.gate import Asked, Block, Level, Verdict, gate
from crm.choices import Channel, Priority
from crm.models import ContactPoint, ProjectContact, User
from crm.services.normalization.places import candidates_of

PROMISED = timedelta(minutes=15)
CALLBACKS = 500  # due ones that are looked at; who leaves more waiting than that makes them in any order
FIRST_LOOK, LOOKS = 64, 6  # candidates per look: 64, 256, 1024, ... until enough of them pass


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
    for found in looks(user=user, at=at, wanted=wanted):
        yield from found


def looks(*, user: User, at: datetime, wanted: Wanted, size: int | None = None) -> Iterator[list[Candidate]]:
    """Yield ``candidates`` look by look: those due for a callback and the best ``size``, then four times as many."""
    asked, law = _circumstances(user, at)
    profiles: list[UUID] = asked.memory["opened"][0]
    if wanted.zone:
        profiles = [profile for profile in profiles if _lies_in(wanted.zone, law.keys[profile])]
    facts = {"late": at - PROMISED, "profiles": profiles}
    met: set[UUID] = set()
    size = size or FIRST_LOOK
    for look in range(LOOKS):
        terms = _terms(user, wanted)
        walk = _walk(terms, size) if look else f"({_due(terms)}) UNION ALL ({_walk(terms, size)})"
        walked = sieve.passing(walk, facts, user=user, asked=asked, wanted=wanted)
        best: dict[UUID, Candidate] = {}
        for one in walked:
            if one.contact_id and one.contact_id not in met:
                best.setdefault(one.contact_id, one)
        met.update(best)
        yield list(best.values())
        if sum(one.hinted for one in walked) < size:
            return
        size *= 4


def _lies_in(zone: str, profile: str) -> bool:
    return zone in {candidate for candidate, _ in candidates_of(profile)}


_CIRCUMSTANCES = f"""
    SELECT {opening.STATE}, {opening.PLACES}, {", ".join(TERMS)}
    FROM (SELECT) one LEFT JOIN calls_callingpolicy ON project_id IS NULL"""  # noqa: S608 - our own names


def _circumstances(user: User, at: datetime) -> tuple[Asked, opening.Book]:
    """Return what all looks of one question share: the policy for all, and the profiles that are open."""
    ((law, places, *terms),) = prepared.rows(_CIRCUMSTANCES)
    book, asked = opening.book_of(law, places), Asked(at=at, channel=Channel.CALL.value, user_id=user.pk)
    asked.memory["policy"] = Policy() if terms[0] is None else Policy(*terms)
    asked.memory["opened"] = book.open_ids(at, Channel.CALL), book.table.is_open(opening.UNKNOWN, at)
    return asked, book


# Whose promise it is calls first; and whom a colleague holds comes and goes too fast for a hint.
_MAY = """pc.callable_from <= %(at)s
      AND (pc.callback_at IS NULL OR pc.callback_by_id IS NULL OR pc.callback_by_id = %(user)s
           OR pc.callback_at <= %(late)s)
      AND NOT EXISTS (SELECT 1 FROM calls_lease held WHERE held.contact_id = pc.contact_id
                      AND held.expires_at > %(at)s AND held.user_id <> %(user)s)"""
# The sieve asks again. Asked here as well, so that a long stretch of a colleague's people does not use up the walk.
_OWNED = "EXISTS (SELECT 1 FROM {table} o WHERE o.id = pc.{key} AND {owner})"
_MINE = "(o.owner_id IS NULL OR o.owner_id = %(user)s)"
_ORDER = "priority DESC, last_touch_at ASC NULLS FIRST, id"


def _terms(user: User, wanted: Wanted) -> str:
    """Write down which pairs the walk may propose; everything that varies is a parameter."""
    chosen = {"project_id": wanted.project, "priority": wanted.priority}
    terms = [_MAY, *(f"pc.{column} = %({column})s" for column, value in chosen.items() if value)]
    if wanted.owner:
        terms.append(_OWNED.format(table="crm_contact", key="contact_id", owner="o.owner_id = %(owner_id)s"))
    if not user.sees_everything:
        terms += [
            _OWNED.format(table=table, key=key, owner=_MINE)
            for table, key in (("crm_contact", "contact_id"), ("crm_project", "project_id"))
        ]
    return " AND ".join(terms)


def _due(terms: str) -> str:
    return f"""
        SELECT pc.id, false AS hinted, row_number() OVER (ORDER BY pc.callback_at, pc.id) AS place
        FROM crm_projectcontact pc
        WHERE pc.callback_at <= %(at)s AND pc.hours_profile_id = ANY(%(profiles)s::uuid[]) AND {terms}
        ORDER BY pc.callback_at, pc.id LIMIT {CALLBACKS}"""  # noqa: S608 - nothing in it comes from outside


def _walk(terms: str, size: int) -> str:
    """Ask for the best ``size`` hinted pairs over all open profiles."""
    return f"""
        SELECT best.id, true AS hinted, row_number() OVER (ORDER BY best.{_ORDER}) AS place
        FROM unnest(%(profiles)s::uuid[]) AS open (profile)
        CROSS JOIN LATERAL (
            SELECT pc.id, pc.priority, pc.last_touch_at FROM crm_projectcontact pc
            WHERE pc.hours_profile_id = open.profile AND {terms}
            ORDER BY pc.{_ORDER} LIMIT {size}
        ) best
        ORDER BY best.{_ORDER} LIMIT {size}"""  # noqa: S608 - nothing in it comes from outside


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
