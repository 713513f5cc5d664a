"""The addresses under which providers bring us news: unguessable, kept nowhere, and two valid at once.

A door's token is derived from SECRET_KEY and HOOK_EPOCH (256 bits). Raising the epoch makes new ones; those of the
epoch before stay open until the next raise, so that no news is lost while a provider is told.
"""

from hmac import compare_digest

from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "integrations.inbox.doors"


def token(provider: str, *, epoch: int | None = None) -> str:
    epoch = settings.HOOK_EPOCH if epoch is None else epoch
    return salted_hmac(_SALT, f"{provider}:{epoch}", algorithm="sha256").hexdigest()


def address(provider: str) -> str:
    """Return the address that ``provider`` is told to bring its news to."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/hooks/{provider}/{token(provider)}/"


def opens(provider: str, given: str) -> bool:
    """Whether ``given`` is a token of this epoch or of the one before."""
    epochs = (settings.HOOK_EPOCH, settings.HOOK_EPOCH - 1)
    return any(compare_digest(token(provider, epoch=epoch).encode(), given.encode()) for epoch in epochs)
