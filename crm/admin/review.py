from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import shown
from config.kernel.admin.verbs import Verb
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.models import Contact, ReviewItem
from crm.services import reviewing

ADVICE = {
    "two_owners": "The phone belongs to one person, the e-mail address to another. The phone decided. If both are one "
    "person, keep one record and mark the numbers of the other.",
    "same_name": "Two people of this name are in one project. If they are one, keep the record with a number.",
    "second_name": "Another name was given for this line. The first one stays; change it if the new one is right.",
    "shared_line": "Somebody with another id uses this person's line. Both are kept.",
    "kept_edit": "A source offers another value than the one a person has set. The person's value stays.",
    "duplicate": "A rep says that this person is in the book twice, and closed the pair of this project. If it is so, "
    "keep the record with the better numbers; if not, lift the closing.",
}


@admin.register(ReviewItem)
class ReviewItemAdmin(RecordAdmin):
    """What an intake or a rep saw and did not decide; a person looks, corrects what is wrong, and puts it away."""

    audited = False
    empty_hint = "Nothing is in doubt: every record said clearly whom it meant."
    linked_by = ("contact", "project", "company")
    list_display = ["kind", "shown_about", "shown_value", "project", "source", "shown_state"]
    list_filter = [
        filters.Given.of("resolved_at", "state", yes="Resolved", no="Open"),
        filters.Choice.of("kind"),
        filters.Born.of("id", "Found"),
    ]
    list_select_related = ["contact", "other", "project", "company"]
    owners = ("contact__owner", "other__owner", "project__owner")
    search_fields = ["contact__search"]
    search_help_text = "Person or project"
    search_through = ("contact", "other", "project")
    symbol = "rule"
    verbs = [
        Verb(
            name="resolve",
            label="Put away",
            permission="crm.change_reviewitem",
            do=lambda row, *, by, at: reviewing.resolve(item=row, by=by, at=at),
            effect="It leaves the list of open items. Nothing else changes: correct the record first if it is wrong.",
            done="put away",
            icon="task_alt",
            applies=lambda row: row.resolved_at is None,
        )
    ]
    views = [("Open", {"resolved_at": "no"}), ("All", {}), ("Resolved", {"resolved_at": "yes"})]

    @display(description="About")
    def shown_about(self, row: ReviewItem) -> list[Any]:
        return [one for one in (row.contact, row.other, row.company) if one is not None]

    @display(description="Offered")
    def shown_value(self, row: ReviewItem) -> str:
        value = row.value.strip(" ,")  # a name without its company
        return f"{row.field.replace('_', ' ')}: {value}"[:80] if row.field else value[:80]

    @display(description="State")
    def shown_state(self, row: ReviewItem) -> SafeString:
        return cells.badge("Resolved", "good") if row.resolved_at else cells.badge("Open", "warn")

    def header(self, request: HttpRequest, row: ReviewItem) -> Header:
        return Header(
            title=row.get_kind_display(),
            subtitle=ADVICE.get(row.kind, ""),
            badges=[self.shown_state(row)],
            facts=[
                ("Source", row.source),
                ("Project", cells.link(shown(row.project, request.user))),
                ("Resolved", cells.moment(row.resolved_at)),
                ("By", row.resolved_by or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: ReviewItem) -> Iterable[Section]:
        if row.field:
            kept = getattr(row.contact or row.project or row.company, row.field, "")
            rows = [[row.field.replace("_", " ").capitalize(), phrases.worded(kept), row.value]]
            yield Section(title="The value", headers=["Field", "Kept", "Offered"], rows=rows)
        people = [shown(one, request.user) for one in (row.contact, row.other)]
        yield Section(
            title="Side by side",
            headers=["Person", "Title", "Company", "Phone", "E-mail", "Source", "Added"],
            rows=[_side(one) for one in people if one is not None],
            empty="Nobody you may see.",
        )
        if row.value and not row.field:
            yield Section(title="What the source offers", text=row.value)


def _side(one: Contact) -> list[Any]:
    return [
        cells.badges(cells.link(one), *phrases.flags(one)),
        one.title or cells.NOTHING,
        cells.link(one.company),
        phrases.phone(one.primary_phone),
        one.primary_email or cells.NOTHING,
        one.source or cells.NOTHING,
        cells.moment(one.created_at),
    ]
