"""Websockets only: HTTP is served over WSGI, where sync views are 4 to 7 times faster (DESIGN 25)."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - Django must be set up first

from config.kernel.http import id_for, request_id  # noqa: E402 - see above
from config.routing import websockets  # noqa: E402 - imports consumers, hence models

_by_protocol = ProtocolTypeRouter({"http": http, "websocket": websockets})


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one connection; whatever is logged about it, the server's own lines included, has its id."""
    given = dict(scope.get("headers", [])).get(b"x-request-id", b"")
    request_id.set(id_for(given.decode("latin-1")))  # never taken back: it ends with the connection's task
    await _by_protocol(scope, receive, send)
