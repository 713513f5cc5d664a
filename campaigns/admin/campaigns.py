"""Campaigns in the back office: who is where, what is wrong, and what can be done about it."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from campaigns.admin import campaign_page
from campaigns.admin.campaign_verbs import VERBS
from campaigns.admin.forms import SpokenForm
from campaigns.models import Campaign, CampaignCount, Template
from campaigns.services import campaigns, ownership
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from crm.admin.base import RecordAdmin
from crm.models import User

EVENT = ["event_type", "event_date", "event_time", "event_place", "event_hook"]
PACE = ["reentry", "reentry_days", "exclusive", "starts_per_day", "company_limit", "spread_minutes"]


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__({"class": "cl-input", **(attrs or {})}, format="%H:%M")


class CampaignForm(SpokenForm):
    class Meta:
        model = Campaign
        fields = ["name", "description", "owner", "sender", "goal", *EVENT, *PACE]
        labels = {
            "event_type": "Kind", "event_date": "Day", "event_time": "Time", "event_place": "Place",
            "event_hook": "Why come", "reentry": "May begin again", "reentry_days": "After how many days",
            "starts_per_day": "Begin in 24 hours, at most", "company_limit": "Of one company, at most",
            "spread_minutes": "After a pause, minutes", "exclusive": "Exclusive",
        }  # fmt: skip
        widgets = {"description": forms.Textarea(attrs={"rows": 3, "class": "cl-input"})}


class NewCampaignForm(CampaignForm):
    template = forms.ModelChoiceField(
        queryset=Template.objects.none(), widget=UnfoldAdminSelectWidget,
        help_text="The campaign begins with a copy of its last version.",
    )  # fmt: skip

    class Meta(CampaignForm.Meta):
        pass

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["template"]
        field.queryset = Template.objects.filter(status="published").order_by("name")


def _create(*, template: Template, by: Any, at: Any, **said: Any) -> tuple[Campaign, bool]:
    version = template.versions.select_related("template", "graph").latest("number")
    return campaigns.create(version=version, by=by, at=at, **said), True


def _people(*names: str) -> Subquery:
    """The sum of these numbers of a campaign, from their slots."""
    counts = CampaignCount.objects.filter(campaign=OuterRef("pk"), node=None, name__in=names).order_by()
    return Subquery(counts.values("campaign").annotate(sum=Sum("value")).values("sum"))


@admin.register(Campaign)
class CampaignAdmin(RecordAdmin):
    """Running copies of a graph, and the people who walk through them."""

    changed_by = staticmethod(campaigns.edit)
    created_by = staticmethod(_create)
    empty_hint = "Begin one: choose a template that is published, and enrol people."
    fieldsets: Any = [
        (None, {"fields": ["name", "description", ("owner", "sender"), "goal"]}),
        ("The event", {"fields": [("event_type", "event_place"), ("event_date", "event_time"), "event_hook"]}),
        ("Who begins, and when", {"fields": [("reentry", "reentry_days"), ("starts_per_day", "company_limit"),
                                             ("spread_minutes", "exclusive")]}),
    ]  # fmt: skip
    form = CampaignForm
    formfield_overrides: Any = {**RecordAdmin.formfield_overrides, models.TimeField: {"widget": ClockInput}}
    list_display = [
        "name", "shown_status", "shown_people", "shown_walking", "owner", "sender", "version", "shown_event",
        "updated_at",
    ]  # fmt: skip
    list_filter = [
        filters.Choice.of("status"),
        filters.Person.of("owner"),
        filters.Person.of("sender", nobody="Nobody in particular"),
        filters.Born.of("id", "Begun"),
    ]
    list_select_related = ["owner", "sender", "version__template"]
    search_exactly = staticmethod(lambda text: Q(name__icontains=text.strip()))
    search_fields = ["name"]
    search_help_text = "Name"
    symbol = "campaign"
    verbs = VERBS
    views = [
        ("All", {}),
        ("Mine", {"owner": "me"}),
        ("Running", {"status": "active"}),
        ("Paused", {"status": "paused"}),
        ("Drafts", {"status": "draft"}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        counted: QuerySet[Any] = rows.annotate(
            people=_people("total_contacts"), walking=_people(*campaign_page.ON_THE_WAY)
        )
        return counted

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        first, *others = self.fieldsets
        fields = [*first[1]["fields"]] if obj else ["template", *first[1]["fields"]]
        return [(None, {"fields": fields}), *others]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer what its status allows, and whose name this person may put on it."""
        form = super().get_form(request, obj, change=change, **({} if obj else {"form": NewCampaignForm}), **kwargs)
        user: Any = request.user
        people = User.objects.filter(is_active=True).order_by("name", "pk")
        for name in ("owner", "sender"):
            kept = {user.pk, getattr(obj, f"{name}_id", None)} - {None}
            form.base_fields[name].queryset = people if user.sees_everything else User.objects.filter(pk__in=kept)
        if obj is not None and not user.sees_everything:
            form.base_fields["owner"].disabled = True
            form.base_fields["owner"].help_text = "Only an admin changes it."
        form.base_fields["owner"].empty_label = "Whoever begins it" if obj is None else "Nobody"
        form.base_fields["sender"].empty_label = "Nobody in particular"
        if obj is not None:
            for name in form.base_fields.keys() - campaigns.editable(obj.status):
                form.base_fields[name].disabled = True
                form.base_fields[name].help_text = f"This stays while it is {obj.get_status_display().lower()}."
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only those who run it have a tab to edit it."""
        may = super().has_change_permission(request, obj)
        user: Any = request.user
        return may and (obj is None or not ownership.why_not_yours(obj, user))

    @display(description="Status")
    def shown_status(self, row: Campaign) -> SafeString:
        return campaign_page.status(row)

    @display(description="People")
    def shown_people(self, row: Any) -> Any:
        return cells.number(row.people or 0)

    @display(description="On the way")
    def shown_walking(self, row: Any) -> Any:
        return cells.number(row.walking or 0)

    @display(description="Event")
    def shown_event(self, row: Campaign) -> Any:
        return cells.day(row.event_date)

    def header(self, request: HttpRequest, row: Campaign) -> Header:
        return campaign_page.header(row, request.user)

    def sections(self, request: HttpRequest, row: Campaign) -> Iterable[Section]:
        return campaign_page.sections(row)
