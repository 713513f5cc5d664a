from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from crm.admin.base import RecordAdmin
from crm.models import AuditEvent
from crm.reports import audit


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin):
    """Every change of every audited row, written by the database itself. For those who see everything."""

    audited = False
    empty_hint = "Nothing has been changed since it was taken in."
    linked_by = ("entity_id",)
    list_display = ["shown_what", "shown_fields", "shown_who", "shown_at", "ip"]
    list_filter = [
        filters.Choice.of("operation"),
        filters.Person.of("actor", nobody=""),
        filters.Born.of("id", "When"),
    ]
    list_select_related = ["actor"]
    search_exactly = staticmethod(lambda text: _of_row(text))
    search_fields = ["entity_id"]
    search_help_text = "The id of a row"
    symbol = "history"

    @display(description="Change")
    def shown_what(self, row: AuditEvent) -> SafeString:
        tone = {"create": "good", "delete": "bad"}.get(row.operation, "plain")
        name = row.entity.rsplit(".", 1)[-1].replace("contactpoint", "contact point").replace("projectcontact", "pair")
        return cells.badges(name.capitalize(), cells.badge(row.get_operation_display(), tone))

    @display(description="Fields")
    def shown_fields(self, row: AuditEvent) -> str:
        names = [name.removesuffix("_id").replace("_", " ") for name in row.new or row.old or {}]
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    @display(description="By")
    def shown_who(self, row: AuditEvent) -> Any:
        return row.actor or row.service or "System"

    @display(description="When")
    def shown_at(self, row: AuditEvent) -> SafeString:
        return cells.moment(row.at)

    def header(self, request: HttpRequest, row: AuditEvent) -> Header:
        return Header(
            title=self.shown_what(row),
            facts=[
                ("Row", cells.link_to(row.entity, row.entity_id, str(row.entity_id))),
                ("When", cells.exact(row.at)),
                ("By", self.shown_who(row)),
                ("Address", row.ip or cells.NOTHING),
                ("Request", row.request_id or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: AuditEvent) -> Iterable[Section]:
        user: Any = request.user
        (change,) = audit.in_words([row], user=user)
        rows = [[one.label, one.old_text, one.new_text] for one in change.fields]
        yield Section(title="What changed", headers=["Field", "From", "To"], rows=rows)
        yield Section(title="With", aside=True, text=row.user_agent, empty="No browser: a service did it.")


def _of_row(text: str) -> Q:
    try:
        return Q(entity_id=UUID(text.strip()))
    except ValueError:
        return Q(pk__in=[])
