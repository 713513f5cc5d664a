"""Questions in the language of QuerySets that are asked all day long: written down as SQL once, and asked as prepared.

Django takes longer to write such a question down than PostgreSQL to answer it. Its text depends only on what it is
about; what varies from one asking to the next are keys, lists of keys and moments, and every moment in it lies a fixed
way from one of those that were given. So the text is kept, with these as its parameters. Whatever else is given to a
question belongs to its text: there should be few values of it.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler
from psycopg import sql as composing

from config.kernel import prepared

P = ParamSpec("P")
R = TypeVar("R")

T = TypeVar("T")

_AN_AGE = timedelta(days=36_525)  # moments that are not the same one lie an age apart, in a text that is written
_BEGIN = datetime(2001, 1, 1, tzinfo=UTC)
_ANOTHER_DAY = timedelta(days=100, hours=13, minutes=37)


class Shelf(Generic[T]):
    """What was made once, by what it was made for; where it is full, what nobody has asked for longest makes way."""

    def __init__(self, size: int) -> None:
        self._size, self._turn = size, Lock()  # several threads ask at once
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        found = self._kept.get(key) or make()
        with self._turn:
            self._kept[key] = found
            self._kept.move_to_end(key)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return found


def question(build: "Callable[P, QuerySet[Any, R]]") -> Callable[P, list[R]]:
    """Ask what ``build`` asks; it is called once for each text, with stand-ins for what is a parameter.

    Parameters are keys (UUID), lists of keys for ``__in``, moments, and rows of people and things, of which only the
    key may be asked about; what else ``build`` looks at in such a row, its ``shape`` has to tell. The primary answers.
    """

    @wraps(build)
    def ask(*args: P.args, **named: P.kwargs) -> list[R]:
        if args:
            raise TypeError("Parameters of a question have names.")
        key = build, tuple([(name, _shape(value)) for name, value in named.items()])
        written = _questions.get(key, lambda: _Written.of(build, named))
        return written.ask({name: _told(value) for name, value in named.items()})

    return ask


def text_of(asked: "QuerySet[Any, Any]", named: Mapping[str, Any]) -> str:
    """Write a question down for ``prepared.rows``: values of ``named`` become parameters of that name, moments count
    from the nearest of those, and everything else is written as it is, because PostgreSQL finds a partial index only
    where it sees the constants of its condition.
    """
    sql, params = asked.query.sql_with_params()
    return _text(sql, params, named)


def _text(sql: str, params: Any, named: Mapping[str, Any]) -> str:
    pieces = sql.split("%s")
    found = []
    for place, param in enumerate(params):
        list_of = next((name for name, value in named.items() if isinstance(value, list) and param == value[0]), None)
        if list_of:
            pieces[place] = pieces[place].removesuffix("IN (") + "= ANY("
        found.append(f"%({list_of})s::uuid[]" if list_of else _name(param, named))
    return "".join(f"{piece}{param}" for piece, param in zip(pieces, [*found, ""], strict=True))


def _name(param: Any, named: Mapping[str, Any]) -> str:
    if isinstance(param, UUID):
        for name, value in named.items():
            if getattr(value, "pk", value) == param:
                return f"%({name})s::uuid"
    moments = {name: value for name, value in named.items() if isinstance(value, datetime)}
    if isinstance(param, datetime) and moments:
        name = min(moments, key=lambda one: abs(param - moments[one]))
        way = (param - moments[name]) // timedelta(microseconds=1)
        moment = f"%({name})s::timestamptz"
        return f"({moment} + interval '{way} microseconds')" if way else moment
    return str(composing.Literal(param).as_string(connections[DEFAULT_DB_ALIAS].connection)).replace("%", "%%")


def _shape(value: Any) -> Any:
    if isinstance(value, UUID | datetime | list):
        return type(value)
    return (type(value), getattr(value, "shape", None)) if isinstance(value, Model) else value


def _told(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value


def _stand_in(value: Any, place: int, begin: datetime) -> Any:
    """Return a value of this kind that nothing else in the text equals."""
    if isinstance(value, UUID):
        return uuid4()
    if isinstance(value, list):
        return [uuid4()]
    if isinstance(value, datetime):
        return begin + place * _AN_AGE
    if isinstance(value, Model):
        # Whose shape is not told may differ in everything else: then a text that has any of it is another one.
        value = copy.copy(value) if begin == _BEGIN or hasattr(value, "shape") else type(value)()
        value.pk = uuid4()
    return value


@dataclass(frozen=True)
class _Written:
    """A question with its text, and with what Django needs to make rows of what PostgreSQL answers."""

    queryset: "QuerySet[Any, Any]"
    compiler: SQLCompiler
    text: str

    @classmethod
    def of(cls, build: "Callable[..., QuerySet[Any, Any]]", named: Mapping[str, Any]) -> "_Written":
        """:raises TypeError: what ``build`` makes of its parameters depends on which they are, beyond what can vary."""
        written, again = (cls._once(build, named, moment) for moment in (_BEGIN, _BEGIN + _ANOTHER_DAY))
        if cast(Any, written.queryset)._prefetch_related_lookups:  # noqa: SLF001 - there is no other way to know
            raise TypeError(f"{build.__qualname__} cannot be kept: it asks a second question for what it prefetches.")
        if written.text != again.text:
            raise TypeError(f"{build.__qualname__} cannot be kept: of other parameters it makes another text.")
        return written

    @classmethod
    def _once(cls, build: "Callable[..., QuerySet[Any, Any]]", named: Mapping[str, Any], begin: datetime) -> "_Written":
        given = {name: _stand_in(value, place, begin) for place, (name, value) in enumerate(named.items())}
        queryset = build(**given).using(DEFAULT_DB_ALIAS)
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            sql, params = compiler.as_sql()
            text = _text(sql, params, given)
        except EmptyResultSet:
            text = ""
        cast(Any, compiler).connection = None  # it is this thread's, and would stay open after it
        return cls(queryset, compiler, text)

    def ask(self, params: Mapping[str, Any]) -> list[Any]:
        return list(self._answered(prepared.rows(self.text, params))) if self.text else []

    def _answered(self, rows: list[tuple[Any, ...]]) -> Any:
        """Let Django make rows of the answer as it does of any other: only the asking is done already."""
        compiler: Any = copy.copy(self.compiler)
        compiler.connection, compiler.execute_sql = connections[DEFAULT_DB_ALIAS], lambda *_, **__: [rows]
        asked: Any = self.queryset
        queryset = asked._chain()  # noqa: SLF001 - a copy; copying it would ask
        queryset.query.get_compiler = lambda *_, **__: compiler
        return queryset._iterable_class(queryset)  # noqa: SLF001 - what QuerySet.__iter__ asks


_questions: Shelf[_Written] = Shelf(512)
