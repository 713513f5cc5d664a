"""``{next, previous, results}``: pages by keyset, as HTTP sees them."""

from typing import Any
from urllib.parse import urlencode

from rest_framework.pagination import BasePagination
from rest_framework.response import Response

from config.kernel.errors import DomainError
from config.kernel.keyset import Keyset


class LimitOutOfRange(DomainError):
    code = "limit_out_of_range"


class KeysetPagination(BasePagination):
    """``limit`` up to 1000. No page costs more for being deep; how many rows there are in all is not told."""

    default_limit, max_limit = 50, 1000

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        """Return the page that ``request`` asks for, as the view's ``reading`` shows it."""
        ordering = tuple(queryset.query.order_by) or tuple(view.ordering)
        plan = view.plan()
        keyset = Keyset(ordering, self._limit(request), _question(request))
        page = keyset.page(queryset, plan.columns, request.query_params.get("cursor"))
        self.next, self.previous = (_link(request, cursor) for cursor in (page.following, page.previous))
        shown: list[Any] = plan.show(page.rows, request=request)
        return shown

    def _limit(self, request: Any) -> int:
        asked = request.query_params.get("limit")
        if asked is None:
            return self.default_limit
        if not (asked.isascii() and asked.isdecimal() and len(asked) < 6 and 1 <= int(asked) <= self.max_limit):
            raise LimitOutOfRange(
                "The limit is out of range.", details={"limit": f"A whole number from 1 to {self.max_limit}."}
            )
        return int(asked)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "previous": self.previous, "results": data})

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


def _question(request: Any) -> str:
    """The path and the filters that a cursor belongs to."""
    asked = [(name, value) for name, values in request.query_params.lists() for value in values]
    return repr((request.path, sorted(pair for pair in asked if pair[0] not in {"cursor", "limit", "format"})))


def _link(request: Any, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    params = [(k, v) for k, vs in request.query_params.lists() for v in vs if k != "cursor"]
    return str(request.build_absolute_uri(f"{request.path}?{urlencode([*params, ('cursor', cursor)])}"))
