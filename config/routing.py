from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import URLPattern, path

from calls.consumers import DeskConsumer

paths: list[URLPattern] = [path("ws/desk/", DeskConsumer.as_asgi())]

websockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(paths)))
