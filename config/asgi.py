"""Websockets only: HTTP is served over WSGI, where sync views are 4 to 7 times faster (DESIGN 25)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - Django must be set up first

from config.routing import websockets  # noqa: E402 - imports consumers, hence models

application = ProtocolTypeRouter({"http": http, "websocket": websockets})
