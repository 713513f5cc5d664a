"""The class that every page of the back office derives from."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.cache import patch_cache_control
from unfold.admin import ModelAdmin

from config.kernel import clock
from config.kernel.admin import lists, pages, search
from config.kernel.admin.edits import DayInput, EditForm, MomentField, MomentInput
from config.kernel.admin.patience import TooBroad, patient
from config.kernel.admin.scope import visible
from config.kernel.admin.verbs import VerbsMixin
from config.kernel.errors import DomainError
from config.kernel.transactions import atomic_with_retries


class ClearlineAdmin(VerbsMixin, ModelAdmin):
    """Rows are read with ``visible_to``, lists cost the same at a million rows, and every change goes to a service.

    A row has a page (``header``, ``sections``); ``edits`` and ``creates`` name the services that write it. Without
    them nothing can be written here, and nothing is ever deleted. ``self.request`` belongs to whoever came last, on
    any thread: it is never read.
    """

    actions_on_top = True
    change_form_show_cancel_button = True
    changed_by: Any = None  # function(row=, changes=, by=, at=), such as crm.services.editing.edit
    created_by: Any = None  # function(by=, at=, **values) -> (row, whether it is new)
    form = EditForm
    formfield_overrides = {
        models.DateTimeField: {"form_class": MomentField, "widget": MomentInput},
        models.DateField: {"widget": DayInput},
    }
    linked_by: Sequence[str] = ()  # fields by whose key other pages link to the list: ?contact=<id>
    list_filter_sheet = False
    list_fullwidth = True
    list_per_page = 50
    ordering: Sequence[str] = ("-pk",)
    paginator = lists.ShortPages
    search_exactly: Any = None  # function(text) -> Q, for what a person can know in full: a number, an id
    search_help_text = search.HINT
    search_through: Sequence[str] = ()  # relations to rows with a search column
    shared = False  # True where everybody who may see the model sees every row
    show_add_link = False
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    sortable_by: Sequence[str] = ()
    symbol = "description"  # of an empty list

    # Who sees what

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.get_queryset()
        return rows if self.shared else visible(rows, request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.created_by is not None and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.changed_by is not None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only rows that this person sees can be chosen, however the request was made."""
        rows = db_field.remote_field.model._default_manager.get_queryset()
        kwargs.setdefault("queryset", visible(rows, request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """No little buttons beside a choice: other rows are written on their own pages."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    # Lists

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[lists.Listing]:
        return lists.Listing

    def get_paginator(
        self, request: HttpRequest, queryset: QuerySet[Any], per_page: int, *rest: Any, **more: Any
    ) -> Any:
        return self.paginator(queryset, per_page)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Nobody asks by address what the page does not offer: it could be slow, and it could tell."""
        offered = {name for one in self.list_filter for name in _parameters(one)}
        return lookup in offered or lookup in self.linked_by

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(self.searched(request, search_term)), False

    def searched(self, request: HttpRequest, text: str) -> Q:
        """The condition that ``text`` means: an exact value where it is one, otherwise every word of it."""
        if self.search_exactly is not None and (exactly := self.search_exactly(text)):
            found: Q = exactly
            return found
        if not search.words(text):
            messages.info(request, "Type two letters or more to search.")
            return Q(pk__in=[])
        if self.search_through:
            models = {name: self.model._meta.get_field(name).related_model for name in self.search_through}
            met, more = search.through(text, {name: model._default_manager.all() for name, model in models.items()})
            if more:
                messages.info(
                    request, f"Many fit these words; the newest {search.THROUGH} were looked through. Add one."
                )
            return met
        if any(one.name == "search" for one in self.model._meta.get_fields()):
            return search.containing(text, model=self.model)
        return Q(pk__in=[])

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response: HttpResponse
        if request.method != "GET":
            response = super().changelist_view(request, extra_context)
            return response
        try:
            with patient():
                response = super().changelist_view(request, extra_context)
                if isinstance(response, TemplateResponse):
                    response.render()  # inside, because rows are still read while the page is written
                return response
        except TooBroad as refusal:
            return self._too_broad(request, refusal)

    def _too_broad(self, request: HttpRequest, refusal: TooBroad) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Narrow your search"}
        return TemplateResponse(request, "admin/too_broad.html", {**context, "refusal": refusal}, status=400)

    # Pages

    def get_urls(self) -> list[URLPattern]:
        return [*self.verb_urls(), *super().get_urls()]

    def header(self, request: HttpRequest, row: Any) -> pages.Header:
        return pages.Header(title=str(row))

    def sections(self, request: HttpRequest, row: Any) -> Iterable[pages.Section]:
        return ()

    def tabs(self, request: HttpRequest, row: Any, current: str) -> list[dict[str, Any]]:
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        found = [("overview", "Overview", page)]
        if self.has_change_permission(request, row):
            found.append(("edit", "Edit", f"{page}?tab=edit"))
        return [{"name": name, "title": title, "url": url, "active": name == current} for name, title, url in found]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show the page of a row, or the form that writes it; what a service refuses is said in the form."""
        if object_id is None:
            new = {"title": f"New {self.opts.verbose_name}"}
            return self._written(request, None, form_url, {**(extra_context or {}), **new, **_ONE_BUTTON})
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is no such page.")
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        editing = request.method == "POST" or request.GET.get("tab") == "edit"
        if not editing or not self.has_change_permission(request, row):
            if request.method == "POST":
                raise PermissionDenied
            return self.record_view(request, row)
        frame = self.frame(request, row, "edit")
        return self._written(request, object_id, form_url, {**(extra_context or {}), **frame, **_ONE_BUTTON})

    def record_view(self, request: HttpRequest, row: Any) -> HttpResponse:
        try:
            with patient():
                found = [*self.sections(request, row), *pages.added(self.opts.label_lower, request, row)]
                found.sort(key=lambda section: section.place)
                context = {
                    **self.admin_site.each_context(request), **self.frame(request, row, "overview"),
                    "main": [one for one in found if not one.aside], "aside": [one for one in found if one.aside],
                }  # fmt: skip
                response = TemplateResponse(request, "admin/record.html", context)
                response.render()
        except TooBroad as refusal:
            return self._too_broad(request, refusal)
        patch_cache_control(response, no_store=True)
        return response

    def frame(self, request: HttpRequest, row: Any, tab: str) -> dict[str, Any]:
        """What every page about ``row`` shows around its contents."""
        header = self.header(request, row)
        return {
            "opts": self.opts, "original": row, "called": header.name, "title": header.name, "subtitle": "",
            "header": header,
            "record_tabs": self.tabs(request, row, tab), "record_verbs": self.offered_on(request, row),
        }  # fmt: skip

    # Writing

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"refusal": getattr(request, "refusal", None)})

    def _written(self, request: HttpRequest, object_id: str | None, form_url: str, extra: Any) -> Any:
        try:
            return atomic_with_retries(super().changeform_view)(request, object_id, form_url, extra)
        except DomainError as refusal:  # the transaction is rolled back; the form comes back with the reason
            request.refusal = refusal  # type: ignore[attr-defined]  # where get_form finds it
            return super().changeform_view(request, object_id, form_url, extra)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Let the service write: only what this person changed, or what they said of somebody new."""
        now = clock.now()
        if change:
            row = self.get_queryset(request).get(pk=obj.pk)
            self.changed_by(row=row, changes=dict(form.changes()), by=request.user, at=now)
            return
        said = {name: value for name, value in form.cleaned_data.items() if value not in (None, "", [], {})}
        row, new = self.created_by(by=request.user, at=now, **said)
        obj.__dict__.update(row.__dict__)
        request.known_already = not new  # type: ignore[attr-defined]  # for the message of response_add

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing left: the service has written all of it."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        known = getattr(request, "known_already", False)
        messages.success(request, f"{obj} was known already: what you wrote was added." if known else f"{obj} created.")
        return self.response_post_save_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"{obj} saved.")
        return self.response_post_save_change(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])
        )

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The audit triggers write down who changed what; Django's own log would say it a second time, worse."""

    log_change = log_addition

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        """See ``log_addition``."""


_ONE_BUTTON = {"show_save_and_continue": False, "show_save_and_add_another": False, "show_save_as_new": False}


def _parameters(one: Any) -> list[str]:
    name = getattr(one, "parameter_name", None)
    return [name] if name else list(one.expected_parameters())
