"""Everything about whom the rep is about to speak with, on one screen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import phonenumbers
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from calls import providers, reports
from calls.choices import Status
from calls.models import CallSession, TerminalSession
from calls.pages import clocks
from calls.pages.standing import Standing
from calls.services import queue
from calls.services.queue import PointVerdict
from config.kernel import kept
from config.kernel.admin import cells
from crm.admin import phrases, reasons
from crm.choices import Channel, ConsentKind, LineType
from crm.models import Consent, Contact, ContactPoint, ProjectContact, Touch, User

PAST, COLLEAGUES, OTHERS = 12, 6, 6
PAIRS = 32  # more promises to one person than this are not looked through
_Told = tuple[str, datetime, str, str]  # kind, when, what, and by whom or where
_CLOSED, _TOUCH, _CONSENT = "closed", "touch", "consent"
_OTHER_CHANNELS = {Channel.SMS: "sms", Channel.EMAIL: "mail", Channel.VOICEMAIL: "voicemail"}
_TONES = {"positive": "good", "negative": "bad", "neutral": "info", "none": "plain"}
_SYMBOLS = {"positive": "thumb_up", "negative": "thumb_down", "neutral": "remove", "none": "phone_missed"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the rep sees it: what it is, how it went last time, and what stands against it."""

    point: ContactPoint
    text: str
    label: str
    kind: str
    state: Any
    last: str
    blocks: list[Any]
    until: datetime | None
    chosen: bool

    @property
    def open(self) -> bool:
        return not self.blocks


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline; ``future`` ones stand on top."""

    at: datetime
    symbol: str
    tone: str
    title: str
    more: str = ""


def shown(desk: Standing) -> dict[str, Any]:
    """Return the context of the parts about the person; empty without one."""
    contact = desk.contact
    if contact is None:
        return {"contact": None}
    user, known = desk.user, desk.explained.facts if desk.explained else None
    calls = [call for call in _calls(contact=contact.pk, user=user) if desk.call is None or call.pk != desk.call.pk]
    pairs, told = _pairs(contact=contact.pk, user=user), _told(contact=contact.pk, user=user, at=desk.at)
    return {
        "contact": contact,
        "pair": desk.pair,
        "today": reports.midnight(desk.user, desk.at).date(),
        "flags": phrases.flags(contact),
        "lifecycle": contact.get_lifecycle_display(),
        "clocks": clocks.clocks(desk.line, user=desk.user, at=desk.at),
        "hours": clocks.hours(desk.line, at=desk.at),
        "attempts": reports.attempts_in(known, at=desk.at) if known else _attempts(contact, desk),
        "last_touch": calls[0] if calls else None,
        "last_result": result_of(calls[0]) if calls else "",
        "why": queue.reason_for(desk.pair, desk.at) if desk.pair else "",
        "roles": phrases.roles(desk.pair) if desk.pair else "",
        "dialed": as_written(desk.call.endpoint.value) if desk.call and desk.call.endpoint else "",
        "elsewhere": _elsewhere(pairs, desk.pair),
        "numbers": _numbers(desk, calls),
        "blocks": [reasons.in_words(block) for block in desk.explained.blocks] if desk.explained else [],
        "earliest": desk.explained.earliest if desk.explained else None,
        "future": _future(pairs, told),
        "past": _past(calls, told),
        "colleagues": _colleagues(company=contact.company_id, but=contact.pk, user=user) if contact.company_id else [],
        "line_label": providers.voice().label,
        "simulated": isinstance(providers.voice(), providers.PlayedLine),
    }


def _attempts(contact: Contact, desk: Standing) -> reports.Attempts:
    return reports.attempts(contact=contact, at=desk.at, project_id=desk.pair.project_id if desk.pair else None)


@kept.question
def _calls(contact: UUID, user: User) -> QuerySet[CallSession]:
    calls = CallSession.objects.visible_to(user).filter(contact=contact).select_related("now__disposition", "rep")
    return calls.order_by("-initiated_at")[: PAST + 8]


@kept.question
def _pairs(contact: UUID, user: User) -> QuerySet[ProjectContact]:
    """Their pairs: where they are to be called back, the soonest first, then their best other projects."""
    pairs = ProjectContact.objects.visible_to(user).filter(contact=contact).select_related("project", "callback_by")
    alive = Q(contact__deleted_at=None, project__deleted_at=None)
    shown = pairs.filter(alive | Q(callback_at__isnull=False))
    return shown.order_by(F("callback_at").asc(nulls_last=True), "-priority", "-pk")[:PAIRS]


def result_of(call: CallSession) -> str:
    """How a call ended, in a word or two."""
    now = call.now
    return str(now.disposition) if now.disposition else "No outcome yet"


def _elsewhere(pairs: list[ProjectContact], pair: ProjectContact | None) -> list[ProjectContact]:
    others = [one for one in pairs if one != pair and one.project.deleted_at is None]
    return sorted(others, key=lambda one: (one.priority, one.pk), reverse=True)[:OTHERS]


def _numbers(desk: Standing, calls: list[CallSession]) -> list[Number]:
    if desk.explained is None:
        return []
    verdicts = desk.explained.points
    leased = desk.lease.endpoint_id if desk.lease else None
    passing = [one.point for one in verdicts if not one.blocks]
    chosen = next((point for point in passing if point.endpoint_id == leased), passing[0] if passing else None)
    return [_number(one, calls, chosen, desk.at) for one in verdicts]


def _number(one: PointVerdict, calls: list[CallSession], chosen: ContactPoint | None, at: datetime) -> Number:
    point = one.point
    last = next((call for call in calls if call.endpoint_id == point.endpoint_id), None)
    extension = f" ext. {point.extension}" if point.extension else ""
    line = point.endpoint
    return Number(
        point=point,
        text=f"{as_written(line.value) if line else point}{extension}",
        label=" · ".join(part for part in (point.label, "primary" if point.is_primary else "") if part),
        kind=line.get_line_type_display() if line and line.line_type != LineType.UNKNOWN else "",
        state=phrases.point_states(point, now=at),
        last=f"{result_of(last)}, {cells.distance(last.initiated_at, now=at)}" if last else "never called",
        blocks=[reasons.in_words(block) for block in one.blocks],
        until=one.earliest,
        chosen=chosen is not None and point.pk == chosen.pk,
    )


def as_written(value: str) -> str:
    """An E.164 number as people write it: "(512) 555-0134", "+44 20 7946 0018"."""
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return value
    style = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    if parsed.country_code == phonenumbers.country_code_for_region("US"):
        style = phonenumbers.PhoneNumberFormat.NATIONAL
    return str(phonenumbers.format_number(parsed, style))


def _future(pairs: list[ProjectContact], told: list[_Told]) -> list[Happening]:
    """What is promised or stands closed, the soonest first."""
    promised = [
        Happening(pair.callback_at, "event", "info", "Call back", f"{pair.project} · {pair.callback_by or 'anybody'}")
        for pair in pairs
        if pair.callback_at
    ]
    closed = [
        Happening(at, "lock_clock", "plain", "Can be called again", reason)
        for kind, at, reason, _ in told
        if kind == _CLOSED
    ]
    return sorted([*promised, *closed], key=lambda one: one.at)


def _past(calls: list[CallSession], told: list[_Told]) -> list[Happening]:
    """Calls, what else reached them, and what they have agreed to, the newest first."""
    found = [_of_call(call) for call in calls]
    for kind, at, what, more in told:
        if kind == _TOUCH:
            found.append(Happening(at, _OTHER_CHANNELS[Channel(what)], "plain", Channel(what).label, more))
        elif kind == _CONSENT:
            consent = ConsentKind(what).label.lower()
            found.append(Happening(at, "verified_user", "plain", f"Consent {consent}", more))
    return sorted(found, key=lambda one: one.at, reverse=True)[:PAST]


@kept.question
def _told(contact: UUID, user: User, at: datetime) -> QuerySet[TerminalSession, _Told]:
    """What else there is to tell: what closes their pairs, touches on other channels, consents; each with its kind."""
    standing = TerminalSession.objects.visible_to(user).standing(at).filter(until__isnull=False)
    closed = standing.filter(pair__contact=contact).order_by("until")[:4]
    touches = Touch.objects.counting().filter(contact=contact).exclude(channel=Channel.CALL).order_by("-at")[:PAST]
    consents = Consent.objects.filter(contact=contact).order_by("-id")[:3]
    name = Coalesce(NullIf("user__name", Value("")), "user__email", Value(""), output_field=CharField())
    return closed.values_list(Value(_CLOSED), "until", "reason", Value("")).union(
        touches.values_list(Value(_TOUCH), "at", "channel", name),
        consents.values_list(Value(_CONSENT), "at", "kind", "source"),
        all=True,
    )


def _of_call(call: CallSession) -> Happening:
    now = call.now
    sentiment = now.disposition.sentiment if now.disposition else ""
    symbol = _SYMBOLS.get(sentiment, "call")
    if now.status == Status.VOICEMAIL:
        symbol = "voicemail"
    length = cells.duration(now.duration)
    said = " · ".join(part for part in (length, str(call.rep or ""), now.notes[:160]) if part)
    return Happening(call.initiated_at, symbol, _TONES.get(sentiment, "plain"), result_of(call), said)


@kept.question
def _colleagues(company: UUID, but: UUID, user: User) -> QuerySet[Contact]:
    others = Contact.objects.visible_to(user).alive().filter(company=company).exclude(pk=but)
    return others.order_by("-priority", "name", "pk")[:COLLEAGUES]
