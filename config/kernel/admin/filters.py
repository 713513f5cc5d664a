"""Filters that PostgreSQL can answer without reading the table, each shown as one control above the list."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import ListFilter, SimpleListFilter
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from config.kernel.ids import first_uuid7_at

COLLEAGUES = 200  # people offered in a filter


@dataclass(frozen=True)
class Control:
    """What the toolbar shows: a select of ``options`` (value, text), or the first and the last of some days."""

    label: str
    name: str
    value: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    until_name: str = ""
    until: str = ""

    @property
    def chosen(self) -> bool:
        return bool(self.value or self.until)

    @property
    def span(self) -> str:
        """The days in words: "14 Nov to 20 Nov", "since 14 Nov"."""
        first, last = (f"{day:%-d %b}" if (day := _day(text)) else "" for text in (self.value, self.until))
        return f"{first} to {last}" if first and last else f"since {first}" if first else f"until {last}"


class Chosen(SimpleListFilter):
    """A filter by one of a few values; ``of`` makes one for a field.

    A value that is not among those offered has the rows that it has if ``named`` has a name for it, and else none: what
    is done to a whole list is never done to more than was asked for.
    """

    path = ""

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        value = self.value()
        if value and not self._is_offered(value) and (name := self.named(value, request)):
            self.lookup_choices.append((value, name))

    @classmethod
    def of(cls, path: str, title: str = "", **facts: Any) -> type[Self]:
        named = {"path": path, "parameter_name": path, "title": title or path.rsplit("__", 1)[-1].replace("_", " ")}
        return type(f"{cls.__name__}Of_{path}", (cls,), named | facts)

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        if self._is_offered(value):
            return queryset.filter(self.condition(value, request))
        messages.warning(request, f"“{value[:40]}” is no choice of “{self.title}”: nothing is shown. Choose another.")
        return queryset.none()

    def named(self, value: str, request: HttpRequest) -> str:
        """Return the name of a value that there is beside those offered, and that one sees; "" where there is none."""
        return ""

    def _is_offered(self, value: str) -> bool:
        return value in {str(offered) for offered, _ in self.lookup_choices}

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(**{self.path: value})

    @property
    def control(self) -> Control:
        options = [(str(value), str(text)) for value, text in self.lookup_choices]
        title = str(self.title)
        return Control(title[:1].upper() + title[1:], str(self.parameter_name), self.value() or "", options)


class Choice(Chosen):
    """One of the choices that a field has."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        target = model_admin.model
        *relations, name = self.path.split("__")
        for relation in relations:
            target = target._meta.get_field(relation).related_model
        return [(str(value), str(text)) for value, text in target._meta.get_field(name).flatchoices if value != ""]


class Flag(Chosen):
    """Yes or no; ``yes`` and ``no`` say what that means."""

    yes, no = "Yes", "No"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", self.yes), ("no", self.no)]

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(**{self.path: value == "yes"})


class Given(Flag):
    """Whether a nullable field is set."""

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(**{f"{self.path}__isnull": value == "no"})


class Person(Chosen):
    """Mine, nobody's, or a colleague's; ``nobody`` is empty where there is always somebody.

    ``left`` is what to call those who do not work here any more; without it they are not offered.
    """

    nobody, left = "Nobody", ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        user: Any = request.user
        offered = [("me", "Me")] + ([("nobody", self.nobody)] if self.nobody else [])
        if not getattr(user, "sees_everything", False):
            return offered
        people = get_user_model()._default_manager.exclude(pk=user.pk).order_by("-is_active", "name", "pk")
        if not self.left:
            return offered + [(str(person.pk), str(person)) for person in people.filter(is_active=True)[:COLLEAGUES]]
        names = [(str(one.pk), str(one) if one.is_active else f"{one}, deactivated") for one in people[:COLLEAGUES]]
        return [*offered, ("left", self.left), *names]

    def named(self, value: str, request: HttpRequest) -> str:
        """Whoever sees everything may ask for anybody, also of those who are not offered; everybody for themselves."""
        user: Any = request.user
        people = get_user_model()._default_manager.all()
        return name_in(people if user.sees_everything else people.filter(pk=user.pk), value)

    def condition(self, value: Any, request: HttpRequest) -> Q:
        if value == "nobody":
            return Q(**{f"{self.path}__isnull": True})
        if value == "left":
            return Q(**{f"{self.path}__in": get_user_model()._default_manager.filter(is_active=False)})
        return Q(**{self.path: request.user.pk if value == "me" else value})


class Days(ListFilter):
    """From one day to another, both included, in the reader's time zone, by an indexed column."""

    path = ""

    @classmethod
    def of(cls, path: str, title: str) -> type[Self]:
        return type(f"{cls.__name__}Of_{path}", (cls,), {"path": path, "title": title})

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in map(str, self.expected_parameters()):
            given = params.pop(name, [""])
            self.used_parameters[name] = given[-1] if isinstance(given, list) else given

    def has_output(self) -> bool:
        return True

    @classmethod
    def expected_parameters(cls) -> list[str | None]:
        return [f"{cls.path}_from", f"{cls.path}_to"]

    def _given(self) -> tuple[str, str]:
        """The first and the last day as they stand in the address."""
        return str(self.used_parameters[f"{self.path}_from"]), str(self.used_parameters[f"{self.path}_to"])

    def choices(self, changelist: Any) -> Iterator[Any]:
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if wrong := [text for text in filter(None, self._given()) if _day(text) is None]:
            for text in wrong:
                messages.warning(request, f"“{text[:40]}” is not a day like 2026-11-20: nothing is shown.")
            return queryset.none()
        first, last = map(_day, self._given())
        if first:
            queryset = queryset.filter(**{f"{self.path}__gte": self.bound(_midnight(first))})
        if last and last < date.max:
            queryset = queryset.filter(**{f"{self.path}__lt": self.bound(_midnight(last + timedelta(days=1)))})
        return queryset

    def bound(self, moment: datetime) -> Any:
        return moment

    @property
    def control(self) -> Control:
        first, last = (text if _day(text) else "" for text in self._given())
        return Control(str(self.title), f"{self.path}_from", first, until_name=f"{self.path}_to", until=last)


class Born(Days):
    """The days on which rows were made: a UUIDv7 key tells its age, so the primary key is the index."""

    path = "id"

    def bound(self, moment: datetime) -> Any:
        return first_uuid7_at(moment)


def name_in(rows: QuerySet[Any], key: str) -> str:
    """Return what the row with this key is called; "" where it is not among ``rows``, or no key."""
    try:
        row = rows.filter(pk=UUID(key)).first()
    except ValueError:
        return ""
    return str(row) if row else ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_current_timezone())
