"""What a disposition does to our rows, and how exactly that is undone.

``foresee`` writes down, in the event itself, what the outcome is about to change and what was there before: a
compensation restores that and nothing else, and only where nothing else supports it.

The caller holds the contact and the number, ``hold`` locks the project; what moves pairs comes at the very end of the
transaction, in the order of their ids (DESIGN 13).
"""

from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from calls.choices import Scope, TerminalKind
from calls.models import CallEvent, CallSession, Disposition, TerminalSession
from calls.services import hints, pauses, promises, terminal, wishes
from calls.services.promises import Promise
from crm.choices import SuppressionReason
from crm.models import Endpoint
from crm.services import suppressing

SOURCE = "call outcome"


def hold(session: CallSession, disposition: Disposition | None, old: CallEvent | None = None) -> None:
    """Lock the project of a call, if the outcome given or the one undone moves it."""
    moves = (disposition and disposition.project_waits_for) or (old and pauses.KIND in old.facts.get("made", {}))
    if moves and session.project_id:
        pauses.hold(session.project_id)


def foresee(
    session: CallSession, disposition: Disposition, *, promised: Promise, callback_at: datetime | None, at: datetime
) -> dict[str, Any]:
    """Return what ``apply`` will change besides rows of its own, with the values before: JSON for the event."""
    made = {
        wishes.DO_NOT_CALL: wishes.foresee_do_not_call(session) if disposition.do_not_call else None,
        wishes.WRONG_PERSON: wishes.foresee_wrong_person(session) if disposition.wrong_person else None,
        promises.KIND: promises.foresee(session, disposition, seen=promised, callback_at=callback_at, at=at),
        pauses.KIND: pauses.foresee(session, disposition, at=at),
    }
    return {kind: fact for kind, fact in made.items() if fact}


def apply(
    event: CallEvent,
    session: CallSession,
    disposition: Disposition,
    *,
    promised: Promise,
    seen: Promise,
    since: datetime,
    at: datetime,
) -> None:
    """Let an outcome take effect. Everything it makes carries ``event`` as its cause.

    ``promised`` is what stays promised where the outcome says nothing about it, ``seen`` what is written there. Times
    run from ``since``, which for a recorded call is its end; what is over at ``at`` is not made any more.
    """
    made = event.facts["made"]
    hints.refresh(at=at, contact_ids=[session.contact_id])
    if disposition.retry_after and session.pair:
        _close(event, Scope.PAIR, session.pair, at, until=since + disposition.retry_after, kind=TerminalKind.RETRY)
    if disposition.terminal_scope:
        _close_as_told(event, session, disposition, since, at)
    if fact := made.get(wishes.DO_NOT_CALL):
        wishes.set_do_not_call(session, fact)
        _suppress(event, session.endpoint, at)
    if fact := made.get(wishes.WRONG_PERSON):
        wishes.set_wrong_person(fact, at=at)
    if (fact := made.get(pauses.KIND)) and not pauses.is_over(fact, at=at):
        pauses.apply(session, fact, at=at)
    if fact := made.get(promises.KIND):
        promised = promises.wanted(fact)
        if promised.at and session.pair:
            _close(event, Scope.PAIR, session.pair, at, until=promised.at, kind=TerminalKind.CALLBACK)
    promises.put(session.pair_id, promised, seen=seen, at=at)


def _close(
    event: CallEvent,
    scope: Scope,
    subject: terminal.Subject,
    at: datetime,
    *,
    until: datetime | None,
    kind: TerminalKind,
) -> None:
    if until and until <= at:
        return
    terminal.close(
        scope=scope, subject=subject, reason=str(event.disposition), at=at, by=event.by, until=until, kind=kind,
        cause=event,
    )  # fmt: skip


def _close_as_told(
    event: CallEvent, session: CallSession, disposition: Disposition, since: datetime, at: datetime
) -> None:
    subject = {
        Scope.PROJECT: session.project,
        Scope.CONTACT: session.contact,
        Scope.PAIR: session.pair,
        Scope.ENDPOINT: session.endpoint,
    }[Scope(disposition.terminal_scope)]
    if subject is not None:  # a call without a project or a known number has nothing of that kind to close
        until = since + disposition.terminal_for if disposition.terminal_for else None
        _close(event, Scope(disposition.terminal_scope), subject, at, until=until, kind=TerminalKind.TERMINAL)


def _suppress(event: CallEvent, endpoint: Endpoint | None, at: datetime) -> None:
    if endpoint:
        words = str(event.facts.get("note", ""))
        suppressing.suppress(
            endpoint=endpoint, reason=SuppressionReason.ASKED, source=SOURCE, at=at, by=event.by, words=words,
            cause=event.pk,
        )  # fmt: skip


def compensate(old: CallEvent, *, seen: Promise, cause_id: UUID, at: datetime) -> Promise:
    """Undo exactly what ``old`` made: its terminal sessions and suppressions are lifted, its flags go back.

    What somebody else has set since, or another outcome supports as well, stays. ``seen`` is what is promised now.
    Return what is promised then: the caller lets the next outcome begin with it, or puts it back.
    """
    session, made = old.session, old.facts.get("made", {})
    by, reason = old.by, "The outcome was corrected."
    hints.refresh(at=at, contact_ids=[session.contact_id])
    for standing in TerminalSession.objects.filter(cause=old, lifted_at=None).order_by("id"):
        with suppress(terminal.AlreadyLifted):  # by somebody at this moment: it stands no more, as was wanted
            terminal.lift(session=standing, reason=reason, by=by, at=at, cause_id=cause_id)
    suppressing.lift_cause(cause=old.pk, reason=reason, by=by, at=at)
    if wishes.DO_NOT_CALL in made:
        wishes.take_back_do_not_call(old)
    if wishes.WRONG_PERSON in made:
        wishes.take_back_wrong_person(old, at=at)
    if pauses.KIND in made:
        pauses.compensate(old, at=at)
    return promises.without(old, seen=seen)
