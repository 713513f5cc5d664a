"""What a rep does at the desk. Every deed calls one service and answers with where the rep stands afterwards."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from calls import providers
from calls.choices import OVER, CallSource, EventKind
from calls.models import CallSession, Disposition
from calls.pages import asking, clocks
from calls.pages.desk import answer
from calls.pages.standing import open_call
from calls.services import dialing, drafts, leasing, outcomes, recording, skipping
from calls.services.deciding import Refused
from config.kernel import clock, kept
from config.kernel.errors import DomainError
from config.kernel.providers import OutcomeUnknown, ProviderError
from crm.admin import reasons
from crm.choices import Channel
from crm.models import ContactPoint, ProjectContact, User

FILTERS = ("project", "priority", "zone", "owner")

Deed = Callable[[HttpRequest, dict[str, Any]], dict[str, Any] | None]


def _done(act: Deed) -> asking.View:
    """Let ``act`` happen, and answer with the new state; what it refuses is said in the answer, beside the state."""

    @asking.deed
    @wraps(act)
    def view(request: HttpRequest) -> HttpResponse:
        try:
            told = act(request, asking.body(request)) or {}
        except (DomainError, ProviderError) as error:
            return answer(request, status=asking.status_of(error), **_refused(error))
        return answer(request, **told)

    return view


def _refused(error: DomainError | ProviderError) -> dict[str, Any]:
    if isinstance(error, ProviderError):
        return {"error": _of_line(error), "error_code": "line_refused", "details": []}
    more: dict[str, Any] = {}
    if isinstance(error, Refused):
        found = [reasons.name_of(code) for code in error.verdict.codes]
        more = {"reasons": found, "until": error.earliest.isoformat() if error.earliest else None}
        message = f"Cannot be called now: {', '.join(found).lower()}."
    else:
        message = str(error)
    details = [{"field": field, "message": text, "code": error.code} for field, text in error.details.items()]
    return {"error": message, "error_code": error.code, "details": details, **more}


def _of_line(error: ProviderError) -> str:
    if isinstance(error, OutcomeUnknown):
        return f"It may be ringing all the same: listen, and do not dial again. {error}"
    return f"The call did not begin, and does not count: {error}"


def _require_free(request: HttpRequest) -> None:
    """Nobody else is called while a call waits for its outcome; of the same person dialing makes sure of it itself."""
    call = open_call(user=asking.user_of(request), at=clock.now())
    if call:
        raise dialing.FinishFirst(call)


@_done
def take_next(request: HttpRequest, said: dict[str, Any]) -> None:
    """Give back whoever is held, and take the next."""
    _require_free(request)
    user, at = asking.user_of(request), clock.now()
    request.session.pop(asking.GIVEN_BACK, None)
    leasing.release(user=user, at=at)
    leasing.take_next(user=user, at=at, wanted=asking.wanted_of(request))


@_done
def take(request: HttpRequest, said: dict[str, Any]) -> None:
    """Take somebody out of the strip."""
    _require_free(request)
    user = asking.user_of(request)
    pairs = ProjectContact.objects.visible_to(user).select_related("contact", "project")
    leasing.take(pair=asking.found(pairs, said.get("pair"), "This person"), user=user, at=clock.now())
    request.session.pop(asking.GIVEN_BACK, None)


@_done
def release(request: HttpRequest, said: dict[str, Any]) -> None:
    leasing.release(user=asking.user_of(request), at=clock.now())


@_done
def heartbeat(request: HttpRequest, said: dict[str, Any]) -> None:
    """Keep whom the rep holds. Who was held too long without a call goes back; the page says so until it moves on."""
    try:
        leasing.heartbeat(user=asking.user_of(request), at=clock.now())
    except leasing.HeldTooLong as error:
        request.session[asking.GIVEN_BACK] = str(error.pair_id)
        raise


@_done
def skip(request: HttpRequest, said: dict[str, Any]) -> None:
    """Pass over whom the page shows, which is whom the rep holds unless another window moved on."""
    _require_free(request)
    shown, why = asking.text(said, "pair"), asking.text(said, "why")
    skipping.skip(user=asking.user_of(request), why=why, at=clock.now(), shown=shown)


@_done
def dial(request: HttpRequest, said: dict[str, Any]) -> dict[str, Any]:
    """Dial the chosen number: the gate is asked again, then the line takes over."""
    _require_free(request)
    user = asking.user_of(request)
    key = asking.maybe_key(said.get("point"))
    point = asking.the_one(_points(key=key, user=user) if key else (), "This number")
    played = isinstance(providers.voice(), providers.PlayedLine)
    source = CallSource.SIMULATED if played else CallSource.DESK
    session = dialing.dial(user=user, point=point, at=clock.now(), source=source)
    handover = dialing.begin(session)
    return {"open": handover.url if handover.kind == "link" else ""}


@kept.question
def _points(key: UUID, user: User) -> QuerySet[ContactPoint]:
    points = ContactPoint.objects.visible_to(user).reaching(Channel.CALL).filter(pk=key)
    return points.select_related("endpoint", "contact")


@_done
def line(request: HttpRequest, said: dict[str, Any]) -> None:
    """Let the simulated line play on; a real line tells its news by itself."""
    played, at = providers.voice(), clock.now()
    call = open_call(user=asking.user_of(request), at=at)
    if call and isinstance(played, providers.PlayedLine):
        played.advance(session=call, at=at)


@_done
def happened(request: HttpRequest, said: dict[str, Any]) -> None:
    """The rep says what the line cannot: they answered, or the call is over."""
    kind = asking.text(said, "kind")
    if kind not in {EventKind.ANSWERED, EventKind.COMPLETED}:
        raise DomainError("A rep tells only of an answer or of the end.", details={"kind": "answered or completed."})
    session = _my_call(request, said)
    if session.now.status in OVER:
        return
    recording.add_event(
        session=session, kind=EventKind(kind), at=clock.now(), by=asking.user_of(request), external_id=f"desk.{kind}"
    )


@_done
def outcome(request: HttpRequest, said: dict[str, Any]) -> dict[str, Any]:
    """Give the call its outcome, with the note; whoever was held is given back."""
    user, at = asking.user_of(request), clock.now()
    session = _my_call(request, said)
    disposition = asking.found(Disposition.objects.all(), said.get("disposition"), "This outcome")
    asks = disposition.asks_callback
    when = clocks.callback_time(said, line=session.endpoint, user=user, at=at) if asks else None
    over, note = session.now.status not in OVER and not session.now.outcome_at, asking.text(said, "note")
    outcomes.conclude(session=session, disposition=disposition, by=user, at=at, note=note, callback_at=when, over=over)
    leasing.release(user=user, at=at, contact_id=session.contact_id)
    request.session[asking.SAVED] = str(session.pk)
    return {"saved": str(disposition)}


@_done
def undo(request: HttpRequest, said: dict[str, Any]) -> None:
    """Take the last outcome back; its note is a draft again."""
    user, session = asking.user_of(request), _my_call(request, said)
    undone = outcomes.take_back(session=session, by=user, at=clock.now()).corrects
    if undone and session.pair:
        drafts.save(user=user, pair=session.pair, text=str(undone.facts.get("note", "")))
    request.session.pop(asking.SAVED, None)


@_done
def want(request: HttpRequest, said: dict[str, Any]) -> None:
    """Remember whom this rep wants to call, until they sign out; ``drop`` takes one filter away, "" all of them."""
    chosen = {name: said[name] for name in FILTERS if said.get(name)}
    if "drop" in said:
        known = request.session.get(asking.WANTED) or {}
        chosen = {name: value for name, value in known.items() if said["drop"] and name != said["drop"]}
    request.session[asking.WANTED] = chosen


@asking.deed
def draft(request: HttpRequest) -> HttpResponse:
    """Keep what was typed; answers shortly, because it is asked often."""
    said = asking.body(request)
    user = asking.user_of(request)
    try:
        pair = asking.found(ProjectContact.objects.visible_to(user), said.get("pair"), "This person")
    except DomainError as error:
        return asking.refusal(404, str(error), error.code)
    drafts.save(user=user, pair=pair, text=asking.text(said, "text"))
    return JsonResponse({"kept": True})


def _my_call(request: HttpRequest, said: dict[str, Any]) -> CallSession:
    key = asking.maybe_key(said.get("session"))
    return asking.the_one(_calls_of(user=asking.user_of(request), key=key) if key else (), "This call")


@kept.question
def _calls_of(user: User, key: UUID) -> QuerySet[CallSession]:
    calls = CallSession.objects.filter(rep=user, pk=key)
    return calls.select_related("now", "pair", "project", "endpoint", "contact")
