"""Taking the next pair, alone: a lease is proved under the locks of its person and number (DESIGN 12-14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from calls.models import CallStatus, Lease
from calls.querysets import UNFINISHED_AFTER
from calls.services import deciding, walking
from calls.services.deciding import Refused, Ruling
from calls.services.sieve import Candidate, Wanted
from calls.services.walking import Walk
from config.kernel import kept, prepared
from config.kernel.errors import Conflict
from config.kernel.gate import Approach
from config.kernel.ids import uuid7
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from config.kernel.turns import Turns
from crm.choices import Channel, GateAction
from crm.models import ContactPoint, ProjectContact, User

LEASE = timedelta(minutes=5)
PREPARING = timedelta(minutes=30)  # as long as somebody is held without being called
LOOK = 8  # candidates of the first look; the next is four times as wide
# Everybody wants the same best pairs: more at once pass over each other's locks, and need a third more CPU for each.
TURNS = Turns(2, patience=1.0)
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class NothingCallable(Conflict):
    """No pair that this user may see and that fits what they want passes the gate now."""

    code = "nothing_callable"


class NoLease(Conflict):
    """The user holds no lease, or it has run out."""

    code = "no_lease"


class HeldTooLong(NoLease):
    """Half an hour has passed without a call: the page was left open, and a colleague may call them instead."""

    code = "held_too_long"

    def __init__(self, pair_id: UUID) -> None:
        self.pair_id = pair_id
        super().__init__("Held for half an hour without a call, so given back to the queue: take them or the next.")


class TookAnother(Conflict):
    """A rep holds one person at a time."""

    code = "took_another"


def current(*, user: User, at: datetime) -> Lease | None:
    """Return the lease that ``user`` holds, if it is still live."""
    return next(iter(_current(user=user, at=at)), None)


@kept.question
def _current(user: User, at: datetime) -> QuerySet[Lease]:
    held = Lease.objects.live(at).filter(user=user)
    return held.select_related("pair__contact__company", "pair__contact__owner", "pair__project", "endpoint")


def take_next(*, user: User, at: datetime, wanted: Wanted | None = None) -> Lease:
    """Give ``user`` the best pair that nobody else holds; a lease they already hold is returned as it is.

    Candidates are picked without locks; one whose person or number somebody else works on is skipped, one that does
    not pass is refused with a receipt, and the next is tried.

    :raises NothingCallable: nothing is left that passes.
    """
    with TURNS.one():
        lease = _take_next(user=user, at=at, wanted=wanted or Wanted())
    if lease:
        return lease
    raise NothingCallable("Nobody can be called right now. The call desk says why, and when that changes.")


def _take_next(*, user: User, at: datetime, wanted: Wanted) -> Lease | None:
    refused = set[UUID]()
    at_once = walking.begin_at_once(user=user, at=at, wanted=wanted)
    if at_once and (lease := _best_of(at_once, refused)):
        return lease
    return _first_of(walking.begin(user=user, at=at, wanted=wanted), refused)


def _best_of(walk: Walk, refused: set[UUID]) -> Lease | None:
    """Try the best pair whom nobody works on, found and locked by one statement; it stays the only one, for the walk
    may be stale."""
    look = next(walk.looks(size=LOOK))
    tried = _try_one(look.text, walk.params, user=walk.user, at=walk.at)
    if tried.is_refused and tried.pair_id:
        refused.add(tried.pair_id)
    return tried.lease


def _first_of(walk: Walk, refused: set[UUID]) -> Lease | None:
    """Return the lease on the best pair of a walk, or the one that its user holds; name whom the gate refused.

    Whom the hints propose is tried as they are. From the first refusal on hints are stale, and the gate is asked about
    all the others at once before they are tried.
    """
    for look in walk.looks(size=LOOK):
        lease = None if refused else _first_that_passes(look.hinted(), refused, walk, refusals=1)
        if refused and not lease:
            lease = _first_that_passes(look.passing(), refused, walk)
        if lease := lease or current(user=walk.user, at=walk.at):  # nobody is free for whoever holds somebody
            return lease
    return None


def _first_that_passes(
    candidates: Sequence[Candidate], refused: set[UUID], walk: Walk, *, refusals: int | None = None
) -> Lease | None:
    """Try one candidate after the other, the best first, until one passes; name in ``refused`` the pairs that do not.

    After so many ``refusals`` give up.
    """
    left: dict[UUID, UUID] = {}
    for one in candidates:
        if one.contact_id and one.pair_id not in refused:
            left.setdefault(one.contact_id, one.pair_id)
    already = len(refused)
    while left and (refusals is None or len(refused) - already < refusals):
        asked = {"pairs": list(left.values()), "at": walk.at, "user": walk.user.pk}
        tried = _try_one(_NAMED, asked, user=walk.user, at=walk.at)
        if tried.lease or not tried.contact_id:
            return tried.lease
        pair = left.pop(tried.contact_id)
        if tried.is_refused:
            refused.add(pair)
    return None


@dataclass(frozen=True, slots=True)
class Tried:
    """The lease, or the pair that was tried in vain; nothing of both: nobody is free."""

    lease: Lease | None = None
    contact_id: UUID | None = None
    pair_id: UUID | None = None
    is_refused: bool = False


@atomic_with_retries
def _try_one(best: str, asked: Mapping[str, Any], *, user: User, at: datetime) -> Tried:
    """Lock the best contact that is free, prove it, and write the lease. ``best`` gives pairs, as a ``Look`` does."""
    found = prepared.rows(_LOCK.format(best=best), asked)
    if not found:
        return Tried()
    contact_id, pair_id, project_id, *_ = found[0]
    lines = [line for _, _, _, line, *_ in sorted(found, key=_primary_first) if line]
    if not lines:
        return Tried(None, contact_id, pair_id)
    approaches = [Approach(contact_id, line, Channel.CALL.value, pair_id, project_id) for line in lines]
    ruling = deciding.prove(action=GateAction.LEASE, approaches=approaches, user_id=user.pk, at=at)
    return Tried(_write(ruling, user=user, at=at), contact_id, pair_id, is_refused=not ruling.allowed)


# Pairs by name, the best first. Whom somebody holds is passed over, not refused.
_NAMED = """
        SELECT pc.id, true AS hinted, pc.contact_id, pc.project_id, named.place
        FROM unnest(%(pairs)s::uuid[]) WITH ORDINALITY AS named (pair_id, place)
        JOIN crm_projectcontact pc ON pc.id = named.pair_id
        WHERE pc.contact_id NOT IN (SELECT held.contact_id FROM calls_lease held WHERE held.expires_at > %(at)s)"""
# The best contact whom nobody works on, then those of their lines that nobody works on, by id (DESIGN 13). Nobody is
# free for a rep who holds somebody. The pairs are sorted before the join: sorted behind it, every contact of the look
# would be looked up, and only the first is wanted.
_LOCK = """
    WITH free AS MATERIALIZED (
        SELECT c.id, best.id AS pair_id, best.project_id
        FROM (SELECT * FROM ({best}) one ORDER BY hinted, place) best JOIN crm_contact c ON c.id = best.contact_id
        WHERE NOT EXISTS (SELECT 1 FROM calls_lease held WHERE held.expires_at > %(at)s AND held.user_id = %(user)s)
        ORDER BY best.hinted, best.place LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED)
    SELECT free.id, free.pair_id, free.project_id, line.id, line.is_primary, line.verified_at, line.point_id
    FROM free LEFT JOIN LATERAL (
        SELECT e.id, cp.is_primary, cp.verified_at, cp.id AS point_id
        FROM crm_contactpoint cp JOIN crm_endpoint e ON e.id = cp.endpoint_id
        WHERE cp.contact_id = free.id AND cp.kind = 'phone'
        ORDER BY e.id FOR NO KEY UPDATE OF e SKIP LOCKED) line ON true"""


def _primary_first(line: tuple[Any, ...]) -> tuple[Any, ...]:
    """The order of ``ContactPoint.objects.primary_first``."""
    *_, is_primary, verified_at, point = line
    return not is_primary, -(verified_at or _NEVER).timestamp(), point


def take(*, pair: ProjectContact, user: User, at: datetime) -> Lease:
    """Give ``user`` this pair, if the gate lets it pass; it replaces a lease that they hold on another.

    :raises Refused: something stands against it, for example somebody else's lease.
    :raises TookAnother: the same rep took another pair at this moment, from another window.
    """
    lease, ruling = _take(pair=pair, user=user, at=at)
    if lease is None:
        raise Refused(ruling.verdict)
    return lease


@atomic_with_retries
def _take(*, pair: ProjectContact, user: User, at: datetime) -> tuple[Lease | None, Ruling]:
    points = deciding.points_of([pair.contact_id])[pair.contact_id]
    deciding.lock(contact_id=pair.contact_id, endpoint_ids=[point.endpoint_id for point in points if point.endpoint_id])
    asked_about: Sequence[ContactPoint | None] = points or [None]
    approaches = [deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=point) for point in asked_about]
    ruling = deciding.prove(action=GateAction.LEASE, approaches=approaches, user_id=user.pk, at=at)
    if not ruling.allowed:
        return None, ruling
    Lease.objects.filter(user=user).delete()
    if lease := _write(ruling, user=user, at=at):
        return lease, ruling
    raise TookAnother("You took somebody else at this moment, from another window: that one counts.")


_COLUMNS = ["id", "pair_id", "contact_id", "endpoint_id", "user_id", "taken_at", "expires_at", "decision_id"]
# The receipt and what it permits. What ran out of the person, the number or the rep holds nobody back; counting it
# makes sure that it is gone before.
_LEASE = f"""
    WITH receipt AS ({deciding.RECEIPT}), gone AS (
        DELETE FROM calls_lease
        WHERE (pair_id = %(pair)s OR contact_id = %(contact)s OR endpoint_id = %(endpoint)s OR user_id = %(user)s)
          AND expires_at <= %(at)s RETURNING 1)
    INSERT INTO calls_lease (id, pair_id, contact_id, endpoint_id, user_id, taken_at, expires_at, decision_id)
    SELECT %(lease)s, %(pair)s, %(contact)s, %(endpoint)s, %(user)s, %(at)s, %(until)s, %(id)s
    WHERE (SELECT count(*) FROM gone) >= 0
    ON CONFLICT DO NOTHING"""  # noqa: S608 - our own text


def _write(ruling: Ruling, *, user: User, at: datetime) -> Lease | None:
    """Write the lease with its receipt. None: the gate refused, or this rep took another pair in another window a
    moment ago, and that one counts; then there is no receipt either."""
    if not ruling.receipt:
        return None
    facts = {**ruling.receipt, "lease": uuid7(), "until": at + LEASE}
    if not prepared.run(_LEASE, facts):
        transaction.set_rollback(True)
        return None
    told = ["lease", "pair", "contact", "endpoint", "user", "at", "until", "id"]
    lease = Lease.from_db(connection.alias, _COLUMNS, [facts[name] for name in told])
    tell("desk", "lease_taken")
    return lease


def heartbeat(*, user: User, at: datetime) -> Lease:
    """Keep the lease alive for five more minutes.

    :raises HeldTooLong: for half an hour nobody was called; the pair is given back.
    :raises NoLease: it has run out; somebody else may hold the pair by now.
    """
    mine = Lease.objects.live(at).filter(user=user)
    attended = Q(taken_at__gt=at - PREPARING) | Exists(_call_at_hand(at))
    if mine.filter(attended).update(expires_at=at + LEASE):
        return Lease.objects.get(user=user)
    left = mine.exclude(attended)
    if (pair_id := left.values_list("pair_id", flat=True).first()) and left.delete()[0]:
        tell("desk", "lease_released")
        raise HeldTooLong(pair_id)
    raise NoLease("The lease has run out: take the next pair.")


def _call_at_hand(at: datetime) -> Any:
    """The rep's call of the pair that runs or waits for its outcome; after two hours it waits elsewhere."""
    since = CallStatus.objects.unfinished().filter(initiated_at__gt=at - UNFINISHED_AFTER)
    return since.filter(rep=OuterRef("user"), session__pair=OuterRef("pair"), initiated_at__gte=OuterRef("taken_at"))


def release(*, user: User, at: datetime, contact_id: UUID | None = None) -> None:
    """Give back whatever ``user`` holds, or only this person; releasing nothing is fine."""
    asked = {"user": user.pk, "contact": contact_id}
    if prepared.run(_RELEASE if connection.in_atomic_block else _RELEASE + _AND_GO_ON, asked):
        tell("desk", "lease_released")


_RELEASE = """
    DELETE FROM calls_lease
    WHERE user_id = %(user)s AND (%(contact)s::uuid IS NULL OR contact_id = %(contact)s::uuid)"""
# Nobody waits for the disk, where nothing else is written: should the server die at this moment, the lease runs out.
_AND_GO_ON = " AND set_config('synchronous_commit', 'off', true) = 'off'"


@transaction.atomic
def sweep(*, at: datetime) -> int:
    """Delete leases that ran out; they hold nobody back, and screens hear that the queue moved."""
    swept, _ = Lease.objects.filter(expires_at__lte=at).delete()
    if swept:
        tell("desk", "lease_released")
    return swept
