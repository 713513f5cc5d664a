"""Closing and opening again: terminal sessions and their lifts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from calls.choices import Scope, TerminalKind
from calls.models import CallEvent, TerminalLift, TerminalSession
from calls.models.terminal import SUBJECTS
from calls.services import deciding, hints
from calls.signals import ClosedDown, closed_down
from config.kernel.errors import Conflict, DomainError
from config.kernel.moments import require_kept
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from crm.models import Contact, Endpoint, Project, ProjectContact, User

Subject = Project | Contact | ProjectContact | Endpoint | None


class NeedsReason(DomainError):
    """Whoever closes or opens something says why."""

    code = "needs_reason"


class AlreadyLifted(Conflict):
    """The terminal session was lifted before."""

    code = "already_lifted"


class ToldDifferently(Conflict):
    """The id is known, with other facts; ``details`` name the fields that differ."""

    code = "told_differently"


@atomic_with_retries
def close(
    *,
    scope: Scope,
    subject: Subject,
    reason: str,
    at: datetime,
    by: User | None = None,
    until: datetime | None = None,
    terminal_id: str | None = None,
    kind: TerminalKind = TerminalKind.TERMINAL,
    cause: CallEvent | None = None,
) -> tuple[TerminalSession, bool]:
    """Forbid calling ``subject`` until ``until``, for ever without it; say whether the session is new.

    The same ``terminal_id`` again returns the stored session. A committed session stops every lease and dial that is
    decided afterwards. One of a contact, a pair or a number waits here for what is being decided about them; closing a
    project or everyone locks nothing, so a call that is being decided when it commits may still begin.

    :raises NeedsReason: ``reason`` is empty.
    :raises DomainError: ``until`` is not after ``at``, or the subject does not fit the scope.
    :raises YearOutOfRange: ``until`` is of a year that is not kept.
    :raises ToldDifferently: the id is known with another scope, subject, kind, reason or end.
    """
    facts = {"scope": scope, "kind": kind, "reason": reason.strip(), "until": until, **_subject(scope, subject)}
    if terminal_id and (known := TerminalSession.objects.filter(terminal_id=terminal_id).first()):
        return _same(known, facts), False
    if not facts["reason"]:
        raise NeedsReason("Say why this may not be called.", details={"reason": "A reason is required."})
    require_kept(until=until)
    if until and until <= at:
        raise DomainError("It would be over before it begins.", details={"until": "Must lie in the future."})
    _lock(scope, subject)
    try:
        with transaction.atomic(savepoint=terminal_id is not None):  # else nothing can have been told before
            session = TerminalSession.objects.create(terminal_id=terminal_id, at=at, by=by, cause=cause, **facts)
    except IntegrityError:
        if terminal_id and (known := TerminalSession.objects.filter(terminal_id=terminal_id).first()):
            return _same(known, facts), False
        raise
    refresh_subject(session, at=at)
    tell("desk", "queue_changed")
    named = {name: getattr(session, name) for name in ("contact_id", "project_id", "pair_id", "endpoint_id")}
    closed_down.send(sender=TerminalSession, event=ClosedDown(session_id=session.pk, at=at, **named))
    return session, True


@atomic_with_retries
def lift(
    *, session: TerminalSession, reason: str, by: User | None, at: datetime, cause_id: UUID | None = None
) -> TerminalLift:
    """End a terminal session before its time, once, with a reason.

    :raises NeedsReason: ``reason`` is empty.
    :raises AlreadyLifted: it was lifted before.
    """
    if not reason.strip():
        raise NeedsReason("Say why it is lifted.", details={"reason": "A reason is required."})
    try:
        with transaction.atomic():
            row = TerminalLift.objects.create(session=session, at=at, reason=reason.strip(), by=by, cause_id=cause_id)
    except IntegrityError as error:
        raise AlreadyLifted("This terminal session was lifted before.") from error
    session.lifted_at = at
    refresh_subject(session, at=at)
    tell("desk", "queue_changed")
    return row


def _subject(scope: Scope, subject: Subject) -> dict[str, Any]:
    if scope == Scope.EVERYONE:
        if subject is not None:
            raise DomainError("Closing for everyone names nobody.", details={"scope": "Leave the subject out."})
        return {}
    name = SUBJECTS[Scope(scope)]
    if subject is None or not isinstance(subject, _KINDS[Scope(scope)]):
        raise DomainError(f"This scope needs a {name}.", details={name: "Required for this scope."})
    return {name: subject}


_KINDS = {
    Scope.PROJECT: Project,
    Scope.CONTACT: Contact,
    Scope.PAIR: ProjectContact,
    Scope.ENDPOINT: Endpoint,
}


def _same(known: TerminalSession, facts: dict[str, Any]) -> TerminalSession:
    differing = [name for name, value in facts.items() if getattr(known, name) != value]
    if differing:
        details = {name: f"Stored: {getattr(known, name)}." for name in differing}
        raise ToldDifferently(f"{known.terminal_id} is known with other facts.", details=details)
    return known


def _lock(scope: Scope, subject: Subject) -> None:
    if isinstance(subject, Contact):
        deciding.lock(contact_id=subject.pk, endpoint_ids=[])
    elif isinstance(subject, ProjectContact):
        deciding.lock(contact_id=subject.contact_id, endpoint_ids=[])
    elif isinstance(subject, Endpoint):
        Endpoint.objects.select_for_update(no_key=True).get(pk=subject.pk)


def refresh_subject(session: TerminalSession, *, at: datetime) -> None:
    """Bring the hints of all pairs that a session concerns up to date; closing everyone concerns no hint."""
    subject: UUID | None = None if session.scope == Scope.EVERYONE else getattr(session, f"{session.scope}_id")
    if subject:
        hints.refresh(at=at, **{f"{session.scope}_ids": [subject]})
