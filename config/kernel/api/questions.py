"""What a list may be asked: known parameters only, each with a value that makes sense."""

from typing import Any

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.filters import BaseFilterBackend

from config.kernel.errors import DomainError

PAGING = frozenset({"cursor", "limit"})


class UnknownOrdering(DomainError):
    """The list cannot be ordered by that field at a million rows, so it is not offered."""

    code = "unknown_ordering"


class Filters(DjangoFilterBackend):
    """The view's filterset. A parameter that nobody knows is refused by name: ignored, it would mean "everything"."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        filterset = self.get_filterset_class(view, queryset)
        known = dict(filterset.base_filters) if filterset else {}
        refuse_unknown(request, {*known, "ordering", *PAGING})
        if not known.keys() & request.query_params.keys():
            return queryset  # a form with a dozen fields costs more than the query that it would not change
        return super().filter_queryset(request, queryset, view)


def refuse_unknown(request: Any, known: set[str]) -> None:
    """:raises ValidationError: the address has a parameter that is not among ``known``."""
    choices = ", ".join(sorted(known)) or "none"
    wrong = {
        name: [ErrorDetail(f"There is no such parameter here. There are: {choices}.", "unknown_parameter")]
        for name in request.query_params
        if name not in known | {"format"}
    }
    if wrong:
        raise ValidationError(wrong)


class Ordering(BaseFilterBackend):
    """``?ordering=`` over ``view.ordering_fields``: only fields that have an index together with the key."""

    def filter_queryset(self, request: Any, queryset: Any, view: Any) -> Any:
        asked = request.query_params.get("ordering")
        if not asked:
            return queryset
        allowed = tuple(getattr(view, "ordering_fields", ()))
        if asked.removeprefix("-") not in allowed:
            choices = ", ".join(f"{name}, -{name}" for name in allowed) or "nothing but its default"
            raise UnknownOrdering(
                f"This list cannot be ordered by {asked!r}.", details={"ordering": f"Choose from: {choices}."}
            )
        return queryset.order_by(asked)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        allowed = [sign + name for name in getattr(view, "ordering_fields", ()) for sign in ("", "-")]
        if not allowed:
            return []
        schema = {"type": "string", "enum": allowed}
        return [{"name": "ordering", "in": "query", "required": False, "schema": schema}]
