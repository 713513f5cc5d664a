from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from config.kernel.admin.base import ClearlineAdmin
from crm.admin import timelines
from crm.choices import COLUMN_WORDS
from crm.models import User
from crm.querysets import owned_or_free
from crm.reports import audit
from crm.services import editing

CHANGES = 50  # of a history, at once


class RecordAdmin(ClearlineAdmin):
    """Adds the tab that shows who changed what. ``audited_rows`` may name rows that belong to the one that is shown."""

    audited = True
    empty_hint = ""
    owners: tuple[str, ...] = ()  # paths to the owners of what a row is about, where its queryset does not know them

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.get_queryset()
        user: Any = request.user
        if hasattr(rows, "visible_to") or not self.owners or user.sees_everything:
            seen: QuerySet[Any] = super().get_queryset(request)
            return seen
        return rows.filter(owned_or_free(user, *self.owners))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer only what the service will accept: owners, who promised a callback, wishes that may be taken back."""
        form = super().get_form(request, obj, change=change, **kwargs)
        for name, field in form.base_fields.items():
            field.label = COLUMN_WORDS.get(name, field.label)
        user: Any = request.user
        if obj is not None and "owner" in form.base_fields:
            _offer(form.base_fields["owner"], editing.possible_owners(obj, user))
        if obj is not None and "callback_by" in form.base_fields:
            active = User.objects.filter(is_active=True).values_list("pk", flat=True)
            _offer(form.base_fields["callback_by"], [None, *active, obj.callback_by_id])
        for name in editing.beyond(obj, user) if obj is not None else []:
            if name in form.base_fields:
                form.base_fields[name].disabled = True
                form.base_fields[name].help_text = "Only an admin takes this back."
        return form

    def tabs(self, request: HttpRequest, row: Any, current: str) -> list[dict[str, Any]]:
        found = super().tabs(request, row, current)
        if self.audited:
            url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_history", args=[row.pk])
            found.append({"name": "history", "title": "History", "url": url, "active": current == "history"})
        return found

    def audited_rows(self, row: Any, user: Any) -> Iterable[UUID]:
        """Return whose changes are the row's history: its own, and those of what belongs to it that ``user`` sees."""
        return [row.pk]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self._seen(request, object_id)
        if not self.audited:
            raise Http404("There is no such page.")
        user: Any = request.user
        rows, place = set(self.audited_rows(row, user)), timelines.read_place(request.GET)
        found = audit.history(rows, user=user, limit=CHANGES + 1, before=place)
        last = found[CHANGES - 1] if len(found) > CHANGES else None
        older = timelines.place_query((last.at, last.key)) if last else ""
        context = {**self.admin_site.each_context(request), **self.frame(request, row, "history"), "older": older}
        return TemplateResponse(request, "admin/history.html", {**context, "changes": found[:CHANGES]})

    def _seen(self, request: HttpRequest, object_id: str) -> Any:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is no such page.")
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return row


class StoryAdmin(RecordAdmin):
    """A row with a timeline: a contact, a project, a pair."""

    def get_urls(self) -> list[URLPattern]:
        wrap, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}_timeline"
        return [path("<path:object_id>/timeline/", wrap(self.timeline_view), name=name), *super().get_urls()]

    def timeline_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return timelines.older(request, self._seen(request, object_id))


def _offer(field: Any, keys: Iterable[UUID | None]) -> None:
    """Let the select ``field`` show these people, by name; None among them is nobody."""
    known = set(keys)
    field.queryset = User.objects.filter(pk__in=[key for key in known if key]).order_by("name", "pk")
    field.empty_label = "Nobody" if None in known else None
