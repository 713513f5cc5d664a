from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from crm.admin import clocks, phrases, timelines
from crm.admin.base import StoryAdmin
from crm.models import ProjectContact
from crm.services import editing


@admin.register(ProjectContact)
class ProjectContactAdmin(StoryAdmin):
    """A person's part in a project: what the queue offers, and what is called."""

    autocomplete_fields = ["project", "contact"]
    changed_by = staticmethod(editing.edit)
    created_by = staticmethod(editing.put_in_project)
    empty_hint = "People get into projects by a file: ./dev ingest FILE."
    fieldsets = [
        (None, {"fields": [("project", "contact"), ("roles", "is_primary"), "priority"]}),
        ("Calling", {"fields": [("suppress_for_project", "suppress_reason"), ("callback_at", "callback_by")]}),
    ]
    linked_by = ("project", "contact")
    list_display = [
        "contact", "project", "shown_roles", "shown_priority", "shown_state", "last_touch_at", "shown_callback",
    ]  # fmt: skip
    list_filter = [
        filters.Choice.of("priority"),
        filters.Given.of("callback_at", "callback", yes="Promised", no="None"),
        filters.Flag.of("suppress_for_project", "suppressed"),
        filters.Born.of("id", "Added"),
    ]
    list_select_related = ["contact", "project"]
    search_fields = ["contact__search"]
    search_through = ("contact", "project")
    search_help_text = "Person or project"
    symbol = "link"
    views = [("All", {}), ("Callbacks", {"callback_at": "yes"}), ("Urgent", {"priority": "4"})]

    @display(description="Part in it")
    def shown_roles(self, row: ProjectContact) -> Any:
        return phrases.roles(row)

    @display(description="Priority")
    def shown_priority(self, row: ProjectContact) -> SafeString | str:
        return phrases.priority(row)

    @display(description="Calling")
    def shown_state(self, row: ProjectContact) -> SafeString:
        return cells.badges(*_states(row))

    @display(description="Callback")
    def shown_callback(self, row: ProjectContact) -> SafeString:
        return cells.exact(row.callback_at)

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """Promised callbacks come in the order of their times; only they have an index for it."""
        return ["callback_at", "pk"] if request.GET.get("callback_at") == "yes" else ["-pk"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["project", "contact"] if obj else []

    def header(self, request: HttpRequest, row: ProjectContact) -> Header:
        return Header(
            title=cells.badges(cells.link(row.contact), "in", cells.link(row.project)),
            subtitle=phrases.roles(row) if row.roles else "No part in it is known",
            badges=[*phrases.flags(row.contact), *_states(row), *phrases.urgency(row)],
            facts=[
                ("Phone", phrases.phone(row.contact.primary_phone)),
                ("Their time now", clocks.local_times(row.hours_profile)),
                ("Last touch", cells.moment(row.last_touch_at)),
                ("Callback", cells.exact(row.callback_at)),
                ("Promised by", row.callback_by or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: ProjectContact) -> Iterable[Section]:
        yield timelines.section(row, user=request.user)
        yield Section(
            title="Details",
            aside=True,
            facts=[
                ("First contact of the project", "Yes" if row.is_primary else "No"),
                ("Listed name", row.listed_name or cells.NOTHING),
                ("Suppressed because", row.suppress_reason or cells.NOTHING),
                ("Added", cells.moment(row.created_at)),
                ("Changed", cells.moment(row.updated_at)),
            ],
        )


def _states(row: ProjectContact) -> list[SafeString]:
    found = []
    if row.suppress_for_project:
        found.append(cells.badge("Not in this project", "bad"))
    if row.callable_from is None:
        found.append(
            cells.badge("Not in the queue", "plain", "Something stands against it that does not end by itself")
        )
    elif row.callable_from > clock.now():
        found.append(cells.badge(f"From {row.callable_from:%-d %b}", "warn", "When it may be offered again"))
    else:
        found.append(cells.badge("In the queue", "good", "Unless hours, caps or a colleague stand against it"))
    return found
