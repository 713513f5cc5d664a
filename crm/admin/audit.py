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
from config.kernel.admin.scope import visible
from crm.admin.base import RecordAdmin
from crm.choices import COLUMN_WORDS
from crm.models import AuditEvent
from crm.reports import audit


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin):
    """Every change of every audited row, written by the database itself. For those who see everything."""

    audited = False
    empty_hint = "Nothing has been changed since it was taken in."
    linked_by = ("entity_id",)
    list_display = ["shown_what", "shown_fields", "shown_who", "shown_at", "shown_ip"]
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
        model = audit.model_of(row.entity)
        name = audit.name_of(model) if model else row.entity
        return cells.badges(name, cells.badge(row.get_operation_display(), tone))

    @display(description="Fields")
    def shown_fields(self, row: AuditEvent) -> str:
        said = [name for name in row.new or row.old or {} if name not in audit.UNSAID]
        names = [_column(name.removesuffix("_id")) for name in said]
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    @display(description="By")
    def shown_who(self, row: AuditEvent) -> Any:
        return row.actor or row.service or "System"

    @display(description="When")
    def shown_at(self, row: AuditEvent) -> SafeString:
        return cells.moment(row.at)

    @display(description="IP address")
    def shown_ip(self, row: AuditEvent) -> str:
        return row.ip or cells.NOTHING

    def header(self, request: HttpRequest, row: AuditEvent) -> Header:
        return Header(
            title=self.shown_what(row),
            facts=[
                ("Row", cells.link_to(row.entity, row.entity_id, _name(row, request.user))),
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


def _column(name: str) -> str:
    return COLUMN_WORDS.get(name, name).replace("_", " ").lower()


def _name(row: AuditEvent, user: Any) -> str:
    """What the row is called now; of one that is gone, or not to be seen, no more than that it was."""
    model = audit.model_of(row.entity)
    found = visible(model._default_manager.filter(pk=row.entity_id), user).first() if model else None
    return str(found) if found else "not there any more"


def _of_row(text: str) -> Q:
    try:
        return Q(entity_id=UUID(text.strip()))
    except ValueError:
        return Q(pk__in=[])
