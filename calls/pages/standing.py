"""Where a rep stands at the desk: one projection of what the server knows, so that a reload shows the same again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from calls.choices import OVER, CallSource, Direction, Status
from calls.models import CallEvent, CallSession, CallStatus, Lease
from calls.querysets import UNFINISHED_AFTER
from calls.services import leasing, outcomes, queue
from calls.services.emptiness import Empty, emptiness
from calls.services.queue import Explanation, Offer, Wanted
from config.kernel import kept
from crm.models import Contact, Endpoint, ProjectContact, User

STRIP = 5
FINISHED_AT_ONCE = 20  # calls without outcome that are shown
SOON = timedelta(minutes=5)

TALKING = {Status.INITIATED: "dialing", Status.RINGING: "ringing", Status.ANSWERED: "connected"}


@dataclass(frozen=True, slots=True)
class Saved:
    """An outcome that its rep may still take back, until ``until``."""

    event: CallEvent
    session: CallSession
    until: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What the desk shows.

    ``phase`` is one of idle, empty, previewing, blocked, dialing, ringing, connected, wrapup, finishing (an older call
    that waits for its outcome) and saved; ``since`` is when it began, for the clock on the page.
    """

    at: datetime
    user: User
    phase: str
    since: datetime | None
    lease: Lease | None
    call: CallSession | None
    explained: Explanation | None
    saved: Saved | None
    offers: list[Offer]
    further: bool  # whether there are more than are shown
    empty: Empty | None
    wanted: Wanted
    given_back: ProjectContact | None
    waiting: list[CallStatus]  # calls that were begun two hours ago or earlier, the oldest first

    @property
    def pair(self) -> ProjectContact | None:
        return self.call.pair if self.call else self.lease.pair if self.lease else None

    @property
    def contact(self) -> Contact | None:
        return self.call.contact if self.call else self.lease.pair.contact if self.lease else None

    @property
    def line(self) -> Endpoint | None:
        """The number that is called or offered."""
        return self.call.endpoint if self.call else self.lease.endpoint if self.lease else None

    @property
    def goes_back_at(self) -> datetime | None:
        """When whom the rep only prepares for goes back to the queue; None while that is more than five minutes off."""
        end = self.lease.taken_at + leasing.PREPARING if self.lease and not self.call else None
        return end if end and end - self.at <= SOON else None


def stand(
    *,
    user: User,
    at: datetime,
    wanted: Wanted,
    finishing: UUID | None = None,
    saved_id: UUID | None = None,
    given_back_id: UUID | None = None,
) -> Standing:
    """Return where ``user`` stands.

    ``finishing`` is an older call that they chose, ``saved_id`` their last one, ``given_back_id`` the pair that went
    back to the queue because they were away.
    """
    unfinished = _unfinished(user=user, at=at)
    call = _chosen(user, finishing) or _at_hand(unfinished, at)
    lease = leasing.current(user=user, at=at)
    # Somebody else may have become the owner since the lease was taken.
    if lease and call is None and not ProjectContact.objects.shows(lease.pair, user):
        leasing.release(user=user, at=at)
        lease = None
    held = lease.pair if lease and call is None else None
    offers, explained = queue.survey(user=user, at=at, wanted=wanted, limit=STRIP + 1, held=held)
    if lease:
        offers = [offer for offer in offers if offer.pair.contact_id != lease.contact_id]
    saved = _saved(user, saved_id, at)
    phase, since = _phase(call, lease, explained, saved, offers, at)
    return Standing(
        at=at,
        user=user,
        phase=phase,
        since=since,
        lease=lease,
        call=call,
        explained=explained,
        saved=saved,
        offers=offers[:STRIP],
        further=len(offers) > STRIP,
        empty=None if offers or call or lease else emptiness(user=user, at=at, wanted=wanted),
        wanted=wanted,
        waiting=[status for status in unfinished if status.initiated_at <= at - UNFINISHED_AFTER],
        given_back=None if lease or call else _given_back(user, given_back_id),
    )


def _given_back(user: User, pair_id: UUID | None) -> ProjectContact | None:
    if pair_id is None:
        return None
    return ProjectContact.objects.visible_to(user).filter(pk=pair_id).select_related("contact").first()


def _phase(
    call: CallSession | None,
    lease: Lease | None,
    explained: Explanation | None,
    saved: Saved | None,
    offers: list[Offer],
    at: datetime,
) -> tuple[str, datetime | None]:
    if call:
        return _of_call(call, at)
    if lease:
        return ("previewing" if explained and explained.callable else "blocked"), lease.taken_at
    if saved:
        return "saved", saved.event.at
    return ("idle" if offers else "empty"), None


def _of_call(call: CallSession, at: datetime) -> tuple[str, datetime | None]:
    now = call.now
    if call.initiated_at <= at - UNFINISHED_AFTER:
        return "finishing", None
    if now.status in OVER:
        return "wrapup", now.ended_at
    return TALKING[Status(now.status)], now.answered_at or call.initiated_at


def open_call(*, user: User, at: datetime) -> CallSession | None:
    """Return the rep's newest call from the desk in the last two hours without an outcome, if it began at all."""
    return _at_hand(_unfinished(user=user, at=at), at)


def _at_hand(unfinished: list[CallStatus], at: datetime) -> CallSession | None:
    newest = unfinished[0] if unfinished else None
    return newest.session if newest and newest.initiated_at > at - UNFINISHED_AFTER else None


@kept.question
def _unfinished(user: User, at: datetime) -> QuerySet[CallStatus]:
    mine = CallStatus.objects.select_related(*(f"session__{path}" for path in _SHOWN)).filter(rep=user)
    return mine.in_turn(at, FINISHED_AT_ONCE)


_SHOWN = ("contact__company", "contact__owner", "pair__project", "pair__contact", "endpoint", "point")  # of a call


def _chosen(user: User, session_id: UUID | None) -> CallSession | None:
    """Return the call that the rep chose: one of their own from here that has no outcome."""
    if session_id is None:
        return None
    here = Q(direction=Direction.OUTBOUND, source__in=[CallSource.DESK, CallSource.SIMULATED])
    calls = CallSession.objects.filter(here, rep=user, now__disposition=None).select_related("now", *_SHOWN)
    return calls.filter(pk=session_id).first()


def _saved(user: User, session_id: UUID | None, at: datetime) -> Saved | None:
    event = next(iter(_last_outcome(session=session_id, user=user)), None) if session_id else None
    if event is None or event.by_id != user.pk or at - event.at >= outcomes.UNDO:
        return None
    return Saved(event, event.session, event.at + outcomes.UNDO)


@kept.question
def _last_outcome(session: UUID, user: User) -> QuerySet[CallEvent]:
    told = CallEvent.objects.filter(session=session, session__rep=user).standing().newest_first()
    return told.select_related("disposition", "session__contact")[:1]
