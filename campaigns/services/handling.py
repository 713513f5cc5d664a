"""What people do to enrollments by hand: a status, a pause, a way out, another try."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from campaigns.choices import (
    DELIVERIES,
    ENDED,
    LIVE,
    NEVER_SENT,
    EnrollmentEventKind,
    EnrollmentState,
    MessageState,
)
from campaigns.models import Campaign, Enrollment, EnrollmentStatus
from campaigns.rules import reasons
from campaigns.rules.drawings import DrawnNode
from campaigns.rules.steps import Steps
from campaigns.services import letting_go, places
from campaigns.services.engine import batches
from config.kernel.errors import DomainError
from config.kernel.transactions import atomic_with_retries
from crm.models import User
from crm.services.normalization.text import one_line, shows_nothing

_S, _K = EnrollmentState, EnrollmentEventKind
_OPEN: Final = frozenset({*DELIVERIES["waiting"], MessageState.UNCERTAIN})
_UNSENT: Final = frozenset({*NEVER_SENT, MessageState.REJECTED})
MOST: Final = 10_000


class NoReason(DomainError):
    """Somebody who leaves by hand leaves for a reason."""

    code = "no_reason"


class TooMany(DomainError):
    """Too many at once."""

    code = "too_many"


def set_status(enrollments: Iterable[UUID], *, status: EnrollmentStatus, by: User | None, at: datetime) -> int:
    """Say of these that they have this status; whoever has reached the goal leaves. Return of how many it was news:
    also of whoever has had it before it became the goal."""

    def told(steps: Steps) -> None:
        if steps.move.status != status.name:
            steps.move.status, steps.has_moved = status.name, True
            steps.note(_K.STATUS, steps.move.node, status=status.name)
        if steps.route.goal == status.name and steps.move.state in LIVE:
            steps.exit("goal")

    return _done(enrollments, told, by, at)


def leave(enrollments: Iterable[UUID], *, reason: str, by: User | None, at: datetime) -> int:
    """Take these out of their campaign, for a reason in somebody's own words; return how many were in it.

    :raises NoReason: say why.
    """
    words = one_line(reason)
    if shows_nothing(words):
        raise NoReason("Say why they leave: others will ask.", details={"reason": "This is needed."})
    return _done(enrollments, lambda steps: steps.exit(reasons.written(words)), by, at, only=LIVE)


def let_leave(enrollments: Iterable[UUID], *, code: str, at: datetime) -> int:
    """Take these out of their campaign, for a reason of ours; return how many were in it."""
    return _done(enrollments, lambda steps: steps.exit(code), None, at, only=LIVE)


def pause(enrollments: Iterable[UUID], *, by: User | None, at: datetime) -> int:
    """Let these stand still, with what is left of their wait; return how many were not paused before.

    Whoever is parked stays so, and whatever happens to them leads them no further.
    """
    return _done(enrollments, _pause, by, at, only=LIVE, let_go=True)


def resume(enrollments: Iterable[UUID], *, by: User | None, at: datetime) -> int:
    """Let these go on: what was left of their wait begins now, or with the campaign. Return how many were paused.

    Whoever is parked stays so, and goes on when they are tried again or answer.
    """
    return _done(enrollments, _resume, by, at, only=LIVE, let_go=True)


def retry(enrollments: Iterable[UUID], *, by: User | None, at: datetime) -> int:
    """Try again what could not be done for these; return how many waited for that.

    They are still at the same visit: of that its message goes out once. One that may still go out is waited for, and
    behind one that did, or may have, they go on. What was written before a pause of the campaign is written anew. What
    had happened to them when they could not be moved on they hear first. Whoever has never begun begins, once there is
    a place of their company. Whoever is paused by hand stays so, and goes on once somebody resumes them.
    """
    return _done(enrollments, _try, by, at, only=[_S.PARKED], let_go=True)


def _pause(steps: Steps) -> None:
    if not steps.is_paused:
        steps.pause()


def _resume(steps: Steps) -> None:
    if steps.is_paused:
        steps.resume()


def _try(steps: Steps) -> None:
    steps.hear_again()
    if node := steps.here:
        _try_at(steps, node)
    else:
        steps.to(_S.PENDING)
        steps.note(_K.RESUMED, None)
    steps.stay_paused()


def _try_at(steps: Steps, node: DrawnNode) -> None:
    sent, written = steps.standing.sent, steps.standing.written
    steps.to(_S.ACTIVE, led_by=steps.led_by)
    steps.move.wake_at = steps.at
    steps.note(_K.RESUMED, node.key, visit=steps.move.visit, wake_at=steps.at.isoformat())
    if sent in _UNSENT:
        steps.move.wake_rule = {"tries": written}
    elif sent in _OPEN:
        steps.hold(node, _S.WAITING_SEND)
        steps.move.wake_rule = {"tries": written - 1}
    elif sent:
        steps.leave_send(node, sent)
        _rest(steps)


def _rest(steps: Steps) -> None:
    """Let the engine take them on from where they have come to, if the way has not ended there."""
    if steps.move.state == _S.ACTIVE:
        steps.rest()


def _done(
    enrollments: Iterable[UUID],
    act: Callable[[Steps], None],
    by: User | None,
    at: datetime,
    *,
    only: Iterable[str] = (*LIVE, *ENDED),
    let_go: bool = False,
) -> int:
    """Do something to each of these that is in one of the states ``only``, campaign by campaign, in one transaction.

    ``let_go``: whoever has slept through a pause of the campaign is let go before, so that their wait is as it is, and
    whoever waits for a place of their company afterwards gets one that is free.

    :raises TooMany: they are more than 10,000.
    """
    asked = list(enrollments)
    if len(asked) > MOST:
        raise TooMany(f"At most {MOST:,} at once.")
    return _act(asked, act, by, at, frozenset(only), let_go)


@atomic_with_retries
def _act(
    asked: list[UUID], act: Callable[[Steps], None], by: User | None, at: datetime, only: frozenset[str], let_go: bool
) -> int:
    of = Enrollment.objects.filter(pk__in=asked).values("campaign")
    campaigns = Campaign.objects.filter(pk__in=of).order_by("pk").values_list("pk", flat=True)
    who = by.pk if by else None
    if let_go:
        for campaign in campaigns:
            letting_go.let_these_go(campaign=campaign, enrollments=asked, at=at)
    done = sum(batches.by_hand(campaign, asked, act, by=who, at=at, only=only) for campaign in campaigns)
    if let_go:
        _let_begin(asked, at)
    return done


def _let_begin(enrollments: list[UUID], at: datetime) -> None:
    """Let those begin for whom there is a place in their company: whoever of these is to begin takes none yet."""
    is_held = Q(state=_S.PENDING, wake_at=None) | Q(state=_S.PAUSED, paused_from=_S.PENDING, left=None)
    waiting = Enrollment.objects.filter(is_held, pk__in=enrollments).values("campaign")
    for campaign in Campaign.objects.select_for_update(no_key=True).filter(pk__in=waiting).order_by("pk"):
        places.let_begin(campaign, at=at)
