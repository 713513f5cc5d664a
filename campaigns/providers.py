"""What campaigns need from those who deliver messages: one port per channel, all of one shape.

``settings.PROVIDERS`` names the adapter of each: "sms", "email", "voicemail".
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, cast

from config.kernel.providers import Rejected, Unavailable, providers

# By which the clock of a provider and that of the worker who asked it may differ: each is five minutes off at most.
# Whoever looks for a message in a provider's list looks so much before and after.
SKEW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as a provider gets it.

    ``to`` and ``sender`` are E.164 numbers or e-mail addresses. ``key`` names this message: a provider that knows keys
    sends it once however often it is asked. ``token`` is secret, travels with the request, and comes back with all news
    of it, so that they find us even where the answer was lost. It may not be delivered after ``valid_until``.
    """

    to: str
    sender: str
    body: str
    key: str
    token: str
    valid_until: datetime
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider has it: ``reference`` is its own id of the message."""

    reference: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A line of the provider's own ledger. ``token`` is empty where it does not give it back.

    ``status`` is "accepted", "delivered" or "undelivered"; whatever else it says, the provider has the message.
    """

    reference: str
    token: str
    to: str
    sender: str
    status: str
    at: datetime


class RecipientRefused(Rejected):
    """This recipient is refused for good. ``code`` is the provider's; ``opted_out``: they told the provider to stop."""

    def __init__(self, message: str, *, code: str = "", opted_out: bool = False) -> None:
        super().__init__(message)
        self.code, self.opted_out = code, opted_out


class AccountRefused(Unavailable):
    """The account itself is refused (suspended, wrong credentials): certainly not sent, nor will anything else be."""


class MessageProvider(Protocol):
    label: str  # what people call it, for example "Simulated carrier"
    channel: str  # that it delivers on: "sms", "email" or "voicemail"
    is_idempotent: bool  # it recognises ``Outgoing.key`` and never sends one twice

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Hand a message over, once, without any retry of its own: connect within 3 s, answer within 10 s.

        :raises RecipientRefused: this one is refused for good.
        :raises AccountRefused: certainly not sent, and the account is refused.
        :raises config.kernel.providers.Unavailable: certainly not sent; trying again after ``retry_after`` is safe.
        :raises config.kernel.providers.OutcomeUnknown: it may have been sent; look before asking again.
        """
        ...

    def sent(self, *, since: datetime, until: datetime) -> AsyncIterator[Sent]:
        """Yield everything that the provider says was sent by us in [since, until), oldest first."""
        ...


def sender_on(channel: str) -> MessageProvider:
    """Return the provider of a channel. :raises ImproperlyConfigured: the settings name none."""
    return cast("MessageProvider", providers[channel])


def usable_reference(said: object) -> str:
    """Return ``said`` where it is an id that a message can be known by: short, and of plain signs; "" where it is not.

    No part is taken of any other: it might be the id of another message.
    """
    usable = isinstance(said, str) and len(said) <= 120 and said.isascii() and said.isprintable()
    return str(said) if usable else ""
