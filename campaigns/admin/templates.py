"""Templates in the back office: what is drawn, what is wrong with it, and what was published."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.admin.forms import SpokenForm
from campaigns.choices import TemplateStatus
from campaigns.models import Template, TemplateVersion
from campaigns.reports import pictures, settings, words
from campaigns.rules.differences import Difference
from campaigns.rules.drawings import Drawing, DrawnEdge
from campaigns.rules.validation import Fault
from campaigns.services import graphs, templates
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Question, Verb
from crm.admin.base import RecordAdmin

_TONES = {TemplateStatus.DRAFT: "warn", TemplateStatus.PUBLISHED: "good", TemplateStatus.ARCHIVED: "plain"}
CHANGE = "campaigns.change_template"


class TemplateForm(SpokenForm):
    class Meta:
        model = Template
        fields = ["name", "description"]


class Publishing(Question):
    note = forms.CharField(max_length=200, required=False, help_text="What is new? Whoever compares versions reads it.")


class Cloning(Question):
    name = forms.CharField(max_length=120, label="Name of the copy")


class Restoring(Question):
    """Only the draft that was there when it was asked is replaced."""

    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, row: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, **kwargs)
        self.initial["revision"] = row.template.draft.revision


def _publish(row: Template, *, by: Any, at: datetime, note: str) -> None:
    templates.publish(row=row, note=note, by=by, at=at)


def _restore(row: TemplateVersion, *, by: Any, at: datetime, revision: int) -> None:
    templates.restore(version=row, revision=revision, by=by, at=at)


@admin.register(Template)
class TemplateAdmin(RecordAdmin):
    """Reusable graphs. The draft is drawn over the API; publishing makes it a version that never changes."""

    changed_by = staticmethod(templates.edit)
    created_by = staticmethod(lambda **said: (templates.create(**said), True))
    empty_hint = "Begin one: a name is enough, the graph comes later."
    fieldsets = [(None, {"fields": ["name", "description"]})]
    form = TemplateForm
    list_display = ["name", "shown_status", "shown_versions", "shown_news", "updated_at"]
    list_filter = [filters.Choice.of("status")]
    ordering = ["name"]
    search_exactly = staticmethod(lambda text: Q(name__icontains=text.strip()))
    search_fields = ["name"]
    search_help_text = "Name"
    shared = True
    symbol = "account_tree"
    verbs = [
        Verb(
            name="publish", label="Publish", permission=CHANGE, icon="publish", do=_publish, form=Publishing,
            done="published", applies=lambda row: row.status != TemplateStatus.ARCHIVED, in_lists=False,
            effect="The draft becomes the next version, which never changes. Campaigns that run stay on theirs.",
        ),
        Verb(
            name="clone", label="Copy", permission="campaigns.add_template", icon="content_copy", form=Cloning,
            do=lambda row, *, by, at, name: templates.clone(row=row, name=name, by=by, at=at), done="copied",
            in_lists=False, effect="Another template begins with the same draft.",
        ),
        Verb(
            name="archive", label="Archive", permission=CHANGE, icon="archive", done="archived",
            do=lambda row, *, by, at: templates.archive(row=row, by=by, at=at),
            applies=lambda row: row.status != TemplateStatus.ARCHIVED,
            effect="Nobody begins a campaign with it any more. What runs goes on.",
        ),
        Verb(
            name="bring_back", label="Bring back", permission=CHANGE, icon="unarchive", done="brought back",
            do=lambda row, *, by, at: templates.bring_back(row=row, by=by, at=at),
            applies=lambda row: row.status == TemplateStatus.ARCHIVED, effect="It can be drawn on and used again.",
        ),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("draft")
        counted: QuerySet[Any] = rows.annotate(published=Count("versions"))
        return counted

    @display(description="Status")
    def shown_status(self, row: Template) -> SafeString:
        return cells.badge(row.get_status_display(), _TONES[TemplateStatus(row.status)])

    @display(description="Versions")
    def shown_versions(self, row: Any) -> int:
        return int(row.published)

    @display(description="Draft")
    def shown_news(self, row: Template) -> Any:
        return cells.badge("Unpublished changes", "warn") if _has_news(row) else cells.soft("As published")

    def header(self, request: HttpRequest, row: Template) -> Header:
        return Header(
            title=row.name,
            subtitle=row.description,
            badges=[self.shown_status(row), self.shown_news(row)],
            facts=[("Versions", self.shown_versions(row)), ("Revision of the draft", row.draft.revision)],
        )

    def sections(self, request: HttpRequest, row: Template) -> Iterable[Section]:
        drawing, faults = graphs.drawing_of(row.draft), templates.faults_of(row)
        if faults:
            yield faults_section(faults)
        yield picture_section(drawing, faults, graph=row.draft_id)
        yield Section(
            title="Versions",
            headers=["Version", "Published", "By", "What is new"],
            rows=[
                [
                    cells.link(version, f"v{version.number}"),
                    cells.moment(version.published_at),
                    version.published_by or cells.NOTHING,
                    version.note or cells.NOTHING,
                ]
                for version in row.versions.select_related("template", "published_by").order_by("-number")[:20]
            ],
            empty="It was never published.",
            place=60,
        )
        yield nodes_section(drawing)


@admin.register(TemplateVersion)
class TemplateVersionAdmin(RecordAdmin):
    """What a template was when it was published."""

    audited = False
    list_display = ["shown_name", "published_at", "published_by", "note"]
    list_select_related = ["template", "published_by"]
    linked_by = ["template"]
    shared = True
    symbol = "history"
    verbs = [
        Verb(
            name="restore", label="Make it the draft", permission=CHANGE, icon="restore", do=_restore,
            form=Restoring, done="made the draft", in_lists=False,
            effect="The draft of the template becomes what it was in this version. What it is now is lost unless it "
            "was published; publishing makes a new version of it.",
        )
    ]  # fmt: skip

    @display(description="Version")
    def shown_name(self, row: TemplateVersion) -> str:
        return str(row)

    def header(self, request: HttpRequest, row: TemplateVersion) -> Header:
        return Header(
            title=cells.badges(cells.link(row.template), f"v{row.number}"),
            subtitle=row.note,
            facts=[("Published", cells.moment(row.published_at)), ("By", row.published_by or cells.NOTHING)],
        )

    def sections(self, request: HttpRequest, row: TemplateVersion) -> Iterable[Section]:
        drawing = graphs.drawing_of(row.graph)
        before = row.template.versions.filter(number__lt=row.number).order_by("-number").first()
        if before:
            found = templates.differences(before.graph, row.graph)
            yield differences_section(f"New since v{before.number}", found, "Before", "Now", place=40)
        yield picture_section(drawing, (), graph=row.graph_id)
        yield nodes_section(drawing)


def picture_section(drawing: Drawing, faults: Sequence[Fault], *, graph: Any) -> Section:
    context = {"picture": pictures.draw(drawing, faults), "graph": graph}
    return Section(title="Graph", template="admin/campaigns/graph.html", context=context, place=30)


def faults_section(faults: Sequence[Fault]) -> Section:
    rows = [[fault.node or "Graph", fault.message] for fault in faults]
    return Section(title="What is wrong with it", headers=["Node", "Fault"], rows=rows, place=20)


def nodes_section(drawing: Drawing) -> Section:
    """The picture in words: for those who do not see it, and for those who search it."""
    rows = [
        [node.key, node.name or cells.NOTHING, words.in_full(drawing, node), words.ways(drawing, node.key)]
        for node in drawing.nodes
    ]
    headers = ["Key", "Name", "Does", "Leads"]
    return Section(title="Nodes", headers=headers, rows=rows, empty="None are drawn yet.", place=70)


def differences_section(
    title: str, found: Iterable[Difference], before: str, now: str, *, place: int, empty: str = ""
) -> Section:
    """What makes one graph of another, part by part, in the words of its pages."""
    rows = [
        [each.kind.capitalize(), _part(each), name and settings.name_of(name), _told(name, old), _told(name, new)]
        for each in found
        for name, (old, new) in (each.changes or {"": ("", "")}).items()
    ]
    headers = ["", "Part", "Setting", before, now]
    return Section(title=title, headers=headers, rows=rows, empty=empty, place=place)


def _part(one: Difference) -> str:
    if one.what == "node":
        return f"Node {one.key}"
    if one.what == "edge":
        source, _, label = one.key.partition(":")
        return f"Way from {source}, {words.way(DrawnEdge(source, '', label)) or 'next'}"
    return "Graph"


def _told(field: str, value: Any) -> Any:
    return settings.value_of(field, value) or cells.NOTHING


def _has_news(row: Template) -> bool:
    return row.published_revision != row.draft.revision
