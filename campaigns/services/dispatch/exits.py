"""What people decide: about messages of which nobody knows whether they went out, and that nothing goes out at all."""

from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction

from campaigns.choices import CHANNELS, MessageState
from campaigns.models import Message, SendingStop
from campaigns.services import bells
from config.kernel.errors import Conflict, DomainError
from config.kernel.ids import uuid7
from config.kernel.transactions import atomic_with_retries
from crm.models import User
from crm.services.locking import lock
from crm.services.normalization.text import one_line, shows_nothing
from crm.services.scope import lock_seen

OPEN: Final = [MessageState.UNCERTAIN, MessageState.NOT_SENT_PRESUMED]
LIVES: Final = timedelta(days=1)
OF_MESSAGES: Final = f"It stops messages, on one of {', '.join(CHANNELS)} or on all. Calls go on."


class NotUncertain(Conflict):
    """What became of this message is known, or was decided already."""

    code = "not_uncertain"


class AlreadyStopped(Conflict):
    code = "already_stopped"


class NoReason(DomainError):
    """Whoever stops all sending says why."""

    code = "reason_required"


class NoSuchChannel(DomainError):
    """The brake is of messages: nothing else can be stopped with it."""

    code = "no_such_channel"


@atomic_with_retries
def resend(*, message: Message, by: User, at: datetime) -> Message:
    """Send the same words to the same person once more, as a message of its own; return that one.

    The old one stays, as one that presumably was not sent. The gate is asked again. The new one belongs to no walk, so
    that it waits for no campaign: somebody wants it sent now.

    :raises NotUncertain: it is known whether it was sent, or somebody has decided already.
    """
    message = _decide(message, by, at, f"Sent again by {by}.")
    number = Message.objects.filter(dedupe_key__startswith=f"resend:{message.pk}/").count() + 1
    again = Message.objects.create(
        channel=message.channel, contact_id=message.contact_id, by=by,
        subject=message.subject, body=message.body, segments=message.segments, consent=message.consent,
        dedupe_key=f"resend:{message.pk}/{number}", not_before=at, expires_at=at + LIVES,
    )  # fmt: skip
    bells.dispatcher()
    return again


@atomic_with_retries
def write_off(*, message: Message, by: User, at: datetime) -> Message:
    """Take it that the message was not sent, and leave it at that; should it turn out to have been, that is kept.

    :raises NotUncertain: it is known whether it was sent, or somebody has decided already.
    """
    return _decide(message, by, at, f"Written off by {by}.")


def _decide(message: Message, by: User, at: datetime, reason: str) -> Message:
    row = lock_seen(message, by)
    if row.state not in OPEN or row.decided_at:
        raise NotUncertain(f"This message is {row.get_state_display().lower()}: there is nothing to decide about it.")
    row.state, row.settled_at = MessageState.NOT_SENT_PRESUMED, row.settled_at or at
    row.decided_at, row.decided_by, row.reason = at, by, reason[:200]
    row.save(update_fields=["state", "settled_at", "decided_at", "decided_by", "reason", "updated_at"])
    bells.engine()
    return row


@atomic_with_retries
def stop_sending(*, reason: str, by: User | None, at: datetime, channel: str = "") -> SendingStop:
    """Let no message go out any more, on ``channel`` or ("") on any; those that wait go on waiting.

    What was marked before may still be on its way, for ten seconds at most. Calls go on.

    :raises NoReason: ``reason`` is blank.
    :raises NoSuchChannel: no message goes out on ``channel``.
    :raises AlreadyStopped: such a stop stands already.
    """
    words = one_line(reason)[:200]
    if shows_nothing(words):
        raise NoReason("Say why nothing is sent: whoever wants to send looks here.", details={"reason": "Say why."})
    if channel not in {"", *CHANNELS}:
        raise NoSuchChannel(f"No message goes out on {channel!r}.", details={"channel": OF_MESSAGES})
    try:
        with transaction.atomic():
            return SendingStop.objects.create(id=uuid7(), channel=channel, reason=words, by=by, at=at)
    except IntegrityError as error:
        raise AlreadyStopped("Sending is stopped already.") from error


@atomic_with_retries
def let_send(*, stop: SendingStop, by: User | None, at: datetime) -> SendingStop:
    """Lift a stop; messages that wait and are not too late go out. Lifting it again changes nothing."""
    row = lock(stop)
    if row.lifted_at is None:
        row.lifted_at, row.lifted_by = at, by
        row.save(update_fields=["lifted_at", "lifted_by"])
        bells.dispatcher()
    return row
