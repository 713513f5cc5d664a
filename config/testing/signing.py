"""Whoever a test signs in is signed in, with one statement instead of eighteen."""

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_backends
from django.contrib.sessions.backends.db import SessionStore
from django.utils.crypto import get_random_string


def sign_in_quickly() -> None:
    """Let `force_login` of test clients leave the session that signing in leaves, and nothing else.

    No word to axes and no `last_login`: whoever tests these signs in on the page, as people do.
    """
    from django.test import Client

    setattr(Client, "force_login", _force_login)  # noqa: B010 - mypy rightly dislikes a plain assignment


def _force_login(self: Any, user: Any, backend: str | None = None) -> None:
    session = SessionStore()
    session[SESSION_KEY] = user._meta.pk.value_to_string(user)
    session[BACKEND_SESSION_KEY] = backend or _backend()
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session._session_key = get_random_string(32)  # noqa: SLF001 - which it would look up before it takes it
    session.create_model_instance(dict(session.items())).save(force_insert=True)
    self.cookies[settings.SESSION_COOKIE_NAME] = session.session_key


def _backend() -> str:
    """The first that knows people again, as Django chooses it."""
    kind = next(type(one) for one in get_backends() if hasattr(one, "get_user"))
    return f"{kind.__module__}.{kind.__qualname__}"
