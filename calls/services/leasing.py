"""Taking the next pair, alone: a lease is proved under the locks of its person and number (DESIGN 12-14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from calls.models import Lease
from calls.services import deciding, queue
from calls.services.deciding import Refused, Ruling
from calls.services.sieve import Candidate, Wanted
from config.kernel.errors import Conflict
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from crm.choices import GateAction
from crm.models import ContactPoint, ProjectContact, User

LEASE = timedelta(minutes=5)
TRIES, AT_ONCE = 8, 24


class NothingCallable(Conflict):
    """No pair that this user may see and that fits what they want passes the gate now."""

    code = "nothing_callable"


class NoLease(Conflict):
    """The user holds no lease, or it has run out."""

    code = "no_lease"


def current(*, user: User, at: datetime) -> Lease | None:
    """Return the lease that ``user`` holds, if it is still live."""
    held = Lease.objects.select_related("pair__contact__company", "pair__project", "endpoint")
    return held.live(at).filter(user=user).first()


def take_next(*, user: User, at: datetime, wanted: Wanted | None = None) -> Lease:
    """Give ``user`` the best pair that nobody else holds; a lease they already hold is returned as it is.

    Candidates are picked without locks; one whose person or number somebody else works on is skipped, one that no
    longer passes is refused with a receipt, and the next is tried.

    :raises NothingCallable: nothing is left that passes.
    """
    if held := current(user=user, at=at):
        return held
    found = queue.candidates(user=user, at=at, wanted=wanted or Wanted())
    for _ in range(TRIES):
        batch = list(islice(found, AT_ONCE))
        if not batch:
            break
        if lease := _first_that_passes(batch, user=user, at=at):
            return lease
    raise NothingCallable("Nobody can be called right now. The call desk says why, and when that changes.")


def _first_that_passes(candidates: Sequence[Candidate], *, user: User, at: datetime) -> Lease | None:
    left = {one.contact_id: one.pair_id for one in candidates}
    while left:
        lease, tried = _try_one(left, user=user, at=at)
        if lease:
            return lease
        if tried is None:
            return None
        left.pop(tried)
    return None


@atomic_with_retries
def _try_one(left: dict[UUID, UUID], *, user: User, at: datetime) -> tuple[Lease | None, UUID | None]:
    """Lock the best contact that is free, prove it, and write the lease; return it, or who was tried in vain."""
    contact_id = _lock_first_free(list(left))
    if contact_id is None:
        return None, None
    pair = ProjectContact.objects.get(pk=left[contact_id])
    points = deciding.points_of([contact_id])[contact_id]
    ours = deciding.lock_lines([point.endpoint_id for point in points if point.endpoint_id], skip_locked=True)
    free = [point for point in points if point.endpoint_id in ours]
    if not free:
        return None, contact_id
    ruling = _decide(pair, free, user=user, at=at)
    if ruling.point is None:
        return None, contact_id
    return _write(pair, ruling, user=user, at=at), contact_id


def _lock_first_free(contacts: list[UUID]) -> UUID | None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.id FROM unnest(%s::uuid[]) WITH ORDINALITY AS best (id, rank) JOIN crm_contact c USING (id)
               ORDER BY best.rank LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED""",
            [contacts],
        )
        row = cursor.fetchone()
        return row[0] if row else None


def take(*, pair: ProjectContact, user: User, at: datetime) -> Lease:
    """Give ``user`` this pair, if the gate lets it pass; it replaces a lease that they hold on another.

    :raises Refused: something stands against it, for example somebody else's lease.
    """
    lease, ruling = _take(pair=pair, user=user, at=at)
    if lease is None:
        raise Refused(ruling.verdict)
    return lease


@atomic_with_retries
def _take(*, pair: ProjectContact, user: User, at: datetime) -> tuple[Lease | None, Ruling]:
    points = deciding.points_of([pair.contact_id])[pair.contact_id]
    deciding.lock(contact_id=pair.contact_id, endpoint_ids=[point.endpoint_id for point in points if point.endpoint_id])
    ruling = _decide(pair, points, user=user, at=at)
    return (_write(pair, ruling, user=user, at=at) if ruling.point else None), ruling


def _decide(pair: ProjectContact, points: Sequence[ContactPoint], *, user: User, at: datetime) -> Ruling:
    return deciding.decide(
        action=GateAction.LEASE, pair=pair, contact_id=pair.contact_id, points=points, user_id=user.pk, at=at
    )


def _write(pair: ProjectContact, ruling: Ruling, *, user: User, at: datetime) -> Lease | None:
    point, decision_id = ruling.or_refuse()
    line: Any = point.endpoint_id  # a point that passed has one
    subject = Q(pair=pair) | Q(contact=pair.contact_id) | Q(endpoint=point.endpoint_id)
    Lease.objects.filter(subject, expires_at__lte=at).delete()
    Lease.objects.filter(user=user).delete()
    try:
        with transaction.atomic():
            lease = Lease.objects.create(
                pair=pair,
                contact_id=pair.contact_id,
                endpoint_id=line,
                user=user,
                taken_at=at,
                expires_at=at + LEASE,
                decision_id=decision_id,
            )
    except IntegrityError:  # this rep took another pair in another window a moment ago: that one counts
        return None
    tell("desk", "lease_taken", pair=str(pair.pk))
    return lease


@transaction.atomic
def heartbeat(*, user: User, at: datetime) -> Lease:
    """Keep the lease alive for five more minutes.

    :raises NoLease: it has run out; somebody else may hold the pair by now.
    """
    if not Lease.objects.live(at).filter(user=user).update(expires_at=at + LEASE):
        raise NoLease("The lease has run out: take the next pair.")
    return Lease.objects.get(user=user)


@transaction.atomic
def release(*, user: User, at: datetime) -> None:
    """Give back whatever ``user`` holds; releasing nothing is fine."""
    if Lease.objects.filter(user=user).delete()[0]:
        tell("desk", "lease_released")


@transaction.atomic
def sweep(*, at: datetime) -> int:
    """Delete leases that ran out; they hold nobody back, and screens hear that the queue moved."""
    swept, _ = Lease.objects.filter(expires_at__lte=at).delete()
    if swept:
        tell("desk", "lease_released")
    return swept
