from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from crm.admin import clocks, endpoints, phrases, verbs
from crm.admin.base import RecordAdmin
from crm.models import ContactPoint


@admin.register(ContactPoint)
class ContactPointAdmin(RecordAdmin):
    """One way to reach one person: whether it is theirs, whether it comes first, when it was last seen to work."""

    empty_hint = "Add a number or an address on the page of a person."
    linked_by = ("contact", "endpoint")
    list_display = ["contact", "shown_value", "kind", "label", "shown_state", "verified_at"]
    list_filter = [filters.Choice.of("kind"), filters.Choice.of("state"), filters.Born.of("id", "Added")]
    list_select_related = ["contact", "endpoint"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    symbol = "contact_phone"
    verbs = [verbs.FIRST, verbs.VERIFY, verbs.DESCRIBE, verbs.WRONG, verbs.RIGHT, verbs.REMOVE]

    @display(description="Reach")
    def shown_value(self, row: ContactPoint) -> Any:
        if row.endpoint and row.kind == "phone":
            return cells.badges(phrases.phone(row.endpoint.value), f"ext. {row.extension}" if row.extension else "")
        return str(row)

    @display(description="State")
    def shown_state(self, row: ContactPoint) -> SafeString:
        return phrases.point_states(row, now=clock.now())

    def header(self, request: HttpRequest, row: ContactPoint) -> Header:
        return Header(
            title=self.shown_value(row),
            subtitle=cells.badges(row.get_kind_display(), "of", cells.link(row.contact)),
            badges=[self.shown_state(row), cells.yes(row.is_primary, "Primary", "info")],
            facts=[
                *_line(row),
                ("Verified", cells.moment(row.verified_at)),
                ("Label", row.label or cells.NOTHING),
                ("As it was given", row.value_given or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: ContactPoint) -> Iterable[Section]:
        if row.kind == "address":
            yield Section(title="Address", text=row.address_line)
        if row.endpoint:
            yield endpoints.users_of(request, row.endpoint)
            yield endpoints.suppressions_of(row.endpoint)


def _line(row: ContactPoint) -> list[tuple[str, Any]]:
    if row.endpoint is None:
        return []
    there = [("Their time now", clocks.local_times(row.endpoint.hours_profile))] if row.kind == "phone" else []
    return [("The number itself" if row.kind == "phone" else "The address itself", phrases.line(row.endpoint)), *there]
