"""How the page asks: signed in, allowed to use the desk, and every answer in one shape."""

import json
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from calls.services.queue import Wanted
from config.kernel.errors import Conflict, DomainError, NotThere
from config.kernel.providers import ProviderError
from crm.models import Project, User

LARGEST = 100_000  # bytes of a body; the longest thing that is said here is a note
# What the session of the browser remembers.
WANTED, SAVED, GIVEN_BACK = "desk_wanted", "desk_saved", "desk_given_back"

View = Callable[..., HttpResponse]
Row = TypeVar("Row")


def page(view: View) -> View:
    """A page of the back office for who may use the call desk; others are sent to sign in, or refused."""

    @wraps(view)
    def walled(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if not request.user.has_perm("calls.use_call_desk"):
            raise PermissionDenied("You may not use the call desk: ask an admin for the role BDR.")
        return view(request, *args, **named)

    return require_GET(admin.site.admin_view(walled))


def fragment(view: View) -> View:
    """Something the page fetches: JSON, and 401 or 403 in JSON rather than a page to sign in."""
    return require_GET(_spoken(view))


def deed(view: View) -> View:
    """Something the page does: POST with a JSON body and the CSRF token; refusals are answered in JSON."""
    return require_POST(_spoken(view))


def _spoken(view: View) -> View:
    @wraps(view)
    def told(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if not admin.site.has_permission(request):
            return refusal(401, "You are signed out. Sign in again; your notes are kept.", "signed_out")
        if not request.user.has_perm("calls.use_call_desk"):
            return refusal(403, "You may not use the call desk.", "permission_denied")
        try:
            response = view(request, *args, **named)
        except BadRequest as error:
            response = refusal(400, str(error), "bad_request")
        except DomainError as error:
            response = refusal(status_of(error), str(error), error.code)
        response["Cache-Control"] = "no-store"
        return response

    return told


def refusal(status: int, error: str, code: str, **more: Any) -> JsonResponse:
    return JsonResponse({"error": error, "error_code": code, "details": [], **more}, status=status)


def status_of(error: DomainError | ProviderError) -> int:
    if isinstance(error, ProviderError):
        return 502
    return 404 if isinstance(error, NotThere) else 409 if isinstance(error, Conflict) else 400


def body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object that was sent.

    :raises BadRequest: it is none, or too large.
    """
    if len(request.body) > LARGEST:
        raise BadRequest("That is too long.")
    try:
        said = json.loads(request.body or b"{}")
        json.dumps(said, ensure_ascii=False).encode()  # half of a surrogate pair is JSON, and no text
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request is not JSON.") from error
    if not isinstance(said, dict):
        raise BadRequest("The request is not a JSON object.")
    return said


def text(said: dict[str, Any], name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be text.")
    return value.replace("\0", "")


def key(value: Any, name: str) -> UUID:
    """Return ``value`` as an id.

    :raises BadRequest: it is none.
    """
    try:
        return UUID(str(value))
    except ValueError as error:
        raise BadRequest(f"{name} is not an id.") from error


def maybe_key(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def wanted_of(request: HttpRequest) -> Wanted:
    """Return the filters that this browser session has chosen; what does not exist any more is left out."""
    return read_wanted(request.session.get(WANTED) or {}, user_of(request))


def read_wanted(chosen: dict[str, Any], user: User) -> Wanted:
    project = maybe_key(chosen.get("project"))
    priority = str(chosen.get("priority") or "")
    return Wanted(
        project=Project.objects.visible_to(user).filter(pk=project).first() if project else None,
        owner=user if chosen.get("owner") else None,
        priority=int(priority) if priority in {"1", "2", "3", "4"} else None,
        zone=str(chosen.get("zone") or "")[:64],
    )


def user_of(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def found(rows: Any, value: Any, what: str) -> Any:
    """Return the one of ``rows`` with this id.

    :raises NotThere: there is none for whoever asks.
    """
    try:
        return the_one(rows.filter(pk=value)[:1], what)
    except (ValidationError, ValueError):
        return the_one((), what)


def the_one(rows: Iterable[Row], what: str) -> Row:
    """Return the only one of ``rows``.

    :raises NotThere: there is none for whoever asks.
    """
    for row in rows:
        return row
    raise NotThere(f"{what} is not there (any more).")
