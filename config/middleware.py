"""What every request gets: an id, a time zone, an actor for the audit, a content policy, and honest timing."""

import re
import secrets
import time
import zoneinfo
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from pghistory.middleware import HistoryMiddleware

from config.logs import request_id

Next = Callable[[HttpRequest], HttpResponse]
_SAFE_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class RequestContext:
    """Gives the request an id (kept if the caller sent a sane one) and the response a ``Server-Timing``."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        token = request_id.set(given if _SAFE_ID.match(given) else secrets.token_hex(8))
        began, database = time.perf_counter(), _DatabaseTime()
        try:
            with ExitStack() as stack:
                stack.enter_context(connection.execute_wrapper(database))
                response = self.get_response(request)
            total = (time.perf_counter() - began) * 1000
            response["X-Request-ID"] = request_id.get()
            response["Server-Timing"] = (
                f'total;dur={total:.1f}, db;dur={database.seconds * 1000:.1f};desc="{database.statements} statements"'
            )
            return response
        finally:
            request_id.reset(token)


class _DatabaseTime:
    def __init__(self) -> None:
        self.seconds, self.statements = 0.0, 0

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - began
            self.statements += 1


class ContentPolicy:
    """No inline script anywhere. The admin alone may evaluate (the theme's Alpine) and style inline (DESIGN 26)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            response["Content-Security-Policy"] = self._policy(request.path)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
        return response

    def _policy(self, path: str) -> str:
        admin = path.startswith("/admin/")
        script = "'self' 'unsafe-eval'" if admin else "'self'"
        style = "'self' 'unsafe-inline'" if admin or path.startswith("/api/") else "'self'"
        live = settings.WS_URL.split("/ws/")[0]
        return (
            f"default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; font-src 'self'; "
            f"connect-src 'self' {live}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
            "manifest-src 'self'"
        )


class OwnTimeZone:
    """Shows times in the zone of whoever reads."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = getattr(request.user, "time_zone", "")
        if not zone or zone not in zoneinfo.available_timezones():
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(zone)):
            return self.get_response(request)


class Audit(HistoryMiddleware):
    """Tells the audit triggers who changes rows in this request, from where and with what."""

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request)
        context["ip"] = _client_ip(request)
        context["user_agent"] = request.headers.get("User-Agent", "")[:300]
        context["request_id"] = request_id.get()
        return context


def _client_ip(request: HttpRequest) -> str | None:
    """The peer's address, or what the proxy in front of us vouches for when there is one."""
    forwarded = request.headers.get("X-Forwarded-For", "") if getattr(settings, "SECURE_PROXY_SSL_HEADER", None) else ""
    return forwarded.rsplit(",", 1)[-1].strip() or request.META.get("REMOTE_ADDR") or None
