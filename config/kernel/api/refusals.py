"""Every refusal looks the same, whoever refuses: ``{error, error_code, details: [{field, message, code}]}``.

``error`` is for people, ``error_code`` for programs, ``details`` name the fields at fault ("points.0.value").
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404
from psycopg.errors import QueryCanceled
from rest_framework import exceptions as drf_errors
from rest_framework.response import Response

from config.kernel.errors import Conflict, DomainError, NotThere
from config.kernel.gate import GATE_ERROR, Verdict
from config.kernel.http import request_id

logger = logging.getLogger(__name__)

Detail = dict[str, str]
RETRY_SECONDS = 5
# Classes of SQLSTATE after which the same request may succeed: no connection, shutting down, out of resources, rolled
# back for somebody else's sake, locked by somebody else. In class 54 a value is larger than PostgreSQL can index.
PASSING = ("08", "57P", "53", "40", "55P03")
TOO_LARGE = "54"


def refusal(
    status: int, error: str, code: str, details: list[Detail] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        {"error": error, "error_code": code, "details": details or []}, status=status, headers=dict(headers or {})
    )


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """Answer any exception of a view; what nobody expected is logged and answered with the id it is logged under."""
    answer = next((answer for kinds, answer in _ANSWERS if isinstance(error, kinds)), _unexpected)
    return answer(error, context)


def _domain(error: Any, context: dict[str, Any]) -> Response:
    details = [{"field": field, "message": message, "code": error.code} for field, message in error.details.items()]
    details += _blocks(getattr(error, "verdict", None))
    if error.code == GATE_ERROR:
        return refusal(503, str(error), error.code, details, {"Retry-After": str(RETRY_SECONDS)})
    status = 409 if isinstance(error, Conflict) else 404 if isinstance(error, NotThere) else 400
    return refusal(status, str(error), error.code, details)


def _blocks(verdict: Verdict | None) -> list[Detail]:
    """What stands against an approach: whom each reason closes, until when, and its code."""
    found = verdict.blocks if verdict else ()
    return [
        {
            "field": str(block.level),
            "message": f"Until {block.until:%Y-%m-%dT%H:%M:%SZ}." if block.until else "Until somebody lifts it.",
            "code": block.code,
        }
        for block in found
    ]


def _invalid(error: Any, context: dict[str, Any]) -> Response:
    if isinstance(error, django_errors.ValidationError):
        error = drf_errors.ValidationError(_told_by_django(error))
    details = list(flatten(error.detail))
    return refusal(error.status_code, _sentence(details), "invalid", details)


def _told_by_django(error: django_errors.ValidationError) -> Any:
    by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    return {
        "" if field == django_errors.NON_FIELD_ERRORS else field: [
            drf_errors.ErrorDetail(text, one.code or "invalid") for one in errors for text in one.messages
        ]
        for field, errors in by_field.items()
    }


def flatten(detail: Any, path: str = "") -> Iterator[Detail]:
    """Turn DRF's nested errors into a list, each with the path of its field; list items are counted from 0."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from flatten(inner, path if name == "non_field_errors" else f"{path}.{name}".strip("."))
    elif isinstance(detail, list | tuple):
        for place, inner in enumerate(detail):
            leaf = isinstance(inner, str)
            yield from flatten(inner, path if leaf else f"{path}.{place}".strip("."))
    else:
        yield {"field": path, "message": str(detail), "code": str(getattr(detail, "code", "invalid"))}


def _sentence(details: list[Detail]) -> str:
    if not details:
        return "The request is invalid."
    first = details[0]
    said = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
    return f"{said} ({len(details) - 1} more, see details.)" if len(details) > 1 else said


def _http(error: Any, context: dict[str, Any]) -> Response:
    if isinstance(error, Http404):
        error = drf_errors.NotFound()
    if isinstance(error, django_errors.PermissionDenied):
        error = drf_errors.PermissionDenied()
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    code = error.detail.code if hasattr(error.detail, "code") else error.default_code
    return refusal(error.status_code, _say(error, context), code, headers=headers)


def _say(error: Any, context: dict[str, Any]) -> str:
    if isinstance(error, drf_errors.NotFound):
        return "There is nothing here, or nothing that you may see."
    if isinstance(error, drf_errors.MethodNotAllowed):
        view = context.get("view")
        allowed = ", ".join(view.allowed_methods) if view else ""
        advice = getattr(view, "how_to_change", "")
        return " ".join(part for part in (str(error.detail), f"Allowed: {allowed}." if allowed else "", advice) if part)
    return str(error.detail)


def _conflict(error: Any, context: dict[str, Any]) -> Response:
    """Say which promise of the database would have been broken; never the values, which may be somebody else's."""
    if isinstance(error, ProtectedError | RestrictedError):
        return refusal(409, "Other records still need this one.", "still_needed")
    rule = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or "a rule of the database"
    return refusal(409, f"This would break {rule}: somebody may have been faster. Read again.", "conflict")


def _busy(error: Any, context: dict[str, Any]) -> Response:
    if isinstance(error.__cause__, QueryCanceled):
        return refusal(400, "This question takes too long: narrow your filter.", "narrow_your_filter")
    state = getattr(error.__cause__, "sqlstate", None)  # None: there was nobody to give one
    if isinstance(error, OperationalError) and state and not state.startswith(PASSING):
        return (_bad_value if state.startswith(TOO_LARGE) else _unexpected)(error, context)
    logger.error("The database failed us", exc_info=error)
    wait = {"Retry-After": str(RETRY_SECONDS)}
    return refusal(503, "The database cannot answer now: nothing was changed, try again.", "unavailable", headers=wait)


def _bad_value(error: Any, context: dict[str, Any]) -> Response:
    return refusal(400, "The database cannot hold one of these values: out of range, or too long.", "bad_value")


def _suspicious(error: Any, context: dict[str, Any]) -> Response:
    return refusal(getattr(error, "status_code", 400), "The request is malformed.", "bad_request")


def _unexpected(error: Exception, context: dict[str, Any]) -> Response:
    request = getattr(context.get("request"), "_request", None)
    got_request_exception.send(sender=handle_exception, request=request)
    logger.error("A request broke: %s", type(error).__name__, exc_info=error)
    known_as = request_id.get()
    return refusal(500, f"This is our fault and was logged as {known_as}.", "server_error")


_ANSWERS: tuple[tuple[Any, Callable[[Any, dict[str, Any]], Response]], ...] = (
    (DomainError, _domain),
    ((drf_errors.ValidationError, django_errors.ValidationError), _invalid),
    ((drf_errors.APIException, Http404, django_errors.PermissionDenied), _http),
    (IntegrityError, _conflict),
    ((OperationalError, InterfaceError), _busy),
    (DataError, _bad_value),
    (django_errors.SuspiciousOperation, _suspicious),
)
