"""The call desk stands inside the back office: names begin with ``admin:call_desk``."""

from django.urls import URLPattern, path

from calls.pages import deeds, desk

DEEDS = {
    "next": deeds.take_next,
    "take": deeds.take,
    "release": deeds.release,
    "heartbeat": deeds.heartbeat,
    "skip": deeds.skip,
    "dial": deeds.dial,
    "line": deeds.line,
    "happened": deeds.happened,
    "outcome": deeds.outcome,
    "undo": deeds.undo,
    "want": deeds.want,
    "draft": deeds.draft,
}

urlpatterns: list[URLPattern] = [
    path("desk/", desk.page, name="call_desk"),
    path("desk/state/", desk.state, name="call_desk_state"),
    path("desk/projects/", desk.projects, name="call_desk_projects"),
    path("desk/explain/<uuid:pair>/", desk.explain, name="call_desk_explain"),
    *(path(f"desk/{name}/", view, name=f"call_desk_{name}") for name, view in DEEDS.items()),
]
