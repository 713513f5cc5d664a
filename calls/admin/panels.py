"""What telephone work adds to the pages of people, pairs, projects and numbers. Fetched after the page has come."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from calls import reports
from calls.admin import session_page
from calls.models import CallSession, TerminalSession
from calls.services import queue, waterfalls
from config.kernel import clock
from config.kernel.admin import cells
from config.kernel.admin.pages import Section, add_section
from config.kernel.admin.patience import TooBroad, patient
from config.kernel.admin.scope import shown, visible
from crm.admin import phrases
from crm.admin.reasons import in_words, name_of
from crm.models import Contact, ContactPoint, Project, ProjectContact

PAIRS = 6  # of one person, explained at once; each is a full decision of the gate
RECENT = 15


def urls(wrap: Any) -> list[URLPattern]:
    """Where the pages fetch their panels; ``wrap`` is the site's login wall."""
    views = {"explain_contact": explain_contact, "explain_pair": explain_pair, "waterfall": waterfall_of}
    return [path(f"{name}/<uuid:key>/", wrap(view), name=f"calls_{name}") for name, view in views.items()]


def explain_contact(request: HttpRequest, key: str) -> HttpResponse:
    """Whether a person can be called now in each of their projects, and if not, why not and when."""
    contact = _found(request, Contact, key)
    pairs = visible(ProjectContact.objects.alive().filter(contact=contact), request.user)
    shown_pairs = list(pairs.select_related("project", "contact").order_by("-priority", "-pk")[: PAIRS + 1])
    at = clock.now()
    context = {
        "explained": [_explained(pair, request.user, at) for pair in shown_pairs[:PAIRS]],
        "more": len(shown_pairs) > PAIRS,
        "attempts": reports.attempts(contact=contact, at=at),
        "by_project": True,
    }
    return _panel(request, "admin/parts/explained.html", context)


def explain_pair(request: HttpRequest, key: str) -> HttpResponse:
    pair = _found(request, ProjectContact, key)
    at = clock.now()
    attempts = reports.attempts(contact=pair.contact, at=at, project_id=pair.project_id)
    context = {"explained": [_explained(pair, request.user, at)], "attempts": attempts, "by_project": False}
    return _panel(request, "admin/parts/explained.html", context)


def waterfall_of(request: HttpRequest, key: str) -> HttpResponse:
    """How many people of a project are lost to each rule; asking is what makes a worker count."""
    project = _found(request, Project, key)
    row = waterfalls.ask(project=project, at=clock.now())
    return _panel(request, "admin/parts/waterfall.html", {"waterfall": bars(row), "url": request.path})


def bars(row: Any) -> dict[str, Any] | None:
    """A waterfall as bars: who can be called, and what each rule takes from the rest, in rule order."""
    if row is None or row.at is None:
        return None
    whole = max(row.pairs, 1)
    lost = [
        {"code": rule["code"], "name": name_of(rule["code"]), "number": rule["first"], "blocks": rule["blocks"],
         "percent": f"{100 * rule['first'] / whole:.2f}"}
        for rule in row.rules
        if rule["first"] or rule["blocks"]
    ]  # fmt: skip
    return {
        "pairs": row.pairs, "callable": row.callable, "percent": f"{100 * row.callable / whole:.2f}", "lost": lost,
        "at": row.at,
    }  # fmt: skip


def _found(request: HttpRequest, model: Any, key: str) -> Any:
    row = visible(model.objects.filter(pk=key), request.user).first()
    if row is None or not request.user.has_perm(f"crm.view_{model._meta.model_name}"):
        raise Http404("There is no such page.")
    return row


def _panel(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    try:
        with patient():
            response = TemplateResponse(request, template, context)
            response.render()
            return response
    except TooBroad:
        return HttpResponse('<p class="cl-waiting">This took too long. Reload the page to try again.</p>')


def _explained(pair: ProjectContact, user: Any, at: Any) -> dict[str, Any]:
    found = queue.explain(pair=pair, user=user, at=at)
    return {
        "pair": pair,
        "link": cells.link(pair, shown(pair.project, user) or "This project"),
        "callable": found.callable,
        "earliest": found.earliest,
        "blocks": [in_words(block) for block in found.blocks],
        "open": [_number(verdict.point) for verdict in found.points if not verdict.blocks],
        "closed": [
            {"value": _number(verdict.point), "blocks": [in_words(block) for block in verdict.blocks]}
            for verdict in found.points
            if verdict.blocks
        ],
    }


def _number(point: ContactPoint) -> Any:
    return phrases.phone(point.endpoint.value) if point.endpoint else ""


def _lazy(title: str, name: str, note: str = "") -> Any:
    def section(request: HttpRequest, row: Any) -> Section:
        return Section(title=title, note=note, place=0, url=reverse(f"admin:calls_{name}", args=[row.pk]))

    return section


def _calls(field: str) -> Any:
    """The last calls of a row, for who may see calls."""

    def section(request: HttpRequest, row: Any) -> Section | None:
        if not request.user.has_perm("calls.view_callsession"):
            return None
        calls = visible(CallSession.objects.filter(**{field: row}), request.user)
        related = calls.select_related("contact", "project", "rep", "now__disposition")
        found = list(related.order_by("-initiated_at", "-pk")[: RECENT + 1])
        return Section(
            title="Calls",
            place=40,
            headers=["When", "With", "Outcome", "State", "Length", "Rep"],
            rows=[_call(one, request.user) for one in found[:RECENT]],
            empty="Nobody has called yet.",
            more_url=f"{reverse('admin:calls_callsession_changelist')}?{field}={row.pk}" if len(found) > RECENT else "",
        )

    return section


def _call(one: CallSession, user: Any) -> list[Any]:
    return [
        cells.link(one, cells.exact(one.initiated_at)), shown(one.contact, user) or cells.NOTHING,
        session_page.outcome(one), session_page.state(one), cells.duration(one.now.duration) or cells.NOTHING,
        one.rep or cells.NOTHING,
    ]  # fmt: skip


def _closed(field: str) -> Any:
    """What stands closed, only where something does."""

    def section(request: HttpRequest, row: Any) -> Section | None:
        found = TerminalSession.objects.standing(clock.now()).filter(**{field: row}).select_related("by").order_by("at")
        rows = [
            [cells.link(one, one.reason), cells.exact(one.at), cells.exact(one.until) if one.until else "For ever",
             one.by or cells.NOTHING]
            for one in found[:10]
        ]  # fmt: skip
        headers = ["Because", "Since", "Until", "By"]
        return Section(title="Closed for calls", headers=headers, rows=rows, place=5) if rows else None

    return section


add_section("crm.contact", _lazy("Can they be called now?", "explain_contact"))
add_section("crm.projectcontact", _lazy("Can they be called now?", "explain_pair"))
add_section("crm.project", _lazy("Who can be called", "waterfall", "and what keeps the others"))
for label, field in (
    ("crm.contact", "contact"),
    ("crm.projectcontact", "pair"),
    ("crm.project", "project"),
    ("crm.endpoint", "endpoint"),
):
    add_section(label, _closed(field))
    if label in {"crm.project", "crm.endpoint"}:  # elsewhere the timeline tells of them
        add_section(label, _calls(field))
