from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import visible
from crm.admin import phrases, timelines, verbs
from crm.admin.base import StoryAdmin
from crm.models import Project, ProjectContact
from crm.services import editing

PEOPLE = 50  # shown on the page of a project


def known_by(text: str) -> Q | None:
    """An id typed in full is looked up, not searched."""
    return Q(project_id=text.strip()) if Project.objects.filter(project_id=text.strip()).exists() else None


@admin.register(Project)
class ProjectAdmin(StoryAdmin):
    """What people are called about. Suppressing a project keeps everybody in it from being called."""

    changed_by = staticmethod(editing.edit)
    created_by = staticmethod(editing.create_project)
    empty_hint = "Projects come with a file: ./dev ingest FILE."
    fieldsets = [
        (None, {"fields": [("project_id", "name"), ("kind", "status"), ("stage", "value"), "description"]}),
        ("When", {"fields": [("bid_on", "starts_on", "event_on")]}),
        ("Where", {"fields": ["street", ("city", "region"), ("postal_code", "country")]}),
        ("Calling", {"fields": ["owner", ("call_suppressed", "call_suppressed_reason"), "next_call_eligible_at"]}),
        ("More", {"fields": ["attributes"]}),
    ]
    list_display = [
        "shown_name", "project_id", "kind", "status", "shown_value", "shown_place", "owner", "shown_state",
        "updated_at",
    ]  # fmt: skip
    list_filter = [
        filters.Person.of("owner", left="Deactivated colleagues"),
        filters.Flag.of("call_suppressed", "calling", yes="Suppressed", no="Allowed"),
        filters.Born.of("id", "Added"),
    ]
    list_select_related = ["owner"]
    search_exactly = staticmethod(known_by)
    search_fields = ["search"]
    search_help_text = "Id, name, street or city"
    sortable_by = ["updated_at"]
    symbol = "domain"
    verbs = [
        verbs.CLAIM, verbs.ASSIGN,
        *verbs.deletion("project", "Nobody is called about it and no source brings it back. An admin can restore it."),
    ]  # fmt: skip
    views = [
        ("All", {}),
        ("Mine", {"owner": "me"}),
        ("Nobody's", {"owner": "nobody"}),
        ("Suppressed", {"call_suppressed": "yes"}),
    ]

    @display(description="Project")
    def shown_name(self, row: Project) -> str:
        return str(row)

    @display(description="Value")
    def shown_value(self, row: Project) -> Any:
        return money(row.value)

    @display(description="Place")
    def shown_place(self, row: Project) -> str:
        return ", ".join(part for part in (row.city, row.region) if part)

    @display(description="Calling")
    def shown_state(self, row: Project) -> SafeString:
        return cells.badges(*states(row)) if states(row) else cells.badge("Allowed", "plain")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["project_id"] if obj else []

    def header(self, request: HttpRequest, row: Project) -> Header:
        return Header(
            title=str(row),
            subtitle=" · ".join(part for part in (row.project_id, row.kind, row.status, row.stage) if part),
            badges=states(row),
            facts=[
                ("Value", money(row.value)),
                ("Bids", cells.day(row.bid_on)),
                ("Starts", cells.day(row.starts_on)),
                ("Event", cells.day(row.event_on)),
                ("Place", row.address_line or cells.NOTHING),
                ("Owner", row.owner or cells.badge("Nobody", "plain")),
            ],
        )

    def sections(self, request: HttpRequest, row: Project) -> Iterable[Section]:
        yield _people(request, row)
        yield timelines.section(row, user=request.user)
        if row.description:
            yield Section(title="Description", place=25, text=row.description)
        yield Section(
            title="Details",
            aside=True,
            facts=[
                ("Called again from", cells.exact(row.next_call_eligible_at)),
                ("Source", row.source or cells.NOTHING),
                ("Added", cells.moment(row.created_at)),
                ("Changed", cells.moment(row.updated_at)),
            ],
        )
        if row.attributes:
            facts = [
                (name.replace("_", " "), phrases.worded(value)) for name, value in list(row.attributes.items())[:40]
            ]
            yield Section(title="From the source", aside=True, facts=facts)


def states(row: Project) -> list[SafeString]:
    """What keeps a whole project from being called, in words."""
    found = []
    if row.deleted_at:
        found.append(cells.badge("Deleted", "bad"))
    if row.call_suppressed:
        reason = f": {row.call_suppressed_reason}" if row.call_suppressed_reason else ""
        found.append(cells.badge(f"Calls suppressed{reason}", "bad"))
    if row.next_call_eligible_at and row.next_call_eligible_at > clock.now():
        found.append(cells.badge(f"Waits until {row.next_call_eligible_at:%-d %b}", "warn"))
    return found


def money(value: Any) -> Any:
    return cells.NOTHING if value is None else f"${value:,.0f}"


def _people(request: HttpRequest, row: Project) -> Section:
    pairs = visible(ProjectContact.objects.filter(project=row), request.user).select_related("contact__company")
    found = list(pairs.order_by("-priority", "id")[: PEOPLE + 1])
    return Section(
        title="People",
        place=10,
        headers=["Name", "Part in it", "Company", "Phone", "Priority", "Last touch", ""],
        rows=[_person(pair) for pair in found[:PEOPLE]],
        empty="Nobody you may see is in this project.",
        more_url=f"{reverse('admin:crm_projectcontact_changelist')}?project={row.pk}" if len(found) > PEOPLE else "",
    )


def _person(pair: ProjectContact) -> list[Any]:
    marks = [*phrases.flags(pair.contact), cells.yes(pair.suppress_for_project, "Not in this project", "bad")]
    return [
        cells.badges(cells.link(pair.contact), *marks),
        phrases.roles(pair),
        cells.link(pair.contact.company),
        phrases.phone(pair.contact.primary_phone),
        phrases.priority(pair),
        cells.moment(pair.last_touch_at),
        cells.link(pair, "Open"),
    ]
