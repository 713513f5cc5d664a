"""What Django itself refuses, before or outside any view of ours: JSON for programs, a page for people."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import csrf, defaults

from config.kernel.http import request_id


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _wants_page(request):
        return defaults.bad_request(request, exception)
    return _refusal(400, "The request is malformed.", "bad_request")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _wants_page(request):
        return defaults.permission_denied(request, exception)
    return _refusal(403, "You may not do this.", "permission_denied")


def not_found(request: HttpRequest, exception: Exception | None = None, **kwargs: Any) -> HttpResponse:
    if _wants_page(request):
        return defaults.page_not_found(request, exception or LookupError())
    return _refusal(404, "There is nothing at this address. /api/v1/ lists what there is.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    if _wants_page(request):
        return defaults.server_error(request)
    return _refusal(500, f"This is our fault and was logged as {request_id.get()}.", "server_error")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if _wants_page(request):
        return csrf.csrf_failure(request, reason)
    return _refusal(403, f"CSRF check failed: {reason}", "csrf_failed")


def _wants_page(request: HttpRequest) -> bool:
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "text/html")


def _refusal(status: int, error: str, code: str) -> JsonResponse:
    return JsonResponse({"error": error, "error_code": code, "details": []}, status=status)
