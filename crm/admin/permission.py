"""May we? Suppressions, consents and touches: evidence that services write and nobody edits."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import shown
from crm.admin import phrases, verbs
from crm.admin.base import RecordAdmin
from crm.admin.endpoints import written_as
from crm.models import Consent, Endpoint, Suppression, Touch
from crm.reports import audit


@admin.register(Suppression)
class SuppressionAdmin(RecordAdmin):
    """Numbers and addresses that must be left alone, who asked for it, and in which words."""

    empty_hint = "Nobody has asked to be left alone. Suppress a number on its page, or on the page of a person."
    linked_by = ("endpoint",)
    list_display = ["shown_line", "shown_whose", "reason", "shown_channel", "shown_words", "at", "by", "shown_state"]
    list_filter = [
        filters.Given.of("lifted_at", "state", yes="Lifted", no="Standing"),
        filters.Choice.of("reason"),
        filters.Born.of("id", "Since"),
    ]
    list_select_related = ["endpoint__owner", "by"]
    search_exactly = staticmethod(lambda text: _of_endpoint(text))
    search_fields = ["endpoint__value"]
    search_help_text = "A whole number or e-mail address"
    symbol = "block"
    verbs = [verbs.LIFT]
    views = [("All", {}), ("Standing", {"lifted_at": "no"}), ("Lifted", {"lifted_at": "yes"})]

    @display(description="Number or e-mail")
    def shown_line(self, row: Suppression) -> Any:
        return phrases.reach(row.endpoint)

    @display(description="Whose")
    def shown_whose(self, row: Suppression) -> Any:
        return row.endpoint.owner

    @display(description="Channel")
    def shown_channel(self, row: Suppression) -> str:
        return row.get_channel_display() or "All"

    @display(description="In their words")
    def shown_words(self, row: Suppression) -> str:
        return row.words[:80]

    @display(description="State")
    def shown_state(self, row: Suppression) -> SafeString:
        return _state(row)

    def header(self, request: HttpRequest, row: Suppression) -> Header:
        return Header(
            title=phrases.line(row.endpoint),
            subtitle=row.get_reason_display(),
            badges=[_state(row)],
            facts=[
                ("Whose", cells.link(shown(row.endpoint.owner, request.user))),
                ("Channel", row.get_channel_display() or "All channels"),
                ("Since", cells.exact(row.at)),
                ("By", row.by or cells.NOTHING),
                ("Source", row.source),
            ],
        )

    def sections(self, request: HttpRequest, row: Suppression) -> Iterable[Section]:
        yield Section(title="In their words", text=row.words, empty="Nothing was written down.")
        if row.lifted_at:
            facts = [
                ("When", cells.exact(row.lifted_at)),
                ("By", row.lifted_by or cells.NOTHING),
                ("Why", row.lift_reason),
            ]
            yield Section(title="Lifted", facts=facts)


def _of_endpoint(text: str) -> Q:
    return Q(endpoint__in=list(Endpoint.objects.filter(written_as(text)).values_list("pk", flat=True)))


def _state(row: Suppression) -> SafeString:
    return cells.badge("Lifted", "plain") if row.lifted_at else cells.badge("Standing", "bad")


@admin.register(Consent)
class ConsentAdmin(RecordAdmin):
    """Evidence that somebody allowed us to approach them, or took it back. Append-only."""

    audited = False
    empty_hint = "Nobody has given or withdrawn consent."
    linked_by = ("contact",)
    owners = ("contact__owner",)
    list_display = ["contact", "shown_kind", "shown_channel", "at", "source", "by"]
    list_filter = [filters.Choice.of("kind"), filters.Born.of("id", "When")]
    list_select_related = ["contact", "by"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    symbol = "verified_user"

    @display(description="Consent")
    def shown_kind(self, row: Consent) -> SafeString:
        return cells.badge(row.get_kind_display(), "good" if row.kind == "given" else "bad")

    @display(description="Channel")
    def shown_channel(self, row: Consent) -> str:
        return row.get_channel_display() or "All"

    def header(self, request: HttpRequest, row: Consent) -> Header:
        return Header(
            title=cells.link(row.contact),
            badges=[self.shown_kind(row)],
            facts=[
                ("Channel", row.get_channel_display() or "All channels"),
                ("When", cells.exact(row.at)),
                ("Number or e-mail", phrases.line(row.endpoint)),
                ("Source", row.source),
                ("By", row.by or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: Consent) -> Iterable[Section]:
        yield Section(title="Evidence", text=row.evidence, empty="Nothing was written down.")


@admin.register(Touch)
class TouchAdmin(RecordAdmin):
    """Every outbound attempt on any channel: the ledger that caps and cooldowns read."""

    audited = False
    empty_hint = "Nobody has been approached yet."
    linked_by = ("contact", "endpoint", "project")
    list_display = ["contact", "channel", "at", "shown_line", "project", "user", "shown_counts"]
    list_filter = [filters.Choice.of("channel"), filters.Person.of("user", nobody=""), filters.Days.of("at", "When")]
    list_select_related = ["contact", "endpoint", "project", "user"]
    ordering = ["-at", "-pk"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    sortable_by = ["at"]
    symbol = "touch_app"

    @display(description="Number or e-mail")
    def shown_line(self, row: Touch) -> Any:
        return phrases.reach(row.endpoint)

    @display(description="Counts")
    def shown_counts(self, row: Touch) -> SafeString:
        return cells.badge("Counts", "plain") if row.counts else cells.badge("Never left", "warn")

    def header(self, request: HttpRequest, row: Touch) -> Header:
        return Header(
            title=cells.badges(row.get_channel_display(), "to", cells.link(row.contact)),
            badges=[self.shown_counts(row)],
            facts=[
                ("When", cells.exact(row.at)),
                ("Number or e-mail", phrases.line(row.endpoint)),
                ("Project", cells.link(shown(row.project, request.user))),
                ("By", row.user or cells.NOTHING),
                ("Made by", cells.link_to(row.source, row.source_id, _made_by(row))),
            ],
        )

    def sections(self, request: HttpRequest, row: Touch) -> Iterable[Section]:
        counts = "It counts for a week, for the person and for the number, whatever the project, and begins a cooldown."
        never = "It certainly never left the house, so it counts for nothing."
        yield Section(title="What it counts for", text=counts if row.counts else never)


def _made_by(row: Touch) -> str:
    model = audit.model_of(row.source)
    return audit.name_of(model) if model else row.source
