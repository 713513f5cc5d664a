"""What people write to us: kept as a message, found to somebody, told to their walks, obeyed where it is an opt-out."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Least

from campaigns.choices import HappeningKind, MessageDirection, MessageState
from campaigns.models import Attempt, Conversation, Message
from campaigns.rules.replies import AUTOMATIC, OPT_OUT, START, meaning
from campaigns.services import happenings
from campaigns.services.dispatch.marking import TOUCHES
from config.kernel import clock
from config.kernel.realtime import tell
from config.kernel.transactions import atomic_with_retries
from crm.choices import REACHED_BY, Channel, EndpointKind, SuppressionReason
from crm.models import Contact, ContactPoint, Endpoint, Touch
from crm.services import suppressing
from crm.services.lines import line_for
from crm.services.locking import lock_all
from crm.services.normalization.emails import UnusableEmail, parse_email
from crm.services.normalization.phones import UnusablePhone, parse_phone
from crm.services.normalization.text import one_line
from crm.services.profiles import refresh_profiles

LONGEST: Final = 100_000  # characters that are kept of one message
_WRITTEN: Final = (Channel.SMS, Channel.EMAIL, Channel.VOICEMAIL)


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that somebody wrote. ``reference`` is the provider's own id of it, "" where it gives none;
    ``automatic``: their program says that nobody wrote it."""

    provider: str
    channel: str
    sender: str
    to: str
    text: str
    at: datetime
    reference: str
    subject: str = ""
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class _Writer:
    """Whose number or address it is, and to whom we wrote there last: a colleague of theirs, where they share it."""

    line: Endpoint | None
    contact_id: UUID | None
    walkers: tuple[UUID, ...]


def receive(heard: Heard) -> Message:
    """Keep what was written, and let it have its effect; the same again is the message that is there.

    The same is what has the reference of the other one, the sender and the words of it; without a reference, its moment
    too. What differs in any of them is a message of its own, whatever its provider calls it.

    Whoever owns the number or address wrote it, else whom we wrote to there last; where nobody is found the message is
    kept all the same, for admins. A reply is told to the walks of its writer. An opt-out silences the number or address
    on every channel, and whatever else reaches this person alone. An automatic reply is kept and stops nothing.
    """
    return _received(heard, _key(heard))


@atomic_with_retries
def _received(heard: Heard, key: str) -> Message:
    if known := Message.objects.filter(dedupe_key=key).first():
        return known
    kind = meaning(heard.text, subject=heard.subject, automatic=heard.automatic)
    writer = _writer(heard, must_have_line=kind == OPT_OUT)
    lock_all(Contact, writer.walkers)
    lock_all(Endpoint, _silenced(writer) if kind == OPT_OUT else [writer.line.pk] if writer.line else [])
    try:
        with transaction.atomic():
            message = _kept(heard, key, kind, writer)
    except IntegrityError:  # told twice at the same moment: the other one was first
        return Message.objects.get(dedupe_key=key)
    if kind == OPT_OUT:
        _obey(message, heard, _silenced(writer))
    if kind not in {AUTOMATIC, START}:
        _mark_answered(heard, writer, "opted_out_at" if kind == OPT_OUT else "answered_at")
        happenings.keep(
            contacts=writer.walkers, kind=HappeningKind.OPT_OUT if kind == OPT_OUT else HappeningKind.REPLY,
            cause=message.pk, at=heard.at, data={"channel": heard.channel},
        )  # fmt: skip
    tell("desk", "conversation_changed")
    return message


def _key(heard: Heard) -> str:
    said = [heard.provider, heard.channel, heard.sender, heard.to, heard.subject, heard.text]
    told = [*said, heard.reference, "" if heard.reference else heard.at.astimezone(UTC).isoformat()]
    return f"in:{sha256(json.dumps(told).encode()).hexdigest()}"


def _writer(heard: Heard, *, must_have_line: bool) -> _Writer:
    kind, value, line_type = _address(heard)
    line = Endpoint.objects.filter(kind=kind, value=value).first() if value else None
    if line is None and value and must_have_line:  # nobody whom we know, and still they must hear no more
        line = line_for(kind, value, line_type)
        refresh_profiles(endpoint_ids={line.pk} if line and kind == EndpointKind.PHONE else ())
    if line is None:
        return _Writer(None, None, ())
    touched = Touch.objects.filter(endpoint=line, counts=True, channel__in=_WRITTEN).order_by("-at", "-id")
    last = touched.values_list("contact_id", flat=True).first()
    found = {person for person in (line.owner_id, last) if person}
    alive = set(Contact.objects.alive().filter(pk__in=found).values_list("pk", flat=True))
    return _Writer(line, next((one for one in (line.owner_id, last) if one in alive), None), tuple(sorted(alive)))


def _address(heard: Heard) -> tuple[EndpointKind, str, str]:
    """Return kind and normal form of the sender; no form, where it is none that could be answered: a short code."""
    kind = REACHED_BY[Channel(heard.channel)]
    try:
        if kind == EndpointKind.EMAIL:
            return kind, parse_email(heard.sender), ""
        phone = parse_phone(heard.sender)
    except (UnusablePhone, UnusableEmail):
        return kind, "", ""
    return kind, phone.e164, phone.line_type


def _silenced(writer: _Writer) -> list[UUID]:
    """The line itself, and whatever else reaches the writer and nobody else."""
    if writer.line is None:
        return []
    theirs = ContactPoint.objects.good().filter(contact=writer.contact_id, endpoint__isnull=False)
    mine = set(theirs.values_list("endpoint_id", flat=True)) if writer.contact_id else set()
    others = ContactPoint.objects.filter(endpoint__in=mine, contact__deleted_at=None).exclude(contact=writer.contact_id)
    return sorted({writer.line.pk, *(mine - set(others.values_list("endpoint_id", flat=True)))})


def _kept(heard: Heard, key: str, kind: str, writer: _Writer) -> Message:
    text = _storable(heard.text)[:LONGEST]
    return Message.objects.create(
        direction=MessageDirection.INBOUND,
        state=MessageState.RECEIVED,
        channel=heard.channel,
        contact_id=writer.contact_id,
        endpoint=writer.line,
        conversation=_thread(writer.contact_id, heard, text) if writer.contact_id else None,
        subject=one_line(heard.subject)[:400],
        body=text,
        dedupe_key=key,
        not_before=heard.at,
        settled_at=heard.at,
        reason=kind,
    )


def _thread(contact_id: UUID, heard: Heard, text: str) -> Conversation:
    """Return the conversation with the locked contact, with this as its last word unless that is younger."""
    said = {"last_at": heard.at, "last_direction": MessageDirection.INBOUND, "last_text": one_line(text)[:200]}
    thread, new = Conversation.objects.get_or_create(contact_id=contact_id, defaults={**said, "unread": 1})
    if not new:
        Conversation.objects.filter(pk=thread.pk).update(unread=F("unread") + 1)
        Conversation.objects.filter(pk=thread.pk, last_at__lte=heard.at).update(**said)
    return thread


def _obey(message: Message, heard: Heard, lines: Iterable[UUID]) -> None:
    for line in Endpoint.objects.filter(pk__in=lines).order_by("pk"):
        suppressing.suppress(
            endpoint=line, reason=SuppressionReason.OPTED_OUT, source=f"reply by {message.get_channel_display()}",
            at=heard.at, words=_storable(heard.text)[:2000], cause=message.pk,
        )  # fmt: skip


def _mark_answered(heard: Heard, writer: _Writer, when: str) -> None:
    """Say of our last message on this line before it that it was answered, and when first: the same in any order."""
    if writer.line is None:
        return
    ours = Touch.objects.filter(endpoint=writer.line, counts=True, source=TOUCHES, channel__in=_WRITTEN)
    tries = ours.values_list("source_id", flat=True)
    last = tries.filter(at__lte=heard.at).order_by("-at", "-id").first()
    last = last or tries.order_by("at", "id").first()  # it cannot precede all of ours: their clock is late
    if last:
        message = Attempt.objects.filter(pk=last).values("message_id")
        Message.objects.filter(pk__in=message).update(**{when: Least(when, heard.at), "updated_at": clock.now()})


def _storable(text: str) -> str:
    """Without what PostgreSQL cannot keep: NUL, and halves of characters."""
    return text.replace("\0", "").encode(errors="ignore").decode()
