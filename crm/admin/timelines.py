"""What happened to somebody or something, newest first, on their page; older things are fetched when asked for."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from config.kernel.admin import cells
from config.kernel.admin.pages import Section
from crm.models import Contact, Project, ProjectContact
from crm.reports.audit import HIDDEN, NOTHING, Place
from crm.reports.timelines import Entry, timeline

PAGE = 20
SAID = 5  # fields of something new or gone
# What says best what something is, in this order; hints and keys say nothing to people.
_TELLING = (
    "value_given",
    "value",
    "label",
    "project",
    "roles",
    "name",
    "title",
    "company",
    "project_id",
    "kind",
    "city",
)

# Symbol and tone by what happened; apps above name theirs with ``teach``.
_LOOKS = {
    "created": ("add", "good"),
    "changed": ("edit", "plain"),
    "removed": ("remove", "bad"),
    "touch": ("touch_app", "info"),
    "consent": ("verified_user", "good"),
    "suppressed": ("block", "bad"),
    "lifted": ("lock_open", "good"),
}
_NAMES: dict[type, str] = {Contact: "contact", Project: "project", ProjectContact: "pair"}


def teach(looks: dict[str, tuple[str, str]]) -> None:
    """Name the symbol and the tone of further kinds of entries."""
    _LOOKS.update(looks)


def section(row: Any, *, user: Any) -> Section:
    return Section(title="Timeline", place=30, template="admin/parts/timeline.html", context=_page(row, user, None))


def older(request: HttpRequest, row: Any) -> HttpResponse:
    """The next page of a timeline, to be put below the one that is shown."""
    context = {"facts": _page(row, request.user, read_place(request.GET))}
    return TemplateResponse(request, "admin/parts/timeline.html", context)


def read_place(query: Any) -> Place | None:
    """Where the older part begins; an address that says nothing sensible begins at the top."""
    key = str(query.get("key", ""))[:100]
    try:
        at = datetime.fromisoformat(query.get("at", ""))
        if key:
            UUID(key[:36])
    except ValueError:
        return None
    return (at, key) if at.tzinfo else None


def place_query(place: Place) -> str:
    return urlencode({"at": place[0].isoformat(), "key": place[1]})


def _page(row: Any, user: Any, before: Place | None) -> dict[str, Any]:
    found = timeline(**{_NAMES[type(row)]: row}, user=user, limit=PAGE + 1, before=before)
    url = reverse(f"admin:crm_{row._meta.model_name}_timeline", args=[row.pk])
    more = f"{url}?{place_query(found[PAGE - 1].place)}" if len(found) > PAGE else ""
    return {"entries": [_shown(entry) for entry in found[:PAGE]], "older": more}


def _shown(entry: Entry) -> dict[str, Any]:
    icon, tone = _LOOKS.get(entry.kind, ("circle", "plain"))
    title = entry.title
    if entry.entity and entry.entity_id and entry.kind not in {"changed", "removed"}:
        title = cells.link_to(entry.entity, entry.entity_id, entry.title)
    text = entry.text
    if entry.kind in {"created", "removed"}:
        text = " · ".join(part for part in (text, *_said(entry)) if part)
    return {
        "icon": icon, "tone": tone, "title": title, "text": text, "by": entry.by, "at": entry.at,
        "changes": entry.changes if entry.kind == "changed" else (),
    }  # fmt: skip


def _said(entry: Entry) -> list[str]:
    """What something new or gone was."""
    told = {one.field: one.new_text if entry.kind == "created" else one.old_text for one in entry.changes}
    said = [told[name].replace("_", " ") for name in _TELLING if told.get(name, NOTHING) not in (NOTHING, HIDDEN)]
    return list(dict.fromkeys(said))[:SAID]
