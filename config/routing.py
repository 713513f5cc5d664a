from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import URLPattern

paths: list[URLPattern] = []

websockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(paths)))
