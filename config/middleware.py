"""What every request gets: an id, a line in the log, honest timing, a content policy, a time zone, an actor."""

import ipaddress
import logging
import re
import time
import zoneinfo
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.utils.html import format_html
from pghistory.middleware import HistoryMiddleware

from config.health import PROBES
from config.kernel import clock
from config.kernel.http import id_for, live_address, request_id
from crm.services import notices

logger = logging.getLogger("clearline.access")

Next = Callable[[HttpRequest], HttpResponse]


class RequestContext:
    """Gives the request an id (the caller's, if it can be nothing else), the response a ``Server-Timing``, the log
    a line.

    The line names the route, not the path, and never a query value: logs are read by more people than the database.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = request_id.set(id_for(request.headers.get("X-Request-ID", "")))
        began, database = time.perf_counter(), _DatabaseTime()
        try:
            with ExitStack() as stack:
                for alias in connections:
                    stack.enter_context(connections[alias].execute_wrapper(database))
                response = self.get_response(request)
            total = (time.perf_counter() - began) * 1000
            response["X-Request-ID"] = request_id.get()
            response["Server-Timing"] = (
                f'total;dur={total:.1f}, db;dur={database.seconds * 1000:.1f};desc="{database.statements} statements"'
            )
            _log(request, response, total, database)
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


def _log(request: HttpRequest, response: HttpResponse, total: float, database: _DatabaseTime) -> None:
    fixed = request.path in PROBES or request.path.startswith(settings.STATIC_URL)
    if fixed and response.status_code < 400:
        return  # a probe every second, or a file, says nothing while all is well
    match = request.resolver_match
    logger.info(
        "request",
        extra={
            "method": request.method,
            "route": _route(match.route) if match else request.path if request.path in PROBES else "",
            "status": response.status_code,
            "ms": round(total, 1),
            "db_ms": round(database.seconds * 1000, 1),
            "statements": database.statements,
            "user": _who(request),
        },
    )


@cache
def _route(pattern: str) -> str:
    """``^contacts/(?P<pk>[0-9a-f]+)/$`` as people write it: ``contacts/{pk}/``."""
    return re.sub(r"\(\?P<(\w+)>[^/]*\)", r"{\1}", pattern).replace("^", "").replace("$", "").replace("\\Z", "")


def _who(request: HttpRequest) -> str:
    """The id of whoever asks, if anybody has looked; asking now would cost a query."""
    user = getattr(request, "_cached_user", None) or request.__dict__.get("user")
    known = user.__dict__.get("id") if hasattr(user, "__dict__") else None
    return str(known or "")


class Probes:
    """Answers /health and /readyz before session, sign-in and whatever else may need a database that is away."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path)
        if probe is None:
            return self.get_response(request)
        asked = request.method in {"GET", "HEAD"}
        response: HttpResponse = probe(request) if asked else HttpResponseNotAllowed(["GET", "HEAD"])
        response["Cache-Control"] = "no-store"
        return response


class ContentPolicy:
    """No inline script anywhere. The admin alone may evaluate (the theme's Alpine) and style inline (DESIGN 26)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if "Content-Security-Policy" not in response:
            response["Content-Security-Policy"] = self._policy(request)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(self)")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.path.startswith("/api/"):
            response.setdefault("Cache-Control", "private, no-store")
        return response

    def _policy(self, request: HttpRequest) -> str:
        admin = request.path.startswith("/admin/")
        script = "'self' 'unsafe-eval'" if admin else "'self'"
        style = "'self' 'unsafe-inline'" if admin else "'self'"
        live = live_address(request).removesuffix("/ws")
        return (
            f"default-src 'none'; script-src {script}; style-src {style}; img-src 'self' data:; font-src 'self'; "
            f"connect-src 'self' {live}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
            "manifest-src 'self'"
        )


class OwnTimeZone:
    """Shows times in the zone of whoever reads. The API does not: there, times are UTC."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            return self.get_response(request)
        zone = getattr(request.user, "time_zone", "")
        if not zone or zone not in _zones():
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(zone)):
            return self.get_response(request)


def _zones() -> set[str]:
    if not _known_zones:
        _known_zones.update(zoneinfo.available_timezones())
    return _known_zones


_known_zones: set[str] = set()  # asking the disk takes milliseconds, and a release of zone data a restart


class Notices:
    """Shows people on the next page of the back office what they have not been told yet; scripts and parts of pages,
    which the browser fetches by itself, are none."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self._is_page(request) and request.user.is_authenticated:
            for text, link in notices.see(user=request.user, at=clock.now()):
                more = format_html(' <a class="cl-link" href="{}">Look</a>', link) if link else ""
                messages.info(request, format_html("{}{}", text, more))
        return self.get_response(request)

    def _is_page(self, request: HttpRequest) -> bool:
        is_asked = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        return is_asked and request.path.startswith("/admin/") and "HX-Request" not in request.headers


class Audit(HistoryMiddleware):
    """Tells the audit triggers who changes rows in this request, from where and with what."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        changes_something = request.method not in {"GET", "HEAD", "OPTIONS"}
        answer: Any = super().__call__ if changes_something else self.get_response
        return cast("HttpResponse", answer(request))

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().get_context(request)
        context["ip"] = _client_ip(request)
        context["user_agent"] = request.headers.get("User-Agent", "")[:300].replace("\0", "")
        context["request_id"] = request_id.get()
        return context


def _client_ip(request: HttpRequest) -> str | None:
    """The peer's address, or what the proxy in front of us vouches for when there is one; None if it is no address."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    said = forwarded.rsplit(",", 1)[-1].strip() or request.META.get("REMOTE_ADDR", "")
    try:
        return str(ipaddress.ip_address(said))
    except ValueError:
        return None
