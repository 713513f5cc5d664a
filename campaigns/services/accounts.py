"""Sending accounts: who sends on which channel, from which number or address, and how fast."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction

from campaigns.models import SendingAccount
from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel
from crm.models import User
from crm.services.normalization.emails import parse_email
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable

VOICE: Final = "voice"  # calls people, and delivers no messages
EDITABLE: Final = frozenset({"name", "user", "per_second", "per_day", "is_active"})


class Taken(Conflict):
    """Another account of this provider sends from there."""

    code = "already_exists"


class NotAnAddress(DomainError):
    code = "not_an_address"


class NoProvider(DomainError):
    """The settings name no such provider."""

    code = "no_provider"


class TooSlow(DomainError):
    """An account that never sends is switched off instead."""

    code = "too_slow"


@atomic_with_retries
def create(*, channel: str, provider: str, address: str, by: User | None, at: datetime, **said: Any) -> SendingAccount:
    """Set up an account.

    :raises Taken: there is one.
    :raises NotAnAddress: it sends from no number, or e-mail address.
    :raises NoProvider: settings.PROVIDERS does not name it.
    :raises TooSlow: it would never send.
    """
    if provider.strip() not in (ports := settings.PROVIDERS.keys() - {VOICE}):
        known = f"There are: {', '.join(sorted(ports))}."
        raise NoProvider(f"No provider is called {provider!r}. {known}", details={"provider": known})
    told = {name: said[name] for name in EDITABLE & said.keys()}
    row = SendingAccount(channel=channel, provider=provider.strip(), address=_address(channel, address), **told)
    return _saved(row, by)


@atomic_with_retries
def edit(*, row: SendingAccount, changes: Mapping[str, Any], by: User | None, at: datetime) -> SendingAccount:
    """Change its name, whose it is, its pace, or whether it sends. :raises TooSlow: it would never send."""
    row = SendingAccount.objects.select_for_update(no_key=True).get(pk=row.pk)
    for name in EDITABLE & changes.keys():
        setattr(row, name, changes[name])
    return _saved(row, by)


@atomic_with_retries
def reopen(*, row: SendingAccount, by: User | None, at: datetime) -> SendingAccount:
    """Try an account again that its provider had refused; where it refuses again, it closes again."""
    row = SendingAccount.objects.select_for_update(no_key=True).get(pk=row.pk)
    row.open_until, row.open_reason, row.failures = None, "", 0
    return _saved(row, by)


def _address(channel: str, told: str) -> str:
    try:
        return parse_email(told) if channel == Channel.EMAIL else parse_phone(told).e164
    except Unusable as error:
        raise NotAnAddress(str(error), details={"address": str(error)}) from error


def _saved(row: SendingAccount, by: User | None) -> SendingAccount:
    if row.per_second <= 0 or row.per_day < 1:
        said = "More than nothing. Switch it off, if it shall not send."
        raise TooSlow(said, details={"per_second" if row.per_second <= 0 else "per_day": said})
    try:
        with transaction.atomic(), acting(user=by and by.pk):
            row.save()
    except IntegrityError as error:
        said = f"There is an account that sends from {row.address} by {row.provider} already."
        raise Taken(said, details={"address": "Taken."}) from error
    return row
