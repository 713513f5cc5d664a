"""How a call ended, and what that causes. A correction compensates: it undoes exactly what its cause made."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from calls.choices import EventKind, Scope
from calls.models import CallEvent, CallNews, CallSession, Disposition
from calls.services import dialing, drafts, effects, news, promises, status, telling
from calls.services.undoing import instant, text
from config.kernel import kept
from config.kernel.errors import Conflict, DomainError
from config.kernel.ids import uuid7
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from config.kernel.writing import Part, birth, together
from crm.models import User
from crm.services.fields import FARTHEST

DESK_ENDED = "desk.completed"  # the end of a call as a rep tells it, once
UNDO = timedelta(seconds=10)  # until then the rep may take it back, from then on others are told


class AlreadyConcluded(Conflict):
    """The call has an outcome: correct it instead. ``details`` name what differs."""

    code = "already_concluded"


class NoOutcome(Conflict):
    """The call has no outcome that could be corrected."""

    code = "no_outcome"


class TooLate(Conflict):
    """Ten seconds are over: now only an admin corrects it, with a reason."""

    code = "too_late"


class NotYours(Conflict):
    """Another rep speaks or spoke in this call."""

    code = "not_yours"


def require_own(*, session: CallSession, by: User) -> None:
    """Only the rep of a call says what happened in it, or who may correct any call; a call without rep is anybody's.

    :raises NotYours: ``by`` is neither.
    """
    if session.rep_id not in {None, by.pk} and not by.has_perm("calls.correct_any_call"):
        raise NotYours("This is another rep's call: they, or an admin, say what happened in it. You may add a note.")


@atomic_with_retries
def conclude(
    *,
    session: CallSession,
    disposition: Disposition,
    by: User | None,
    at: datetime,
    note: str = "",
    callback_at: datetime | None = None,
    since: datetime | None = None,
    over: bool = False,
) -> CallEvent:
    """Give a call its outcome, and let the outcome take effect in the same transaction.

    ``over`` says that the call ended with it, which nobody has told yet.

    The same outcome again, by the same person with the same note and callback time, returns the stored event. With
    ``since``, the end of a call that was recorded, effects run from then, and nothing is refused, because it is a fact.
    The time to take it back runs from ``at`` all the same.

    :raises AlreadyConcluded: there is another outcome.
    :raises DomainError: the disposition is not in use any more, or asks for a callback time and there is none within
        the next 60 days, or closes a pair or a project and the call is of none.
    """
    dialing.hold(session)
    if standing := outcome_of(session):
        _require_same(standing, disposition, by=by, note=note, callback_at=callback_at)
        return standing
    if since is None:
        _require_usable(session, disposition, callback_at, at)
    effects.hold(session, disposition)
    return _write(
        session, disposition, EventKind.OUTCOME, by=by, at=at, note=note, callback_at=callback_at, since=since,
        ended=[_end(session, by=by, at=at)] if over else [],
    )  # fmt: skip


@atomic_with_retries
def correct(
    *,
    session: CallSession,
    disposition: Disposition,
    by: User,
    at: datetime,
    reason: str = "",
    note: str = "",
    callback_at: datetime | None = None,
) -> CallEvent:
    """Replace the outcome: what the old one made is lifted, the new one takes effect.

    The rep who gave it may do so for ten seconds; later an admin may, with a reason. What ran from the end of a
    recorded call does so again.

    :raises NoOutcome: there is nothing to correct.
    :raises TooLate: ``by`` may not, or not any more.
    :raises DomainError: an admin gave no reason, or the disposition cannot be used.
    """
    _require_usable(session, disposition, callback_at, at)
    dialing.hold(session)
    old = _require_correctable(session, by=by, at=at, reason=reason)
    effects.hold(session, disposition, old)
    return _write(
        session, disposition, EventKind.CORRECTION,
        by=by, at=at, note=note, callback_at=callback_at, corrects=old, reason=reason,
        since=instant(old.facts.get("since")),
    )  # fmt: skip


@atomic_with_retries
def take_back(*, session: CallSession, by: User, at: datetime, reason: str = "") -> CallEvent:
    """Undo the outcome: the call has none again, and nothing of it remains but its history.

    Where others were told of an outcome of this call, they are told ten seconds later that it has none.

    :raises NoOutcome: there is nothing to take back.
    :raises TooLate: ``by`` may not, or not any more.
    """
    dialing.hold(session)
    old = _require_correctable(session, by=by, at=at, reason=reason)
    effects.hold(session, None, old)
    event = CallEvent(
        session=session, kind=EventKind.CORRECTION, at=at, by=by, corrects=old, facts=_said(reason=reason)
    )
    together(birth(event), news.withdrawn(session))
    seen = promises.of(session.pair_id)
    promised = effects.compensate(old, seen=seen, cause_id=event.pk, at=at)
    promises.put(session.pair_id, promised, seen=seen, at=at)
    if news.others_believe(session):
        CallNews.objects.create(event=event, due_at=at + UNDO)
    _show(session)
    return event


@atomic_with_retries
def add_note(*, session: CallSession, text: str, by: User | None, at: datetime) -> CallEvent:
    """Add a note to a call, at any time.

    :raises DomainError: it is empty.
    """
    if not text.strip():
        raise DomainError("The note is empty.", details={"text": "Write something."})
    event = CallEvent.objects.create(session=session, kind=EventKind.NOTE, at=at, by=by, facts={"note": text.strip()})
    _show(session)
    return event


def outcome_of(session: CallSession) -> CallEvent | None:
    """Return the outcome that stands: the newest that no correction replaced."""
    found = next(iter(_outcomes(session=session.pk)), None)
    if found:
        found.session = session
    return found


@kept.question
def _outcomes(session: UUID) -> QuerySet[CallEvent]:
    return CallEvent.objects.filter(session=session).standing().select_related("disposition", "by").newest_first()[:1]


def _require_usable(session: CallSession, disposition: Disposition, callback_at: datetime | None, at: datetime) -> None:
    if not disposition.is_active:
        raise DomainError(f"{disposition} is not in use any more.", details={"disposition": "Choose an active one."})
    of_pair = disposition.asks_callback or disposition.terminal_scope == Scope.PAIR
    of_project = disposition.terminal_scope == Scope.PROJECT
    if (of_pair and session.pair_id is None) or (of_project and session.project_id is None):
        raise DomainError(
            f"{disposition} is about a project, and this call is of none that the person is in.",
            details={"disposition": "Choose one that closes the person or the number, or nothing."},
        )
    if not disposition.asks_callback:
        return
    if callback_at is None or callback_at <= at:
        raise DomainError("When shall they be called back?", details={"callback_at": "A time ahead is required."})
    if callback_at > at + FARTHEST:
        raise DomainError(
            "That is too far ahead to be promised.", details={"callback_at": "Choose a time within the next 60 days."}
        )


def _require_same(
    standing: CallEvent, disposition: Disposition, *, by: User | None, note: str, callback_at: datetime | None
) -> None:
    """Let the same outcome be told again, and no other one."""
    told, stored = _told(disposition, note, callback_at), standing.facts
    differing = {name: f"Stored: {stored.get(name)!r}." for name in told if stored.get(name, "") != told[name]}
    if standing.disposition_id != disposition.pk:
        differing["disposition"] = f"Stored: {standing.disposition}."
    if standing.by_id != (by.pk if by else None):
        differing["by"] = "Somebody else gave the outcome."
    if differing:
        words = ", ".join(name.replace("_", " ") for name in differing)
        raise AlreadyConcluded(
            f"This call already ended with {standing.disposition}, with another {words}: correct that outcome.",
            details=differing,
        )


def _told(disposition: Disposition, note: str, callback_at: datetime | None) -> dict[str, str]:
    """Return what somebody says besides the disposition, as an event keeps it."""
    promised = text(callback_at) if disposition.asks_callback else None
    return {"note": note.strip(), "callback_at": promised or ""}


def _require_correctable(session: CallSession, *, by: User, at: datetime, reason: str) -> CallEvent:
    old = outcome_of(session)
    if old is None:
        raise NoOutcome("This call has no outcome.")
    if old.by_id == by.pk and at - old.at < UNDO:
        return old
    if not by.has_perm("calls.correct_any_call"):
        raise TooLate("An outcome can be taken back for ten seconds by whoever gave it; ask an admin to correct it.")
    if not reason.strip():
        raise DomainError("Say why the outcome is corrected.", details={"reason": "A reason is required."})
    return old


def _write(
    session: CallSession,
    disposition: Disposition,
    kind: EventKind,
    *,
    by: User | None,
    at: datetime,
    note: str,
    callback_at: datetime | None,
    corrects: CallEvent | None = None,
    reason: str = "",
    since: datetime | None = None,
    ended: Sequence[Part] = (),
) -> CallEvent:
    key, began = uuid7(), since or at
    seen = promises.of(session.pair_id)
    promised = effects.compensate(corrects, seen=seen, cause_id=key, at=at) if corrects else seen
    made = effects.foresee(session, disposition, promised=promised, callback_at=callback_at, at=began)
    event = CallEvent(
        id=key,
        session=session,
        kind=kind,
        at=at,
        by=by,
        disposition=disposition,
        corrects=corrects,
        facts={**_said(reason=reason, since=text(since) or "", **_told(disposition, note, callback_at)), "made": made},
    )
    told, forgotten = CallNews(event=event, due_at=at + UNDO), drafts.forgotten(user=by, pair_id=session.pair_id)
    together(*ended, birth(event), birth(told), news.withdrawn(session), forgotten)
    effects.apply(event, session, disposition, promised=promised, seen=seen, since=began, at=at)
    happened = _show(session)
    if ended and any(one.kind == EventKind.FAILED for one in happened):
        dialing.proved(session)
    return event


def _end(session: CallSession, *, by: User | None, at: datetime) -> Part:
    telling.require_news(session, EventKind.COMPLETED, at, {})
    end = CallEvent(session=session, kind=EventKind.COMPLETED, at=at, by=by, external_id=DESK_ENDED)
    text, facts = birth(end)
    return f"{text} ON CONFLICT DO NOTHING", facts  # told from another window at this moment


def _said(**words: str) -> dict[str, str]:
    return {name: text for name, text in words.items() if text}


def _show(session: CallSession) -> list[CallEvent]:
    events = status.rebuild(session)
    tell(f"rep.{session.rep_id}", "call_changed", session=str(session.pk))
    tell("desk", "queue_changed")
    return events
