"""Pages that neither lose nor repeat a row: every ordering value plus the key, with NULLs in their place.

DRF's own cursor loses rows where the first ordering value ties or is NULL. Here the cursor holds all ordering values
of the edge row, signed together with the ordering and the filters that it belongs to (DESIGN 23).
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import OperationalError, connections, models, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from psycopg.errors import QueryCanceled

from config.kernel.errors import DomainError

Row = tuple[Any, ...]


class BadCursor(DomainError):
    """The cursor is damaged, or belongs to another ordering or filter."""

    code = "bad_cursor"


class NarrowYourFilter(DomainError):
    """The question would take longer than the statement timeout allows."""

    code = "narrow_your_filter"


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of an ordering. NULLs stand where PostgreSQL puts them: last going up, first going down."""

    field: str
    descending: bool
    nullable: bool = True

    def reversed(self) -> "Sort":
        return Sort(self.field, not self.descending, self.nullable)

    def expression(self) -> Any:
        return F(self.field).desc() if self.descending else F(self.field).asc()

    def beyond(self, value: Any) -> Iterator[Q]:
        """Rows that come strictly after ``value`` in this term, cut into ranges of an index, in their order."""
        null = Q(**{f"{self.field}__isnull": True})
        if value is None:
            if self.descending:
                yield ~null
            return
        yield Q(**{f"{self.field}__{'lt' if self.descending else 'gt'}": value})
        if self.nullable and not self.descending:
            yield null

    def level(self, value: Any) -> Q:
        return Q(**{f"{self.field}__isnull": True}) if value is None else Q(**{self.field: value})


def sorts(model: type[models.Model], ordering: Sequence[str]) -> list[Sort]:
    """Parse ("-updated_at", "name") and end with the key, so that the order is total."""
    key: Any = model._meta.pk
    terms = [_sort(model, name) for name in ordering]
    if not {term.field for term in terms} & {"pk", key.name, key.attname}:
        terms.append(Sort(key.attname, terms[-1].descending if terms else True, nullable=False))
    return terms


def _sort(model: type[models.Model], name: str) -> Sort:
    path = name.lstrip("-")
    return Sort(path, name.startswith("-"), nullable=_nullable(model, path))


def _nullable(model: type[models.Model], path: str) -> bool:
    found: Any = None
    for name in path.split("__"):
        found = model._meta.pk if name == "pk" else model._meta.get_field(name)
        if found.null:
            return True
        model = found.related_model or model
    return False


def field_at(model: type[models.Model], path: str) -> "models.Field[Any, Any]":
    """Return the field at ``path`` ("session__initiated_at"); a foreign key stands for the key it points to."""
    found: Any = None
    for name in path.split("__"):
        found = model._meta.pk if name == "pk" else model._meta.get_field(name)
        model = found.related_model or model
    target: models.Field[Any, Any] = getattr(found, "target_field", found)
    return target


def beyond(terms: Sequence[Sort], values: Sequence[Any]) -> list[Any]:
    """Return conditions that together hold for the rows strictly after ``values``, in the order of those rows.

    Each is one range of an index over the terms, whatever ties or NULLs there are, so that depth costs nothing. Where
    all terms run the same way and none is empty, that is one comparison of row values: (name, id) > ('Ada', 7).
    """
    one_way = len({term.descending for term in terms}) == 1 and not any(term.nullable for term in terms)
    if one_way and len(terms) > 1:
        after = TupleLessThan if terms[0].descending else TupleGreaterThan
        return [after(Tuple(*[F(term.field) for term in terms]), tuple(values))]
    ranges = []
    for depth in reversed(range(len(terms))):
        level = Q()
        for term, value in zip(terms[:depth], values[:depth], strict=True):
            level &= term.level(value)
        ranges += [level & after for after in terms[depth].beyond(values[depth])]
    return ranges


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and the cursors of its neighbors; None where there is no more."""

    rows: list[Row]
    following: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Keyset:
    """One ordered question, of which any page can be had. ``question`` is what a cursor must belong to."""

    ordering: tuple[str, ...]
    limit: int
    question: str

    def page(self, rows: QuerySet[Any], columns: Sequence[Any], cursor: str | None) -> Page:
        """Return the page after ``cursor``, each row as a tuple that begins with ``columns``.

        :raises BadCursor: the cursor is damaged, or belongs to another question.
        :raises NarrowYourFilter: the page takes longer than ``settings.STATEMENT_TIMEOUT_MS``.
        """
        terms = sorts(rows.model, self.ordering)
        backward, values = self._read(cursor, rows.model, terms) if cursor else (False, None)
        going = [term.reversed() for term in terms] if backward else terms
        wanted = _Columns.of(columns, [term.field for term in terms])
        ordered = rows.order_by(*[term.expression() for term in going]).values_list(*wanted.paths)
        found = self._fetch(ordered, [None] if values is None else beyond(going, values))
        more, found = len(found) > self.limit, found[: self.limit]
        if backward:
            found.reverse()
        return Page(
            rows=found,
            following=self._write(wanted.edge(found[-1]), backward=False) if found and (more or backward) else None,
            previous=self._write(wanted.edge(found[0]), backward=True)
            if found and (more if backward else values is not None)
            else None,
        )

    def _fetch(self, rows: Any, ranges: Sequence[Any]) -> list[Row]:
        found: list[Row] = []
        with timed(rows.db):
            for part in ranges:
                found += (rows if part is None else rows.filter(part))[: self.limit + 1 - len(found)]
                if len(found) > self.limit:
                    break
        return found

    def _write(self, edge: Sequence[Any], *, backward: bool) -> str:
        packed = [_packed(value) for value in edge]
        return signing.dumps([self._belongs(), backward, packed], salt="keyset", compress=True)

    def _read(self, cursor: str, model: type[models.Model], terms: Sequence[Sort]) -> tuple[bool, list[Any]]:
        try:
            belongs, backward, packed = signing.loads(cursor, salt="keyset")
        except (signing.BadSignature, ValueError, TypeError) as error:
            raise BadCursor("This cursor is damaged: start again from the first page.") from error
        if belongs != self._belongs():
            raise BadCursor("This cursor belongs to another filter or ordering: start again from the first page.")
        try:
            fields = [field_at(model, term.field) for term in terms]
            return bool(backward), [
                None if raw is None else field.to_python(raw) for field, raw in zip(fields, packed, strict=True)
            ]
        except (ValidationError, ValueError) as error:  # a release has changed what the list is ordered by
            raise BadCursor("This cursor is too old: start again from the first page.") from error

    def _belongs(self) -> str:
        return hashlib.sha256(repr((self.question, self.ordering)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is selected: the columns asked for, then those ordering values that are not among them."""

    paths: tuple[Any, ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, columns: Sequence[Any], terms: Sequence[str]) -> "_Columns":
        paths = list(columns)
        for term in terms:
            if term not in paths:
                paths.append(term)
        return cls(tuple(paths), tuple(paths.index(term) for term in terms))

    def edge(self, row: Row) -> list[Any]:
        return [row[place] for place in self.places]


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


@contextmanager
def timed(using: str) -> Iterator[None]:
    """Let no statement on ``using`` inside the block take longer than ``settings.STATEMENT_TIMEOUT_MS``.

    A block inside another is limited already. :raises NarrowYourFilter: where a statement would take longer.
    """
    own: Any = connections[using]
    if getattr(own, "is_timed", False):
        yield
        return
    joined = own.in_atomic_block  # then our limit would outlive the block, if we let it
    own.is_timed = True
    try:
        with transaction.atomic(using=using), own.cursor() as cursor:
            if joined:
                cursor.execute("SHOW statement_timeout")
                before = cursor.fetchone()[0]
            _limit_statements(cursor, f"{settings.STATEMENT_TIMEOUT_MS}ms")
            yield
            if joined:
                _limit_statements(cursor, before)
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise NarrowYourFilter(
            f"This took longer than {settings.STATEMENT_TIMEOUT_MS} ms: narrow your filter."
        ) from error
    finally:
        own.is_timed = False


def _limit_statements(cursor: Any, limit: str) -> None:
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
