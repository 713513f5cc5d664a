from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from config.kernel.admin import cells, filters, search
from config.kernel.admin.edits import EditForm
from config.kernel.admin.pages import Header, Section
from crm.admin import contact_page, phrases, verbs
from crm.admin.base import StoryAdmin
from crm.models import Contact, ContactPoint
from crm.reports import audit
from crm.services import editing
from crm.services.normalization.emails import find_email
from crm.services.normalization.phones import find_phone


def reached_by(text: str) -> Q | None:
    """Whoever has this very number or address, primary or not; nothing where ``text`` is neither in full."""
    values = []
    if "@" in text and (address := find_email(text)):
        values.append(address)
    elif search.looks_like_phone(text) and (number := find_phone(text)):
        values.append(number.e164)
    if not values:
        return None
    owners = ContactPoint.objects.filter(endpoint__value__in=values).values_list("contact_id", flat=True)
    found = list(owners[: search.THROUGH])
    return Q(pk__in=found) if found else None


class NewContactForm(EditForm):
    """Somebody new, or somebody known: who has the number or the address gets the rest besides."""

    phone = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="Becomes their primary number."
    )
    email = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="Becomes their primary address."
    )


@admin.register(Contact)
class ContactAdmin(StoryAdmin):
    """People. Their numbers and addresses have verbs of their own; their primary ones are copies nobody edits here."""

    add_fieldsets = [
        (None, {"fields": [("first_name", "last_name"), ("title", "company"), ("phone", "email"), "contact_id"]}),
        ("Where they are", {"fields": ["street", ("city", "region"), ("postal_code", "country")]}),
        ("Elsewhere", {"fields": ["profiles"]}),
    ]
    autocomplete_fields = ["company"]
    changed_by = staticmethod(editing.edit)
    created_by = staticmethod(editing.create_contact)
    empty_hint = "Take in a file with ./dev ingest FILE, or create the first person yourself."
    fieldsets = [
        (None, {"fields": [("first_name", "last_name"), "name", ("title", "company"), ("department", "seniority")]}),
        ("Work on them", {"fields": [("owner", "lifecycle"), ("priority", "preferred_channel"),
                                     ("lead_score", "conversion_probability")]}),
        ("May we?", {"fields": [("do_not_call", "do_not_text", "do_not_email")]}),
        ("Where they are", {"fields": ["street", ("city", "region"), ("postal_code", "country"), "time_zone"]}),
        ("Elsewhere", {"fields": ["profiles", "attributes"]}),
    ]  # fmt: skip
    linked_by = ("company",)
    list_display = [
        "shown_name", "company", "shown_phone", "shown_email", "shown_lifecycle", "shown_priority", "owner",
        "shown_quality", "updated_at",
    ]  # fmt: skip
    list_filter = [
        filters.Person.of("owner", left="Deactivated colleagues"),
        filters.Choice.of("lifecycle", "stage"),
        filters.Choice.of("priority"),
        filters.Flag.of("do_not_call", "do not call"),
        filters.Born.of("id", "Added"),
    ]
    list_select_related = ["company", "owner"]
    search_exactly = staticmethod(reached_by)
    search_fields = ["search"]
    search_help_text = "Name, title, phone, e-mail or id"
    sortable_by = ["shown_name", "updated_at"]
    symbol = "group"
    verbs = [
        verbs.ADD_POINT, verbs.CLAIM, verbs.ASSIGN, verbs.CONSENT, verbs.SUPPRESS_CONTACT,
        *verbs.deletion("contact", "They are offered to nobody, and no source brings them back until restored."),
    ]  # fmt: skip
    views = [
        ("Everybody", {}),
        ("Mine", {"owner": "me"}),
        ("Nobody's", {"owner": "nobody"}),
        ("Urgent", {"priority": "4"}),
        ("Do not call", {"do_not_call": "yes"}),
    ]

    @display(description="Name", ordering="name")
    def shown_name(self, row: Contact) -> SafeString | str:
        marks = phrases.flags(row)
        return cells.badges(cells.lines([str(row)]), *marks) if marks else str(row)

    @display(description="Phone")
    def shown_phone(self, row: Contact) -> SafeString:
        return phrases.phone(row.primary_phone)

    @display(description="E-mail")
    def shown_email(self, row: Contact) -> str:
        return row.primary_email

    @display(description="Stage")
    def shown_lifecycle(self, row: Contact) -> SafeString | str:
        return phrases.lifecycle(row)

    @display(description="Priority")
    def shown_priority(self, row: Contact) -> SafeString | str:
        return phrases.priority(row)

    @display(description="Record")
    def shown_quality(self, row: Contact) -> SafeString:
        return phrases.quality(row.data_quality)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("search")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **({} if obj else {"form": NewContactForm}), **kwargs)

    def header(self, request: HttpRequest, row: Contact) -> Header:
        return contact_page.header(row)

    def sections(self, request: HttpRequest, row: Contact) -> Iterable[Section]:
        return contact_page.sections(request, row)

    def audited_rows(self, row: Contact, user: Any) -> Iterable[UUID]:
        return audit.life_of(row, user=user)
