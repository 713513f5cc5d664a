"""Resources: what every viewset of ours does the same way."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, TypeVar

from django.http import HttpResponse
from django.urls import reverse
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from config.kernel import clock
from config.kernel.api.questions import refuse_unknown
from config.kernel.api.reading import Plan, Reading
from config.kernel.keyset import timed

Answer = TypeVar("Answer", bound=HttpResponse)

UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class Resource(GenericViewSet):
    """Rows that one may see. ``reading`` shows them; ``told`` and ``changes`` say what a POST and a PATCH may hold.

    ``needs`` names the permissions of actions that are more than view, add, change or delete.
    """

    reading: ClassVar[type[Reading]]
    reading_one: ClassVar[type[Reading] | None] = None  # where a single row shows more than a list of them
    told: ClassVar[Any] = None
    changes: ClassVar[Any] = None
    needs: ClassVar[dict[str, list[str]]] = {}
    takes: ClassVar[dict[str, Any]] = {}  # action: what it may be told
    ordering: ClassVar[tuple[str, ...]] = ("-id",)
    ordering_fields: ClassVar[tuple[str, ...]] = ("id",)
    how_to_change: ClassVar[str] = ""  # what somebody who met a 405 should do instead
    lookup_value_regex = UUID

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action != "list":  # lists know their filters
            refuse_unknown(request, set())

    def get_queryset(self) -> Any:
        return self.model.objects.visible_to(self.request.user)

    @property
    def model(self) -> Any:
        rows: Any = type(self).__dict__.get("queryset") or self.__class__.queryset
        return rows.model

    def plan(self) -> Plan:
        return (self.reading_one if self.reading_one and self.action != "list" else self.reading).plan()

    def get_serializer_class(self) -> Any:
        named = {"create": self.told, "partial_update": self.changes or self.told, **self.takes}
        return named.get(self.action or "") or self.reading

    def one(self, rows: Any, key: Any) -> Any:
        """Return the row of ``rows`` with this key.

        :raises NotFound: it is not among them.
        """
        row = rows.filter(pk=key).first()
        if row is None:
            raise NotFound
        return row

    def shown(self, key: Any, rows: Any = None) -> dict[str, Any]:
        """Return one row as it is shown. Without ``rows`` it is one that the user has just written.

        :raises NotFound: it does not exist among ``rows``.
        """
        plan = self.plan()
        rows = self.model.objects.all() if rows is None else rows
        found = list(rows.filter(pk=key).values_list(*plan.columns)[:1])
        if not found:
            raise NotFound
        one: dict[str, Any] = plan.show(found, request=self.request)[0]
        return one

    def asked(self) -> dict[str, Any]:
        """Return what the body says, in the shape that this action takes.

        :raises ValidationError: it says something else.
        """
        told = self.get_serializer(data=self.request.data, partial=self.action == "partial_update")
        told.is_valid(raise_exception=True)
        checked: dict[str, Any] = told.validated_data
        return checked

    def written(self, row: Any, *, created: bool) -> Response:
        """Answer a POST: 201 and the address of a new row, 200 for one that was known."""
        if not created:
            return Response(self.shown(row.pk))
        address = reverse(f"{self.basename}-detail", args=[row.pk])
        return Response(self.shown(row.pk), status=status.HTTP_201_CREATED, headers={"Location": address})

    @property
    def asker(self) -> Any:
        """The user who asks, typed as whatever the project's users are."""
        return self.request.user

    @property
    def at(self) -> Any:
        return clock.now()


def in_time(read: Callable[..., Answer]) -> Callable[..., Answer]:
    """Let a GET ask PostgreSQL nothing that takes longer than ``settings.STATEMENT_TIMEOUT_MS``: then it is refused."""

    @wraps(read)
    def limited(view: Any, request: Any, *args: Any, **named: Any) -> Answer:
        with timed("default"):
            return read(view, request, *args, **named)

    return limited


class Listed:
    @in_time
    def list(self: Any, request: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(page)  # type: ignore[no-any-return]  # a Response


class Retrieved:
    @in_time
    def retrieve(self: Any, request: Any, pk: str) -> Response:
        return Response(self.shown(pk, self.get_queryset()))


class ReadOnly(Listed, Retrieved, Resource):
    pass
