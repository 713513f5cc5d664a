"""A message that somebody sends to one person: by hand, or over the API with a key of their own."""

from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction

from campaigns.choices import ConsentRule
from campaigns.models import Message
from campaigns.rules import segments
from campaigns.rules.composing import LONGEST
from campaigns.rules.rendering import printable
from campaigns.services import bells
from config.kernel.errors import Conflict, DomainError
from config.kernel.moments import require_kept
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel
from crm.models import Contact, User
from crm.services.scope import refuse_hidden

LIVES: Final = timedelta(days=1)
LONGEST_KEY: Final = 100
LONGEST_SUBJECT: Final = 400


class UnusableMessage(DomainError):
    """``details`` say which field cannot be sent, and why."""

    code = "unusable_message"


class KeyUsed(Conflict):
    """The key names another message: a repeat says the same words to the same person."""

    code = "key_used"


def send_by_hand(
    *, contact: Contact, channel: str, body: str, by: User, key: str, at: datetime, subject: str = "",
    expires_at: datetime | None = None,
) -> tuple[Message, bool]:  # fmt: skip
    """Ask for a message to be sent to ``contact`` on ``channel``; return it, and whether it is new.

    ``key`` makes asking again harmless: the same key with the same words is the message that is there, however often
    and however fast it comes (Idempotency-Key). Keys belong to whoever uses them. The gate decides when it goes out;
    after a day, or at ``expires_at``, it is too late. A voicemail by hand needs a written consent: it is a call with a
    recorded voice, and we sell (47 CFR 64.1200(a)(2) and (3)).

    :raises UnusableMessage: it is empty, too long or for no channel of messages, or the key is none.
    :raises KeyUsed: this key was used with other words, or for somebody else.
    :raises crm.services.scope.ExistsOutOfScope: the contact is not ``by``'s to see.
    """
    require_kept(at=at, expires_at=expires_at)
    _check(channel, subject, body, key, expires_at, at)
    refuse_hidden(contact, by)
    asked = Message(
        channel=channel, contact=contact, by=by, subject=subject, body=body, segments=_segments(channel, body),
        dedupe_key=f"api:{by.pk}:{key}", not_before=at, expires_at=expires_at or at + LIVES,
        consent=ConsentRule.WRITTEN if channel == Channel.VOICEMAIL else "",
    )  # fmt: skip
    if known := _known(asked):
        return known, False
    return _kept(asked)


@atomic_with_retries
def _kept(asked: Message) -> tuple[Message, bool]:
    try:
        with transaction.atomic():
            asked.save(force_insert=True)
    except IntegrityError:  # the same key at the same moment
        if known := _known(asked):
            return known, False
        raise
    bells.dispatcher()
    return asked, True


def _known(asked: Message) -> Message | None:
    """:raises KeyUsed: the key names another message."""
    known = Message.objects.filter(dedupe_key=asked.dedupe_key).first()
    if known is None:
        return None
    if any(getattr(known, name) != getattr(asked, name) for name in ("contact_id", "channel", "subject", "body")):
        raise KeyUsed(
            "This key was used for another message. Use a new one for each message.", details={"key": "Used."}
        )
    return known


def _segments(channel: str, body: str) -> int:
    return segments.measure(body).segments if channel == Channel.SMS else 1


def _check(channel: str, subject: str, body: str, key: str, expires_at: datetime | None, at: datetime) -> None:
    faults = {}
    if channel not in {Channel.SMS, Channel.EMAIL, Channel.VOICEMAIL}:
        faults["channel"] = "Must be one of sms, email, voicemail."
    elif fault := _fault_of_body(channel, body):
        faults["body"] = fault
    if fault := _fault_of_subject(channel, subject):
        faults["subject"] = fault
    if not 0 < len(key) <= LONGEST_KEY or printable(key) != key:
        faults["key"] = f"Give every message a key of its own, of at most {LONGEST_KEY} characters."
    if expires_at and expires_at <= at:
        faults["expires_at"] = "This is over already."
    if faults:
        raise UnusableMessage("This cannot be sent: " + " ".join(faults.values()), details=faults)


def _fault_of_body(channel: str, body: str) -> str:
    if not body.strip():
        return "Write something: an empty message is not sent."
    if len(body) > LONGEST[channel]:
        return f"At most {LONGEST[channel]:,} characters for {Channel(channel).label}."
    return "" if printable(body) == body else "There are characters in this that cannot be sent."


def _fault_of_subject(channel: str, subject: str) -> str:
    if bool(subject.strip()) != (channel == Channel.EMAIL):
        return "An e-mail has a subject, and nothing else has one."
    if len(subject) > LONGEST_SUBJECT:
        return f"At most {LONGEST_SUBJECT} characters."
    usable = printable(subject) == subject and not {"\n", "\r", "\t"} & set(subject)
    return "" if usable else "A subject is one line of characters that can be printed."
