"""Calls that campaigns ask for: whom, what to say, and what came of it."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.models import CallTask, Campaign, ContentTemplate
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import visible
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.choices import Priority

_ASKING = {"asking": "pk", "asked_by": "name"}


class Open(filters.Flag):
    """Those that are still to be made."""

    yes, no = "To make", "Over"

    def condition(self, value: Any, request: HttpRequest) -> Q:
        is_open = Q(done_at=None, cancelled_at=None)
        return is_open if value == "yes" else ~is_open


@admin.register(CallTask)
class CallTaskAdmin(RecordAdmin):
    """Calls to people whom one sees. One is over with the next outcome of a call to that person."""

    audited = False
    empty_hint = "They come from campaigns whose graph has a node that asks for a call."
    linked_by = ("contact", "enrollment")
    list_display = ["contact", "shown_campaign", "shown_priority", "shown_state", "shown_since"]
    list_filter = [Open.of("open", "to make")]
    list_select_related = ["contact"]
    ordering = ["-pk"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    symbol = "phone_forwarded"
    views = [("All", {}), ("To make", {"open": "yes"})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the campaign that asks for the call, where one sees it."""
        asking = visible(Campaign.objects.filter(enrollments=OuterRef("enrollment")), request.user)
        rows: QuerySet[Any] = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(**{name: Subquery(asking.values(of)[:1]) for name, of in _ASKING.items()})
        return named

    @display(description="Campaign")
    def shown_campaign(self, row: Any) -> SafeString:
        return cells.link_to("campaigns.campaign", row.asking, row.asked_by) if row.asking else cells.NOTHING

    @display(description="Priority")
    def shown_priority(self, row: CallTask) -> str:
        return Priority(row.priority).label

    @display(description="State")
    def shown_state(self, row: CallTask) -> SafeString:
        if row.done_at:
            return cells.badge(row.outcome or "Called", "good")
        return cells.badge("Not needed any more", "plain") if row.cancelled_at else cells.badge("To make", "info")

    @display(description="Since")
    def shown_since(self, row: CallTask) -> Any:
        return cells.moment(row.created_at)

    def header(self, request: HttpRequest, row: Any) -> Header:
        return Header(
            title=cells.badges("Call", cells.link(row.contact)),
            badges=[self.shown_state(row)],
            facts=[
                ("Phone", phrases.phone(row.contact.primary_phone)),
                ("Priority", self.shown_priority(row)),
                ("Since", cells.moment(row.created_at)),
                ("Over", cells.exact(row.done_at or row.cancelled_at)),
                ("Asked for by", self.shown_campaign(row)),
                ("Walk", cells.link(row.enrollment, "Open") if row.asking else cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: CallTask) -> list[Section]:
        script = ContentTemplate.objects.filter(key=row.script).first() if row.script else None
        return [Section(title="What to say", text=script.body)] if script else []
