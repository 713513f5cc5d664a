"""Whoever a test signs in is signed in, with one statement instead of eighteen."""

from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_backends
from django.contrib.sessions.backends.db import SessionStore
from django.utils.crypto import get_random_string


def sign_in_quickly() -> None:
    """Let `force_login` of test clients leave the session that signing in leaves, and nothing else.

    No word to axes and no `last_login`: whoever tests these signs in on the page, as people do.
    """
    from django.test import Client

    patch.object(Client, "force_login", _force_login).start()  # to the end of the process


def _force_login(self: Any, user: Any, backend: str | None = None) -> None:
    kept, key = SessionStore(), get_random_string(32)
    said = {
        SESSION_KEY: user._meta.pk.value_to_string(user),
        BACKEND_SESSION_KEY: backend or _backend(),
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    row = kept.model(session_key=key, session_data=kept.encode(said), expire_date=kept.get_expiry_date())
    row.save(force_insert=True)
    self.cookies[settings.SESSION_COOKIE_NAME] = key


def _backend() -> str:
    """The first that knows people again, as Django chooses it."""
    kind = next(type(one) for one in get_backends() if hasattr(one, "get_user"))
    return f"{kind.__module__}.{kind.__qualname__}"
