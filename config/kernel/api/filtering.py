"""The filters that lists share. Each has an index behind it, or narrows what another has found."""

from typing import Any, ClassVar
from uuid import UUID

import django_filters as filters
from django import forms
from django.db.models import F, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan
from rest_framework.exceptions import ErrorDetail, ValidationError

from config.kernel.frequency import told_apart
from config.kernel.ids import first_uuid7_at

SHORTEST, MOST = 3, 8


class Related(filters.UUIDFilter):
    """Rows of one other row, by its id. One that does not exist, or that the user does not see, has none.

    Whether it is seen is asked first, by its key: an id learnt elsewhere tells nothing, and the list keeps its plan.
    """

    def filter(self, rows: Any, value: Any) -> Any:
        if not value:
            return rows
        return super().filter(rows, value) if self._is_seen(rows.model, value) else rows.none()

    def _is_seen(self, model: Any, key: UUID) -> bool:
        for step in str(self.field_name).split("__"):
            model = model._meta.get_field(step).related_model
        others = model._default_manager.filter(pk=key)
        return not hasattr(others, "visible_to") or others.visible_to(self.parent.request.user).exists()


class Whole(filters.NumberFilter):
    """Rows with a whole number: a fraction is refused, and means no other one."""

    field_class = forms.IntegerField


class Words(filters.CharFilter):
    """Rows whose ``search`` column holds every word, in any order; answered by its trigram index."""

    def __init__(self, **options: Any) -> None:
        super().__init__(label=f"Words, each of {SHORTEST} letters or more", max_length=200, **options)

    def filter(self, rows: Any, value: Any) -> Any:
        words = str(value or "").lower().split()
        if not words:
            return rows
        if len(words) > MOST or max(len(word) for word in words) < SHORTEST:
            wanted = f"Give at most {MOST} words, one of them with {SHORTEST} letters or more."
            raise ValidationError({"search": [ErrorDetail(wanted, "too_short")]})
        column = str(self.field_name)
        _, often = told_apart(rows.model, column, [word for word in words if len(word) >= SHORTEST])
        for word in words:
            beside_the_index = GreaterThan(StrIndex(F(column), Value(word)), 0)
            rows = rows.filter(beside_the_index if word in often else Q(**{f"{column}__contains": word}))
        return rows


class Owner(filters.CharFilter):
    """Rows of a user: an id, "me", or "none" for rows that nobody owns."""

    def __init__(self, **options: Any) -> None:
        super().__init__(label='An id, "me" or "none"', **options)

    def filter(self, rows: Any, value: Any) -> Any:
        if not value:
            return rows
        if value == "none":
            return rows.filter(**{f"{self.field_name}__isnull": True})
        return rows.filter(**{self.field_name: self._user(value)})

    def _user(self, value: str) -> Any:
        if value == "me":
            return self.parent.request.user.pk
        try:
            return UUID(value)
        except ValueError:
            raise ValidationError({self.field_name: [ErrorDetail('Give an id, "me" or "none".', "invalid")]}) from None


class CreatedSince(filters.IsoDateTimeFilter):
    """Rows born at or after a moment: their ids know, so no other index is needed."""

    def filter(self, rows: Any, value: Any) -> Any:
        return rows.filter(id__gte=first_uuid7_at(value)) if value else rows


class TrueOrFalse(forms.Field):
    """A field that understands "true" and "false", and refuses the rest instead of forgetting it."""

    KNOWN: ClassVar = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

    def to_python(self, value: Any) -> bool | None:
        if value in self.empty_values:
            return None
        try:
            return self.KNOWN[str(value).lower()]
        except KeyError:
            raise forms.ValidationError("Write true or false.", code="invalid") from None


class YesNo(filters.BooleanFilter):
    """Rows where something is so, or is not so."""

    field_class = TrueOrFalse

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"widget": forms.TextInput, **options})


class Empty(YesNo):
    """True: rows where a column is empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(lookup_expr="isnull", **options)


class ChangedSince(filters.IsoDateTimeFilter):
    """Rows that changed at or after a moment, in the order of their changes: what somebody who keeps a copy reads.

    In the order of their birth they would be found by walking over all that did not change.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(field_name="updated_at", lookup_expr="gte", label="Oldest change first", **options)

    def filter(self, rows: Any, value: Any) -> Any:
        return super().filter(rows, value).order_by("updated_at") if value else rows


def since(field: str) -> filters.IsoDateTimeFilter:
    return filters.IsoDateTimeFilter(field_name=field, lookup_expr="gte", label="At or after")


def before(field: str) -> filters.IsoDateTimeFilter:
    return filters.IsoDateTimeFilter(field_name=field, lookup_expr="lt", label="Before")
