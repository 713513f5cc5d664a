"""Where a rep stands at the desk: one projection of what the server knows, so that a reload shows the same again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from calls.choices import OVER, CallSource, Direction, Status
from calls.models import CallEvent, CallSession, CallStatus, Lease
from calls.querysets import UNFINISHED_AFTER
from calls.services import leasing, outcomes, queue
from calls.services.emptiness import Empty, emptiness
from calls.services.queue import Explanation, Offer, Wanted
from crm.models import Contact, Endpoint, ProjectContact, User

STRIP = 5
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
    call = _chosen(user, finishing) or open_call(user=user, at=at)
    lease = leasing.current(user=user, at=at)
    if lease and call is None and not _sees(user, lease):
        leasing.release(user=user, at=at)
        lease = None
    explained = queue.explain(pair=lease.pair, user=user, at=at) if lease and call is None else None
    saved = _saved(user, saved_id, at)
    offers = _strip(user, at, wanted, lease)
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
        given_back=None if lease or call else _given_back(user, given_back_id),
    )


def _given_back(user: User, pair_id: UUID | None) -> ProjectContact | None:
    if pair_id is None:
        return None
    return ProjectContact.objects.visible_to(user).filter(pk=pair_id).select_related("contact").first()


def _sees(user: User, lease: Lease) -> bool:
    """Somebody else may have become the owner since the lease was taken."""
    return ProjectContact.objects.visible_to(user).filter(pk=lease.pair_id).exists()


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


def my_calls(user: User) -> Any:
    """The rep's own outbound calls, with all that the page shows of one."""
    calls = CallSession.objects.filter(
        rep=user, direction=Direction.OUTBOUND, source__in=[CallSource.DESK, CallSource.SIMULATED]
    )
    return calls.select_related(
        "now__disposition", "contact__company", "pair__project", "pair__contact", "endpoint", "point"
    )


def open_call(*, user: User, at: datetime) -> CallSession | None:
    """Return the rep's newest call from the desk in the last two hours without an outcome, if it began at all."""
    mine = CallStatus.objects.filter(rep=user).at_hand(at)
    newest = mine.order_by("-initiated_at").values_list("session_id", flat=True).first()
    found: CallSession | None = my_calls(user).filter(pk=newest).first() if newest else None
    return found


def waiting_calls(*, user: User, at: datetime) -> list[CallStatus]:
    """Return calls that were begun two hours ago or earlier and still have no outcome, the oldest first."""
    waiting = CallStatus.objects.filter(rep=user).to_finish(at)
    return list(waiting.select_related("session__contact", "session__project")[:20])


def _chosen(user: User, session_id: UUID | None) -> CallSession | None:
    if session_id is None:
        return None
    chosen: CallSession | None = my_calls(user).filter(pk=session_id, now__disposition=None).first()
    return chosen


def _saved(user: User, session_id: UUID | None, at: datetime) -> Saved | None:
    if session_id is None:
        return None
    session = CallSession.objects.filter(pk=session_id, rep=user).select_related("contact", "project", "pair").first()
    event = outcomes.outcome_of(session) if session else None
    if session is None or event is None or event.by_id != user.pk or at - event.at >= outcomes.UNDO:
        return None
    return Saved(event, session, event.at + outcomes.UNDO)


def _strip(user: User, at: datetime, wanted: Wanted, lease: Lease | None) -> list[Offer]:
    """Return who comes next, one more than is shown where there are more."""
    offers = queue.next_callable(user=user, at=at, wanted=wanted, limit=STRIP + 1)
    return [offer for offer in offers if lease is None or offer.pair.contact_id != lease.contact_id]


def seconds(span: timedelta) -> int:
    return int(span.total_seconds())
