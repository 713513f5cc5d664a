"""Which class reads the news of which provider: one line of ``settings.WEBHOOKS`` each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was told: by which it is known when it comes again, and its words."""

    key: str
    body: bytes


class Forged(Exception):
    """The signature is missing or wrong."""


class Unreadable(Exception):
    """The words are none that this provider uses, or are about nobody of ours: kept, shown, and not tried again."""


class TooEarly(Exception):
    """This may be about something that we do not know yet: try again."""


class Hook(Protocol):
    def is_signed(self, *, body: bytes, headers: Mapping[str, str], address: str) -> bool:
        """Say whether the provider proved that it is itself. :raises Forged: it tried, and did not."""
        ...

    def items(self, body: bytes) -> Iterable[Item]:
        """Yield everything that was told in one request. :raises Unreadable: then the whole is kept as one."""
        ...

    def at_once(self, bodies: Mapping[UUID, bytes], *, at: datetime) -> Mapping[UUID, str]:
        """Tell the domain what of ``bodies`` can be told together, in a few statements; return the kind of each.

        Inside the transaction that settles them. What is left out is understood one by one, and so is everything where
        this raises.
        """
        ...

    def understand(self, body: bytes, *, received_at: datetime, signed: bool, at: datetime) -> str:
        """Tell the domain, inside the transaction that settles the news, and return what kind of news it was.

        Unsigned news may add a suppression and never removes one.

        :raises Unreadable: see there.
        :raises TooEarly: see there.
        """
        ...


def hook_for(provider: str) -> Hook | None:
    """Return the hook of ``provider``, None where the settings name none."""
    path = settings.WEBHOOKS.get(provider)
    return cast("Hook", import_string(path)()) if path else None
