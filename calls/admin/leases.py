from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from calls.models import Lease
from calls.services import leasing
from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Verb
from crm.admin import phrases
from crm.admin.base import RecordAdmin


@admin.register(Lease)
class LeaseAdmin(RecordAdmin):
    """Who is with whom right now. A lease ends by itself five minutes after its rep's browser falls silent."""

    audited = False
    empty_hint = "Nobody is at the call desk."
    list_display = ["contact", "user", "shown_project", "shown_line", "taken_at", "shown_end"]
    list_filter = [filters.Person.of("user", nobody="")]
    list_select_related = ["contact", "user", "pair__project", "endpoint"]
    symbol = "timer"
    verbs = [
        Verb(
            name="release", label="Release", permission="calls.delete_lease", icon="lock_open", grave=True,
            do=lambda row, *, by, at: leasing.release(user=row.user, at=at), done="released",
            effect="The rep loses their hold, and somebody else may be given the person. Notes they typed are kept.",
        )
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        """A rep sees their own hold; who else is with whom is an admin's business."""
        user: Any = request.user
        return Lease.objects.all() if user.sees_everything else Lease.objects.filter(user=user)

    @display(description="Project")
    def shown_project(self, row: Lease) -> Any:
        return row.pair.project

    @display(description="Number")
    def shown_line(self, row: Lease) -> SafeString:
        return phrases.phone(row.endpoint.value)

    @display(description="Ends")
    def shown_end(self, row: Lease) -> SafeString:
        return cells.badges(cells.moment(row.expires_at), cells.yes(row.expires_at <= clock.now(), "Over", "plain"))

    def header(self, request: HttpRequest, row: Lease) -> Header:
        return Header(
            title=cells.badges(row.user, "with", cells.link(row.contact)),
            subtitle=cells.badges("about", cells.link(row.pair.project)),
            facts=[
                ("Number", phrases.line(row.endpoint)),
                ("Taken", cells.exact(row.taken_at)),
                ("Ends", self.shown_end(row)),
                ("Receipt", cells.link_to("crm.gatedecision", row.decision_id, "Open")),
            ],
        )

    def sections(self, request: HttpRequest, row: Lease) -> Iterable[Section]:
        yield Section(
            title="What it means",
            text="Nobody else is offered this person, or anybody on this number. It ends with the outcome of the call, "
            "five minutes after the rep's browser falls silent, and after half an hour without a call.",
        )
