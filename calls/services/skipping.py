"""Passing over somebody without calling them: the rep says why, once, and that is acted upon."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import TextChoices

from calls.choices import Scope, TerminalKind
from calls.models import Lease
from calls.services import deciding, leasing, terminal
from calls.services.deciding import Refused
from calls.services.leasing import NoLease
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import ContactPoint, User
from crm.services import points, reviewing

TODAY = timedelta(hours=2)
REST = timedelta(days=30)  # of a line that does not work; then it is tried again (peers: Orum)


class Why(TextChoices):
    LATER = "later", "Later today"
    TOMORROW = "tomorrow", "Tomorrow"
    WRONG_PERSON = "wrong_person", "Wrong person"
    BAD_NUMBER = "bad_number", "Bad number"
    DUPLICATE = "duplicate", "Duplicate"


class UnknownReason(DomainError):
    """Somebody is passed over for a reason of ``Why`` only."""

    code = "unknown_skip_reason"


class MovedOn(Conflict):
    """The page showed somebody whom the rep holds no more."""

    code = "moved_on"


@atomic_with_retries
def skip(*, user: User, why: str, at: datetime, shown: str | None = None) -> Lease | None:
    """Pass over whom ``user`` holds; return the lease on the person's next number, or None: they were given back.

    *later* rests the pair for two hours and *tomorrow* until the rep's midnight; *wrong person* and *bad number*
    concern only the number, so that the next one of the same person is offered; a *duplicate* is closed in this
    project until somebody lifts it, and listed for review beside whoever is likely the same person.

    ``shown`` is the pair that the user sees on their page.

    :raises UnknownReason: ``why`` is none of ``Why``.
    :raises NoLease: the user holds nobody.
    :raises MovedOn: they hold another one than is shown.
    """
    if why not in Why.values:
        raise UnknownReason("Why is this person passed over?", details={"why": f"One of {', '.join(Why.values)}."})
    lease = leasing.current(user=user, at=at)
    if lease is None:
        raise NoLease("You do not hold this person any more: take the next pair.")
    if shown is not None and str(lease.pair_id) != shown:
        raise MovedOn(f"You hold {lease.pair.contact} now, from another window: nobody was skipped.")
    if why in {Why.WRONG_PERSON, Why.BAD_NUMBER}:
        return _next_number(lease, _drop_number(lease, Why(why), at), user=user, at=at)
    _close(lease, Why(why), user=user, at=at)
    if why == Why.DUPLICATE:
        reviewing.suspect(contact=lease.contact, project=lease.pair.project, source="call desk")
    leasing.release(user=user, at=at)
    return None


def _close(lease: Lease, why: Why, *, user: User, at: datetime) -> None:
    until = {Why.LATER: at + TODAY, Why.TOMORROW: _tomorrow(user, at)}.get(why)
    kind = TerminalKind.RETRY if until else TerminalKind.TERMINAL
    terminal.close(
        scope=Scope.PAIR, subject=lease.pair, reason=f"Skipped: {why.label.lower()}", at=at, by=user, until=until,
        kind=kind,
    )  # fmt: skip


def _tomorrow(user: User, at: datetime) -> datetime:
    """The next midnight of the rep; from then on the calling hours where the person is decide."""
    local = at.astimezone(ZoneInfo(user.time_zone)) + timedelta(days=1)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _drop_number(lease: Lease, why: Why, at: datetime) -> ContactPoint | None:
    point = ContactPoint.objects.filter(contact=lease.contact_id, endpoint=lease.endpoint_id).first()
    if why == Why.BAD_NUMBER:
        points.mark_failed(endpoint=lease.endpoint, until=at + REST, at=at)
    elif point:
        points.mark_wrong_person(point=point, at=at)
    return point


def _next_number(lease: Lease, dropped: ContactPoint | None, *, user: User, at: datetime) -> Lease | None:
    others = deciding.points_of([lease.contact_id])[lease.contact_id]
    if any(point.pk != (dropped and dropped.pk) for point in others):
        try:
            return leasing.take(pair=lease.pair, user=user, at=at)
        except Refused:
            pass  # no other number may be called now: the person goes back
    leasing.release(user=user, at=at)
    return None
