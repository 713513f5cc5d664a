"""The call desk: one page, and its state in parts that the page swaps in without ever loading again."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

from calls import providers
from calls.choices import OVER
from calls.models import Disposition
from calls.pages import asking, clocks, nothing, person, strip
from calls.pages.standing import Standing, stand
from calls.pages.strip import in_words
from calls.rules import opening
from calls.services import drafts, queue
from calls.services.lapsing import lapsing
from calls.services.skipping import Why
from config.kernel import clock, kept
from config.kernel.errors import DomainError
from config.kernel.http import live_address
from crm.admin import reasons
from crm.choices import Priority
from crm.models import ContactPoint, Project, ProjectContact

PARTS = ("strip", "person", "call", "script", "side", "notices")
IN_CALL = {"dialing", "ringing", "connected", "wrapup", "finishing"}
PROJECTS = 8
KEYS = {"previewing": "Press Space to call.", "saved": "Press U to undo."}  # said where single keys are on


@asking.page
def page(request: HttpRequest) -> HttpResponse:
    """The page itself, with everything on it, so that it is complete before any script runs."""
    desk = standing(request)
    shown = _context(desk)
    context = {
        **admin.site.each_context(request),
        **shown,
        "title": "Call desk",
        "facts": facts(desk),
        "live_address": f"{live_address(request)}/desk/",
        "draft": _draft(desk),
        "skip_reasons": _skip_reasons(),
        "keys": [disposition for disposition in shown["dispositions"] if disposition.key is not None],
        "priorities": Priority.choices,
        "zones": _zones(),
        "line_label": providers.voice().label,
        "lapsing": lapsing(user=desk.user, at=desk.at),
    }
    return TemplateResponse(request, "admin/desk/page.html", context)


@asking.fragment
def state(request: HttpRequest) -> HttpResponse:
    return answer(request)


@asking.fragment
def explain(request: HttpRequest, pair: UUID) -> HttpResponse:
    """Why somebody in the strip may be called, or not: every number, every reason, and when."""
    user, at = asking.user_of(request), clock.now()
    pairs = ProjectContact.objects.visible_to(user).select_related("contact__company", "project")
    try:
        found = queue.explain(pair=asking.found(pairs, pair, "This person"), user=user, at=at)
    except DomainError as error:
        return asking.refusal(asking.status_of(error), str(error), error.code)
    numbers = [
        {
            "text": _text(one.point),
            "blocks": [reasons.in_words(block) for block in one.blocks],
            "earliest": one.earliest,
        }
        for one in found.points
    ]
    context = {
        "found": found, "numbers": numbers, "blocks": [reasons.in_words(block) for block in found.blocks],
        "why": queue.reason_for(found.pair, at), "until_words": in_words(found.earliest, at),
    }  # fmt: skip
    return JsonResponse(
        {"title": str(found.pair.contact), "html": render_to_string("admin/desk/explain.html", context)}
    )


def _text(point: ContactPoint) -> str:
    return person.as_written(point.endpoint.value) if point.endpoint else str(point)


@asking.fragment
def projects(request: HttpRequest) -> HttpResponse:
    """Projects whose name or id contains what was typed, for the filter."""
    typed = request.GET.get("q", "").replace("\0", "").strip().lower()[:80]
    rows = Project.objects.visible_to(asking.user_of(request)).alive()
    rows = rows.filter(search__contains=typed) if len(typed) > 2 else rows
    named = [{"id": str(row.pk), "name": str(row)} for row in rows.order_by("-id")[:PROJECTS]]
    return JsonResponse({"projects": named})


def standing(request: HttpRequest) -> Standing:
    return stand(
        user=asking.user_of(request),
        at=clock.now(),
        wanted=asking.wanted_of(request),
        finishing=asking.maybe_key(request.GET.get("finish")),
        saved_id=asking.maybe_key(request.session.get(asking.SAVED)),
        given_back_id=asking.maybe_key(request.session.get(asking.GIVEN_BACK)),
    )


def answer(request: HttpRequest, *, status: int = 200, **more: Any) -> JsonResponse:
    """Return where the rep stands now, as the page wants it; ``more`` says what a deed has to add."""
    desk = standing(request)
    context = _context(desk)
    parts = {name: render_to_string(f"admin/desk/{name}.html", context, request=None) for name in PARTS}
    return JsonResponse({**facts(desk), "draft": _draft(desk), "parts": parts, **more}, status=status)


def facts(desk: Standing) -> dict[str, Any]:
    """Return what the script on the page needs to know beside the words: instants, ids, and what to announce."""
    call, line = desk.call, providers.voice()
    return {
        "phase": desk.phase,
        "now": desk.at.isoformat(),
        "since": desk.since.isoformat() if desk.since else None,
        "pair": str(desk.pair.pk) if desk.pair else None,
        "session": str(call.pk) if call else None,
        "held_until": desk.lease.expires_at.isoformat() if desk.lease else None,
        "undo_until": desk.saved.until.isoformat() if desk.saved else None,
        "undo_session": str(desk.saved.session.pk) if desk.saved else None,
        "plays": bool(call and call.now.status not in OVER and isinstance(line, providers.PlayedLine)),
        "opens_at": desk.empty.until.isoformat() if desk.empty and desk.empty.until else None,
        "wanted": _wanted(desk),
        "said": _said(desk),
        "key": KEYS.get(desk.phase, ""),
    }


def _wanted(desk: Standing) -> dict[str, Any]:
    """The filters that are set, for their window."""
    wanted = desk.wanted
    project = {"id": str(wanted.project.pk), "name": str(wanted.project)} if wanted.project else None
    return {"project": project, "priority": wanted.priority, "zone": wanted.zone, "owner": wanted.owner is not None}


def _said(desk: Standing) -> str:
    """What a screen reader announces when this becomes the state."""
    if desk.given_back:
        return f"{desk.given_back.contact} went back to the queue: nobody was called for half an hour."
    name = str(desk.contact) if desk.contact else ""
    company = f", {desk.contact.company}" if desk.contact and desk.contact.company else ""
    return {
        "idle": f"Ready. {_how_many(desk)} can be called.",
        "empty": "Nobody can be called right now. The page says why.",
        "previewing": f"{name}{company}.",
        "blocked": f"{name} cannot be called now.",
        "dialing": f"Calling {name}.",
        "ringing": f"Ringing {name}.",
        "connected": f"{name} answered.",
        "wrapup": f"The call with {name} is over. Choose an outcome.",
        "finishing": f"An earlier call with {name}. Choose its outcome.",
        "saved": f"Saved: {desk.saved.event.disposition}." if desk.saved else "Saved.",
    }[desk.phase]


def _how_many(desk: Standing) -> str:
    number = len(desk.offers)
    return f"{number} or more people" if desk.further else "1 person" if number == 1 else f"{number} people"


def _context(desk: Standing) -> dict[str, Any]:
    return {
        "desk": desk,
        "in_call": desk.phase in IN_CALL,
        "rep": desk.user,
        "dispositions": _dispositions(),
        "callback_choices": clocks.choices(desk.line, user=desk.user, at=desk.at) if desk.contact else [],
        "their_zone": next(iter(clocks.zones_of(desk.line)), desk.user.time_zone),
        "earliest_words": in_words(desk.explained.earliest, desk.at) if desk.explained else "",
        **strip.shown(desk),
        **person.shown(desk),
        **nothing.shown(desk),
    }


@kept.question
def _dispositions() -> QuerySet[Disposition]:
    return Disposition.objects.filter(is_active=True).order_by("key", "name")


def _draft(desk: Standing) -> str:
    return drafts.read(user=desk.user, pair=desk.pair) if desk.pair else ""


def _skip_reasons() -> list[tuple[str, str, str]]:
    told = {
        Why.LATER: "offered again in two hours",
        Why.TOMORROW: "offered again tomorrow",
        Why.WRONG_PERSON: "the number is not theirs; the next one is offered",
        Why.BAD_NUMBER: "the number rests for 30 days; the next one is offered",
        Why.DUPLICATE: "not offered in this project again; an admin looks at the two",
    }
    return [(why.value, why.label, told[why]) for why in Why]


def _zones() -> list[tuple[str, str]]:
    """The zones that anybody's number may ring in."""
    keys = opening.book().keys.values()
    names = {candidate.split(" ")[0] for key in keys if key for candidate in key.split("|")}
    return sorted((name, clocks.city(name)) for name in names if clocks.zone(name))
