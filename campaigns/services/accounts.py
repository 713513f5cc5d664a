"""Sending accounts: who sends on which channel, from which number or address, and how fast."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction

from campaigns.choices import MessageState
from campaigns.models import Message, SendingAccount
from campaigns.models.accounts import FASTEST, SLOWEST
from campaigns.services import senders
from campaigns.services.dispatch import accounts as pacing
from campaigns.services.naming import named
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel
from crm.models import User
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable

VOICE: Final = "voice"  # calls people, and delivers no messages
_OFF: Final = "Switch it off, if it shall not send."
EDITABLE: Final = frozenset({"name", "user", "per_second", "per_day", "is_active"})


class Taken(Conflict):
    """Another account of this provider sends from there."""

    code = "already_exists"


class NotAnAddress(DomainError):
    code = "not_an_address"


class NoProvider(DomainError):
    """The settings name no such provider, or one that serves another channel."""

    code = "no_provider"


class NoPace(DomainError):
    """It sends too little to send at all, which switching it off says better, or faster than anybody takes it."""

    code = "no_pace"


@atomic_with_retries
def create(*, channel: str, provider: str, address: str, by: User | None, at: datetime, **said: Any) -> SendingAccount:
    """Set up an account.

    :raises Taken: there is one.
    :raises NotAnAddress: it sends from no number, or e-mail address.
    :raises NoProvider: settings.PROVIDERS does not name it, or it serves another channel.
    :raises NoPace: it would never send, or faster than 10,000 a second.
    :raises naming.Nameless: it has no name.
    """
    told = {name: said[name] for name in EDITABLE & said.keys()}
    serves = _provider(channel, provider.strip())
    row = SendingAccount(channel=channel, provider=serves, address=_address(channel, address), **told)
    return _saved(row, by)


@atomic_with_retries
def edit(*, row: SendingAccount, changes: Mapping[str, Any], by: User | None, at: datetime) -> SendingAccount:
    """Change its name, whose it is, its pace, or whether it sends; another pace holds at once, whatever was reserved.

    :raises NoPace, naming.Nameless: see ``create``.
    """
    row = SendingAccount.objects.select_for_update(no_key=True).get(pk=row.pk)
    old, owner = row.per_second, row.user_id
    for name in EDITABLE & changes.keys():
        setattr(row, name, changes[name])
    row = _saved(row, by)
    pacing.change_pace(account_id=row.pk, old=old, new=row.per_second, at=at)
    if row.user_id and row.user_id != owner:
        pacing.take_back(account_id=row.pk)
    return row


def waiting(row: SendingAccount, *, most: int) -> int:
    """Return how many messages wait for an account; ``most`` + 1 where they are more than so many."""
    return Message.objects.filter(account=row, state=MessageState.PENDING).order_by()[: most + 1].count()


@atomic_with_retries
def reopen(*, row: SendingAccount, by: User | None, at: datetime) -> SendingAccount:
    """Try an account again that its provider had refused; where it refuses again, it closes again."""
    row = SendingAccount.objects.select_for_update(no_key=True).get(pk=row.pk)
    row.open_until, row.open_reason, row.failures = None, "", 0
    return _saved(row, by)


def _provider(channel: str, name: str) -> str:
    serving = sorted(port for port in settings.PROVIDERS.keys() - {VOICE} if senders.channel_of(port) == channel)
    if name not in serving:
        there_are = f"There are: {', '.join(serving) or 'none'}."
        raise NoProvider(
            f"No provider on this channel is called {name!r}. {there_are}", details={"provider": there_are}
        )
    return name


def _address(channel: str, told: str) -> str:
    try:
        return parse_email(told) if channel == Channel.EMAIL else parse_phone(told).e164
    except Unusable as error:
        raise NotAnAddress(str(error), details={"address": str(error)}) from error


def _saved(row: SendingAccount, by: User | None) -> SendingAccount:
    row.name = named(row.name, what="account")
    faults = {}
    if not SLOWEST <= row.per_second <= FASTEST:
        faults["per_second"] = f"From {SLOWEST:g} to {FASTEST:,.0f}. {_OFF}"
    if row.per_day < 1:
        faults["per_day"] = f"More than nothing. {_OFF}"
    if faults:
        raise NoPace("This is no pace to send at.", details=faults)
    try:
        with transaction.atomic(), acting(user=by and by.pk):
            row.save()
    except IntegrityError as error:
        said = f"There is an account that sends from {row.address} by {row.provider} already."
        raise Taken(said, details={"address": "Taken."}) from error
    return row
