"""The words of campaigns in the back office: what is sent, and what may be said of people."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.admin import previews
from campaigns.admin.forms import SpokenForm
from campaigns.models import ContentTemplate, EnrollmentStatus
from campaigns.rules import segments
from campaigns.rules.rendering import TAGS, tags_of
from campaigns.services import contents, statuses
from config.kernel.admin import cells, filters
from config.kernel.admin.edits import EditForm
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Verb
from crm.admin.base import RecordAdmin
from crm.choices import Channel

_TONES = {Channel.SMS: "good", Channel.EMAIL: "info", Channel.VOICEMAIL: "warn", Channel.CALL: "plain"}


class ContentForm(EditForm):
    class Meta:
        model = ContentTemplate
        fields = ["key", "name", "channel", "subject", "body"]
        help_texts = {
            "body": "Tags such as {{contact.first_name|there}} become the words of the contact; what stands behind the "
            "bar is for those who have none."
        }
        widgets = {"body": forms.Textarea(attrs={"rows": 8, "class": "cl-input"})}


@admin.register(ContentTemplate)
class ContentAdmin(RecordAdmin):
    """What campaigns send, and what reps read out. A corrected text holds for whatever is sent from then on."""

    changed_by = staticmethod(contents.edit)
    created_by = staticmethod(contents.put)
    empty_hint = "Write the first text: a graph names it by its key."
    fieldsets = [(None, {"fields": [("key", "name"), "channel", "subject", "body"]})]
    form = ContentForm
    list_display = ["key", "name", "shown_channel", "shown_length", "shown_state", "updated_at"]
    list_filter = [filters.Given.of("archived_at", "archived", yes="Archived", no="In use")]
    ordering = ["key"]
    search_exactly = staticmethod(lambda text: Q(key__icontains=text.strip()) | Q(name__icontains=text.strip()))
    search_fields = ["key"]
    search_help_text = "Key or name"
    shared = True
    symbol = "text_snippet"
    verbs = [
        Verb(
            name="archive", label="Archive", permission="campaigns.delete_contenttemplate", icon="archive",
            do=lambda row, *, by, at: contents.archive(row=row, by=by, at=at), done="archived",
            applies=lambda row: row.archived_at is None, grave=True,
            effect="Graphs that name it have a fault from then on. Writing its key again brings it back.",
        )
    ]  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        shown = self.admin_site.admin_view(self.preview_view)
        return [path("<uuid:key>/preview/", shown, name="campaigns_contenttemplate_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """The preview alone, for a page that is there already."""
        row = self._seen(request, str(key))
        return TemplateResponse(request, "admin/campaigns/preview_found.html", {"facts": previews.facts(request, row)})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ["key", "channel"] if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody types into a text that they may not change: without the tab to edit it the page says why."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not _why_not_yours(obj, request.user))

    @display(description="Channel")
    def shown_channel(self, row: ContentTemplate) -> SafeString:
        return cells.badge(row.get_channel_display(), _TONES[Channel(row.channel)])

    @display(description="Length")
    def shown_length(self, row: ContentTemplate) -> str:
        if row.channel != Channel.SMS:
            return f"{len(row.body):,} characters"
        found = segments.measure(row.body)
        return f"{found.segments} segment{'s' * (found.segments != 1)}, {found.encoding}"

    @display(description="State")
    def shown_state(self, row: ContentTemplate) -> SafeString:
        return cells.badge("Archived", "plain") if row.archived_at else cells.badge("In use", "good")

    def header(self, request: HttpRequest, row: ContentTemplate) -> Header:
        return Header(
            title=row.name,
            subtitle=row.key,
            badges=[self.shown_channel(row), self.shown_state(row)],
            facts=[("Length", self.shown_length(row)), ("Changed", cells.moment(row.updated_at))],
        )

    def sections(self, request: HttpRequest, row: ContentTemplate) -> Iterable[Section]:
        if why := _why_not_yours(row, request.user):
            yield Section(title="Not yours to change", text=why, place=10)
        if row.subject:
            yield Section(title="Subject", text=row.subject)
        yield previews.section(request, row)
        yield Section(title="Text", text=format_html('<div class="cl-lines">{}</div>', row.body))
        tags = {tag.name: tag for part in (row.subject, row.body) for tag in tags_of(part)}
        yield Section(
            title="Tags",
            headers=["Tag", "Stands for", "For those who have none"],
            rows=[
                [name, TAGS.get(name, "An attribute of the contact"), _fallback(tag.fallback)]
                for name, tag in tags.items()
            ],
            empty="It says the same to everybody.",
        )


def _why_not_yours(row: Any, user: Any) -> str:
    """Why this person may not change it, looked up once for a page."""
    if not hasattr(row, "why_not_yours"):
        row.why_not_yours = contents.why_not_yours(row, user)
    why: str = row.why_not_yours
    return why


def _fallback(fallback: str | None) -> Any:
    if fallback is None:
        return cells.badge("Nothing", "warn", "Give it words behind a bar, or they read a gap.")
    return fallback or cells.NOTHING


class StatusForm(SpokenForm):
    class Meta:
        model = EnrollmentStatus
        fields = ["name", "place", "is_active"]


@admin.register(EnrollmentStatus)
class EnrollmentStatusAdmin(RecordAdmin):
    """What may be said of somebody in a campaign, in the order of the funnel."""

    changed_by = staticmethod(statuses.edit)
    created_by = staticmethod(statuses.put)
    empty_hint = "./dev migrate brings the first ones."
    fieldsets = [(None, {"fields": ["name", ("place", "is_active")]})]
    form = StatusForm
    list_display = ["name", "place", "shown_state"]
    list_filter = [filters.Flag.of("is_active", "state", yes="In use", no="Retired")]
    ordering = ["place", "name"]
    shared = True
    symbol = "flag"

    @display(description="State")
    def shown_state(self, row: EnrollmentStatus) -> SafeString:
        return cells.badge("In use", "good") if row.is_active else cells.badge("Retired", "plain")
