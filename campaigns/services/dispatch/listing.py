"""A provider's own list of what it sent: asked for here alone, and never trusted with the worker that asks."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from campaigns.providers import Sent, sender_on
from campaigns.services.dispatch import looping
from config.kernel.providers import Unavailable

LONGEST: Final = 300.0  # seconds that a list may take


def listed(
    provider: str, *, since: datetime, until: datetime, picks: Callable[[Sent], bool] | None = None
) -> list[Sent]:
    """Return the lines of a provider's list of [since, until), oldest first; only those that ``picks`` wants.

    :raises ProviderError: the list cannot be had, or not within five minutes.
    :raises ImproperlyConfigured: the settings name no such provider.
    """
    return looping.run(_listed(provider, since, until, picks))


async def _listed(provider: str, since: datetime, until: datetime, picks: Callable[[Sent], bool] | None) -> list[Sent]:
    async def read() -> list[Sent]:
        lines = sender_on(provider).sent(since=since, until=until)
        return [line async for line in lines if picks is None or picks(line)]

    try:
        return await looping.within(LONGEST, read)
    except TimeoutError as error:
        raise Unavailable("Its list took too long.") from error
