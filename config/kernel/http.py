"""What is known about the request that is being answered."""

import re
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from crm.models import User

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

request_id: ContextVar[str] = ContextVar("clearline_request_id", default="")
_UUID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"(?=.*[A-Za-z])(?!.*\d[\d.-]{6,})[A-Za-z0-9._-]{16,64}")  # with no digits that may be a number


def id_for(given: str) -> str:
    """Return the id of a request whose caller calls it ``given``: that, if it can be nothing but an id, else our own.

    It is logged as it is. A UUID will do, or 16 to 64 letters and digits with no run of digits that somebody's
    telephone number might be.
    """
    return given if _UUID.fullmatch(given) or _NAME.fullmatch(given) else secrets.token_hex(8)


class SignedInRequest(HttpRequest):
    """A request that has passed a login wall, so ``user`` is a person."""

    user: "User"


def live_address(request: HttpRequest) -> str:
    """Return where this page's websockets are, ending in "/ws".

    On one's own machine it has the name that the page was opened by: a browser sends the cookies of "localhost" to no
    other name, not even to 127.0.0.1.
    """
    address = urlsplit(str(settings.WS_URL))
    opened = _hostname(request.headers.get("Host", ""))  # not get_host(): a refused host still gets its answer
    if address.hostname in LOOPBACK and opened in LOOPBACK:
        name = f"[{opened}]" if ":" in opened else opened
        address = address._replace(netloc=f"{name}:{address.port}" if address.port else name)
    return address.geturl().rstrip("/")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
