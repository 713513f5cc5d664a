"""Rows straight from columns to JSON: what a resource shows, without a model instance or a field call per row.

A ``Reading`` is declared like any ModelSerializer, so the schema knows it. Its plan, made once per class, is the list
of columns to select and the few that need a converter; 50 rows cost what their columns cost.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from django.db.models import TextField
from django.db.models.functions import Cast
from rest_framework import serializers

from config.kernel.api.fields import Shapes

Row = tuple[Any, ...]
Shown = dict[str, Any]


class Reading(Shapes):
    """Shows rows. Fields may reach through relations by ``source``, nest another Reading, or list one (``many``).

    ``order`` is the order in which rows are listed inside another's; it ends with a unique column. ``attached`` names
    the fields that ``attach`` fills.
    """

    order: tuple[str, ...] = ("id",)
    attached: tuple[str, ...] = ()

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        for name, shown_as in fields.items():
            shown_as.read_only, shown_as.required = True, False
            if not isinstance(shown_as, serializers.BaseSerializer) and _may_be_empty(
                self.Meta.model, shown_as.source or name
            ):
                shown_as.allow_null = True
        return fields

    @classmethod
    def plan(cls) -> "Plan":
        made: Any = _plan
        return made(cls)  # type: ignore[no-any-return]  # functools.cache takes any class

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Complete a page of shown rows with what no column holds, in a number of queries that is constant."""


@dataclass(frozen=True)
class Plan:
    """How a Reading is read. ``columns`` go to ``values_list``; ``show`` understands the tuples that come back."""

    reading: type[Reading]
    names: tuple[str, ...] = ()
    columns: tuple[Any, ...] = ()
    converters: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    nested: tuple["_Nested", ...] = ()
    listed: tuple["_Listed", ...] = ()

    def show(self, rows: Sequence[Row], *, request: Any = None) -> list[Shown]:
        """Return ``rows``, which begin with ``columns``, as they are shown."""
        shown = self._shaped(rows)
        for part in self.listed:
            part.fill(shown)
        self.reading.attach(shown, request=request)
        return shown

    def _shaped(self, rows: Iterable[Row], start: int = 0) -> list[Shown]:
        rows = list(rows)
        end = start + len(self.names)
        names = self.names
        shown = [dict(zip(names, row[start:end], strict=True)) for row in rows]
        for name, convert in self.converters:
            for item in shown:
                if item[name] is not None:
                    item[name] = convert(item[name])
        for part in self.nested:
            for item, inner, row in zip(shown, part.plan._shaped(rows, end), rows, strict=True):  # noqa: SLF001 - itself
                item[part.name] = None if row[end + part.key] is None else inner
            end += len(part.plan.columns)
        return shown


@dataclass(frozen=True)
class _Nested:
    """A to-one relation, shown as an object; ``key`` is the place of its primary key among its columns."""

    name: str
    plan: Plan
    key: int


@dataclass(frozen=True)
class _Listed:
    """A to-many relation, shown as a list: one query for the whole page."""

    name: str
    plan: Plan
    model: Any
    back: str  # the foreign key from there to here
    key: str  # our name for our own key

    def fill(self, shown: list[Shown]) -> None:
        owners: dict[Any, list[Shown]] = {item[self.key]: [] for item in shown}
        rows = self.model.objects.filter(**{f"{self.back}__in": list(owners)}).order_by(*self.plan.reading.order)
        found = list(rows.values_list(self.back, *self.plan.columns)) if owners else []
        for row, inner in zip(found, self.plan.show([row[1:] for row in found]), strict=True):
            owners[row[0]].append(inner)
        for item in shown:
            item[self.name] = owners[item[self.key]]


def _may_be_empty(model: Any, source: str) -> bool:
    """Whether a column that is read through relations may be missing, or empty, on the way."""
    *relations, last = source.split(".")
    for step in relations:
        relation = model._meta.get_field(step)
        if relation.null:
            return True
        model = relation.related_model
    return bool(relations) and bool(model._meta.get_field(last.removesuffix("_id")).null)


@cache
def _plan(reading: type[Reading]) -> Plan:
    names, columns, converters, nested, listed = [], [], [], [], []
    fields: Mapping[str, Any] = reading().fields
    for name, shown_as in fields.items():
        path = ".".join(shown_as.source_attrs).replace(".", "__")
        if name in reading.attached:
            continue
        if isinstance(shown_as, serializers.ListSerializer):
            listed.append(_listed(reading, name, path, _child(shown_as).plan()))
        elif isinstance(shown_as, Reading):
            nested.append((name, path, shown_as.plan()))
        else:
            names.append(name)
            columns.append(Cast(path, TextField()) if isinstance(shown_as, serializers.JSONField) else path)
            if convert := _converter(shown_as):
                converters.append((name, convert))
    parts = tuple(_Nested(name, inner, inner.columns.index(_meta(inner.reading).pk.name)) for name, _, inner in nested)
    inner_columns = [_prefixed(path, column) for _, path, inner in nested for column in inner.columns]
    return Plan(reading, tuple(names), (*columns, *inner_columns), tuple(converters), parts, tuple(listed))


def _child(many: Any) -> Any:
    return many.child


def _meta(reading: Any) -> Any:
    return reading.Meta.model._meta


def _prefixed(path: str, column: Any) -> Any:
    if isinstance(column, Cast):
        inner: Any = column.source_expressions[0]
        return Cast(f"{path}__{inner.name}", TextField())
    return f"{path}__{column}"


def _listed(reading: type[Reading], name: str, path: str, inner: Plan) -> _Listed:
    here = _meta(reading)
    relation = here.get_field(path)
    return _Listed(name, inner, relation.related_model, relation.field.attname, here.pk.name)


def _converter(shown_as: Any) -> Callable[[Any], Any] | None:
    """What the database returns is what JSON shows, but for these."""
    if isinstance(shown_as, serializers.JSONField):
        return orjson.Fragment
    if isinstance(shown_as, serializers.DecimalField):
        return lambda value: format(value, "f")
    convert: Callable[[Any], Any] | None = getattr(shown_as, "shown", None)
    return convert
