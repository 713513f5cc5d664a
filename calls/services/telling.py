"""A call as somebody outside tells it: what makes sense, what has no effect, and whether it is told as before."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from calls.choices import CallSource, Direction, EventKind, Scope
from calls.models import CallSession, CallStatus, Disposition
from calls.services.undoing import text
from config.kernel.errors import DomainError
from config.kernel.moments import OUT_OF_RANGE, is_kept
from crm.choices import Channel
from crm.models import Contact, ContactPoint, Project, ProjectContact, Touch, User
from crm.services.fields import FARTHEST
from crm.services.normalization.phones import Phone, parse_phone
from crm.services.normalization.refusals import Unusable

SKEW = timedelta(minutes=5)  # how far another machine's clock may differ from ours
WARNINGS = "warnings"  # in the first event: what was told and has no effect, by field


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A call as somebody outside tells it. Times are aware, ``duration`` is in seconds.

    ``assumed`` names the fields that nobody told, but whoever passes the call on filled in: they are stored, and not
    compared when the call is told again.
    """

    call_session_id: str
    contact: Contact
    initiated_at: datetime
    project: Project | None = None
    rep: User | None = None
    point: ContactPoint | None = None
    number: str = ""
    direction: str = Direction.OUTBOUND.value
    source: str = CallSource.API.value
    status: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    recording_url: str = ""
    disposition: Disposition | None = None
    callback_at: datetime | None = None
    notes: str = ""
    assumed: frozenset[str] = frozenset()

    @property
    def end(self) -> datetime:
        """When the call was over, as far as is told: it ended then or later."""
        length = timedelta(seconds=self.duration or 0)
        return self.ended_at or (self.answered_at or self.initiated_at) + length

    def facts(self) -> dict[str, Any]:
        """The told body as JSON: what a second telling is compared with."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self) if field.name != "assumed"}

    def said(self) -> dict[str, Any]:
        """Return what was really told of ``facts``."""
        silent = {field.name for field in fields(self) if getattr(self, field.name) == field.default}
        return {name: value for name, value in self.facts().items() if name not in silent | self.assumed}


def _plain(value: Any) -> Any:
    if hasattr(value, "pk"):
        return str(value.pk)
    return text(value) if isinstance(value, datetime) else value


def phone_of(number: str) -> Phone | None:
    """Read a number as it was told; None: nobody can."""
    try:
        return parse_phone(number)
    except Unusable:
        return None


def require_sense(told: Told, at: datetime) -> None:
    """Refuse what cannot have happened.

    :raises DomainError: ``details`` name the fields: a moment ahead of ``at``, before the call or of a year that is not
        kept, an answer after the end, a length that is not over yet, the number of somebody else.
    """
    faults = _faults_of_times(told, at)
    if told.point and told.point.contact_id != told.contact.pk:
        faults["point"] = "Not of this contact."
    if faults:
        raise DomainError("Such a call cannot have been made: correct what is named.", details=faults)


def _faults_of_times(told: Told, at: datetime) -> dict[str, str]:
    faults = {}
    if told.answered_at and told.ended_at and told.answered_at > told.ended_at:
        faults["answered_at"] = "Is after ended_at."
    for name in ("initiated_at", "answered_at", "ended_at"):
        moment = getattr(told, name)
        if moment and not is_kept(moment):
            faults[name] = OUT_OF_RANGE
        elif moment and moment < told.initiated_at:
            faults[name] = "Is before initiated_at."
        elif moment and moment > at + SKEW:
            faults[name] = "Lies ahead."
    if not faults and told.end > at + SKEW:
        faults["duration"] = "Longer than the time since the call began."
    return faults


def require_news(session: CallSession, kind: EventKind, at: datetime, facts: Mapping[str, Any]) -> None:
    """Refuse news of a call that cannot have happened, or that says nothing.

    :raises DomainError: ``details`` name the fields: it happened before the call began, by more than clocks may differ,
        or a note has no text, or a recording no address.
    """
    faults = {}
    if at < session.initiated_at - SKEW:
        faults["at"] = f"Is before the call began, at {text(session.initiated_at)}. Check it, or leave it out for now."
    needed = _NEEDED.get(EventKind(kind))
    if needed and not str(facts.get(needed) or "").strip():
        faults[f"facts.{needed}"] = f"News of the kind {EventKind(kind).value} needs this."
    if faults:
        raise DomainError("This cannot be news of this call: correct what is named.", details=faults)


_NEEDED = {EventKind.NOTE: "note", EventKind.RECORDING: "recording_url"}


def warnings(told: Told, pair: ProjectContact | None, at: datetime) -> dict[str, str]:
    """Say by field what was told and has no effect: the call is stored all the same."""
    found: dict[str, str] = {}
    if told.number and not told.point and phone_of(told.number) is None:
        found["number"] = "Cannot be read as a telephone number: it is kept as told, and counts for no line."
    if told.callback_at or (told.disposition and told.disposition.asks_callback):
        found |= _about_callback(told, pair, at)
    if told.disposition:
        found |= _about_outcome(told, told.disposition, pair)
    return found


def _about_callback(told: Told, pair: ProjectContact | None, at: datetime) -> dict[str, str]:
    when = told.callback_at
    if not told.disposition or not told.disposition.asks_callback:
        reason = "this outcome promises no callback"
    elif when is None:
        reason = "no time was told"
    elif when <= told.initiated_at:
        reason = "the time lies before the call"
    elif when > told.initiated_at + FARTHEST:
        reason = "the time is more than 60 days after the call"
    elif pair is None:
        reason = "the call is of no project that this person is in"
    elif _was_called_since(told, pair, when, at):
        reason = "they have been called since"
    else:
        return {}
    return {"callback_at": f"Nothing is promised: {reason}."}


def _was_called_since(told: Told, pair: ProjectContact, when: datetime, at: datetime) -> bool:
    """Whether a later call kept the promise, or has an outcome, which says what is promised now."""
    if CallStatus.objects.filter(
        session__pair=pair, initiated_at__gt=told.initiated_at, disposition__isnull=False
    ).exists():
        return True
    calls = Touch.objects.counting().filter(contact=pair.contact_id, project=pair.project_id, channel=Channel.CALL)
    return when <= at and calls.filter(at__gte=when).exists()


def _about_outcome(told: Told, disposition: Disposition, pair: ProjectContact | None) -> dict[str, str]:
    found = {}
    if not disposition.is_active:
        found["disposition"] = "Not in use any more: it is kept, because the call ended so."
    needs_pair = disposition.retry_after or disposition.terminal_scope == Scope.PAIR
    needs_project = disposition.project_waits_for or disposition.terminal_scope == Scope.PROJECT
    if (needs_pair and pair is None) or (needs_project and told.project is None):
        found["project"] = "The call is of no project that this person is in: the outcome closes nothing there."
    needs_number = disposition.wrong_person or disposition.terminal_scope == Scope.ENDPOINT
    if needs_number and not told.point and phone_of(told.number) is None:
        found["number"] = "It is not known which number was called: the outcome closes none."
    return found


def callback_of(told: Told, found: dict[str, str]) -> datetime | None:
    """Return what is promised, given the warnings."""
    return None if "callback_at" in found else told.callback_at


def differing(known: CallSession, told: Told) -> dict[str, str]:
    """Say by field in what ``told`` differs from the call that is stored.

    A call that was recorded is compared with what was told first, any other one with what is stored of it: then only
    fields that were told are looked at.
    """
    first = known.events.filter(kind=EventKind.INITIATED).in_order().first()
    stored = first.facts.get("told") if first else None
    said = {name: value for name, value in told.facts().items() if name not in told.assumed}
    if stored is None:
        stored, said = _written(known), told.said()
        if "number" in said and (phone := phone_of(said["number"])):
            said["number"] = phone.e164
    return {name: f"Stored: {stored.get(name)!r}." for name, value in said.items() if stored.get(name) != value}


def _written(known: CallSession) -> dict[str, Any]:
    now, phone = known.now, phone_of(known.number)
    outcome = known.events.filter(disposition__isnull=False, corrected_by=None).order_by("at", "id").last()
    of_session = ("call_session_id", "initiated_at", "project", "contact", "rep", "point", "direction", "source")
    of_status = ("status", "answered_at", "ended_at", "duration", "recording_url", "disposition", "notes")
    return {
        **{name: _plain(getattr(known, name)) for name in of_session},
        **{name: _plain(getattr(now, name)) for name in of_status},
        "number": phone.e164 if phone else known.number,
        "callback_at": (outcome.facts.get("callback_at") or None) if outcome else None,
    }
