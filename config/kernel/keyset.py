"""Pages that neither lose nor repeat a row: every ordering value plus the key, with NULLs in their place.

DRF's own cursor loses rows where the first ordering value ties or is NULL. Here the cursor holds all ordering values
of the edge row, signed together with the ordering and the filters that it belongs to (DESIGN 23).
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import OperationalError, connections, models, transaction
from django.db.models import F, Q, QuerySet
from psycopg.errors import QueryCanceled
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination
from rest_framework.response import Response

from config.kernel.errors import DomainError

NOTHING = Q(pk__in=[])


class BadCursor(DomainError):
    """The cursor is damaged, or belongs to another ordering or filter."""

    code = "bad_cursor"


class UnknownOrdering(DomainError):
    """The list cannot be ordered by that field at a million rows, so it is not offered."""

    code = "unknown_ordering"


class NarrowYourFilter(DomainError):
    """The question would take longer than the statement timeout allows."""

    code = "narrow_your_filter"


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of an ordering. NULLs stand where PostgreSQL puts them: last going up, first going down."""

    field: str
    descending: bool

    def reversed(self) -> "Sort":
        return Sort(self.field, not self.descending)

    def expression(self) -> Any:
        return F(self.field).desc() if self.descending else F(self.field).asc()

    def beyond(self, value: Any) -> Q:
        """Rows that come strictly after ``value`` in this term."""
        if value is None:
            return Q(**{f"{self.field}__isnull": False}) if self.descending else NOTHING
        if self.descending:
            return Q(**{f"{self.field}__lt": value})
        return Q(**{f"{self.field}__gt": value}) | Q(**{f"{self.field}__isnull": True})

    def level(self, value: Any) -> Q:
        return Q(**{f"{self.field}__isnull": True}) if value is None else Q(**{self.field: value})


def sorts(ordering: tuple[str, ...]) -> list[Sort]:
    """Parse ("-updated_at", "name") and end with the key, so that the order is total."""
    terms = [Sort(name.lstrip("-"), name.startswith("-")) for name in ordering]
    if not any(term.field in {"pk", "id"} for term in terms):
        terms.append(Sort("pk", terms[-1].descending if terms else True))
    return terms


def seek(terms: list[Sort], values: list[Any]) -> Q:
    """Rows strictly after the row whose ordering values are ``values``.

    The first term is repeated as a plain bound: with it PostgreSQL starts its index scan at the row, not at the top.
    """
    after, level = NOTHING, Q()
    for term, value in zip(terms, values, strict=True):
        after |= level & term.beyond(value)
        level &= term.level(value)
    first, value = terms[0], values[0]
    return (first.beyond(value) | first.level(value)) & after if len(terms) > 1 else after


def field_at(model: type[models.Model], path: str) -> "models.Field[Any, Any]":
    """Return the field at ``path`` ("session__initiated_at")."""
    found: Any = None
    for name in path.split("__"):
        found = model._meta.pk if name == "pk" else model._meta.get_field(name)
        model = found.related_model or model
    return getattr(found, "target_field", found)


class KeysetOrdering(BaseFilterBackend):
    """``?ordering=`` over ``view.ordering_fields``: only fields that have an index together with the key."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        asked = request.query_params.get("ordering")
        if not asked:
            return queryset
        allowed = tuple(getattr(view, "ordering_fields", ()))
        if asked.lstrip("-") not in allowed:
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


class KeysetPagination(BasePagination):
    """``{next, previous, results}``; ``limit`` up to 1000. No page costs more for being deep."""

    default_limit, max_limit = 50, 1000

    def paginate_queryset(self, queryset: QuerySet[Any], request: Any, view: Any = None) -> list[Any]:
        self.request = request
        self.limit = self._limit(request)
        self.ordering = tuple(queryset.query.order_by or getattr(view, "ordering", ("-pk",)))
        self.terms = sorts(self.ordering)
        self.model = queryset.model
        values, backward = self._cursor(request)
        terms = [term.reversed() for term in self.terms] if backward else self.terms
        rows = queryset.order_by(*[term.expression() for term in terms])
        if values is not None:
            rows = rows.filter(seek(terms, values))
        page = self._fetch(rows)
        more, page = len(page) > self.limit, page[: self.limit]
        if backward:
            page.reverse()
        self.has_next, self.has_previous = (True, more) if backward else (more, values is not None)
        self.page = page
        return page

    def _fetch(self, rows: QuerySet[Any]) -> list[Any]:
        with transaction.atomic(using=rows.db), connections[rows.db].cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(settings.STATEMENT_TIMEOUT_MS)])
            try:
                return list(rows[: self.limit + 1])
            except OperationalError as error:
                if not isinstance(error.__cause__, QueryCanceled):
                    raise
                raise NarrowYourFilter(
                    f"This list took longer than {settings.STATEMENT_TIMEOUT_MS} ms: narrow your filter."
                ) from error

    def _limit(self, request: Any) -> int:
        asked = request.query_params.get("limit")
        if asked is None:
            return self.default_limit
        if not asked.isdecimal() or not 1 <= int(asked) <= self.max_limit:
            raise DomainError(
                "The limit is out of range.", details={"limit": f"A whole number from 1 to {self.max_limit}."}
            )
        return int(asked)

    def _question(self) -> str:
        """The filters and the ordering that a cursor belongs to, as twelve characters."""
        asked = sorted(
            (k, v) for k, vs in self.request.query_params.lists() for v in vs if k not in {"cursor", "limit"}
        )
        return hashlib.sha256(repr((asked, self.ordering)).encode()).hexdigest()[:12]

    def _cursor(self, request: Any) -> tuple[list[Any] | None, bool]:
        token = request.query_params.get("cursor")
        if not token:
            return None, False
        try:
            question, backward, packed = signing.loads(token, salt="keyset")
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise BadCursor("This cursor is damaged: start again from the first page.") from error
        if question != self._question():
            raise BadCursor("This cursor belongs to another filter or ordering: start again from the first page.")
        fields = [field_at(self.model, term.field) for term in self.terms]
        values = [None if raw is None else field.to_python(raw) for field, raw in zip(fields, packed, strict=True)]
        return values, bool(backward)

    def _link(self, row: Any, *, backward: bool) -> str:
        packed = [self._pack(row, term) for term in self.terms]
        token = signing.dumps([self._question(), backward, packed], salt="keyset", compress=True)
        params = [(k, v) for k, vs in self.request.query_params.lists() for v in vs if k != "cursor"]
        return str(self.request.build_absolute_uri(f"{self.request.path}?{urlencode([*params, ('cursor', token)])}"))

    def _pack(self, row: Any, term: Sort) -> Any:
        value = row
        for name in term.field.split("__"):
            value = value.get(name) if isinstance(value, dict) else getattr(value, name)
            if value is None:
                return None
        if isinstance(value, models.Model):
            value = value.pk
        return (
            value
            if isinstance(value, int | float)
            else value.isoformat()
            if hasattr(value, "isoformat")
            else str(value)
        )

    def get_paginated_response(self, data: Any) -> Response:
        following = self._link(self.page[-1], backward=False) if self.page and self.has_next else None
        previous = self._link(self.page[0], backward=True) if self.page and self.has_previous else None
        return Response({"next": following, "previous": previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        return [
            {"name": "cursor", "in": "query", "required": False, "schema": {"type": "string"}},
            {"name": "limit", "in": "query", "required": False, "schema": limit},
        ]
