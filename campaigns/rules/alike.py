"""Whoever stands alike and answers alike goes the same way: it is worked out once for all of them.

A walk is pure, and of a person it knows only what it asks. What it asked of one of them, and the answers, lead whoever
else stands there to the same move without walking again; whoever answers otherwise walks, and is remembered too.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.rules.drawings import Config, DrawnEdge
from campaigns.rules.moves import Move, Person

_UNKNOWN: Final = object()


class _Fork:
    """A question on the way, and where its answers lead: to another one, or to the move."""

    __slots__ = ("ask", "ways")

    def __init__(self, ask: Callable[[Person], Any]) -> None:
        self.ask, self.ways = ask, dict[Any, Any]()


class Ways:
    """The ways of those who stand in one place. ``decide`` is their walk: pure but for what it asks the person."""

    def __init__(self, decide: Callable[[Person], Move | None]) -> None:
        self._decide, self._begin = decide, dict[Any, Any]()

    def of(self, person: Person) -> Move | None:
        here = self._begin.get(None, _UNKNOWN)
        while type(here) is _Fork:
            here = here.ways.get(here.ask(person), _UNKNOWN)
        found: Move | None = self._walked(person) if here is _UNKNOWN else here
        return found

    def _walked(self, person: Person) -> Move | None:
        asked = _Asked(person)
        move = self._decide(asked)
        ways, answer = self._begin, None
        for ask, said in asked.answers:
            ways, answer = ways.setdefault(answer, _Fork(ask)).ways, said
        ways[answer] = move
        return move


class _Asked:
    """Somebody on a walk who remembers what they were asked. Answers can be compared: yes or no, a text, a zone."""

    def __init__(self, person: Person) -> None:
        self._person, self.answers = person, list[tuple[Callable[[Person], Any], Any]]()

    def _said(self, ask: Callable[[Person], Any]) -> Any:
        answer = ask(self._person)
        self.answers.append((ask, answer))
        return answer

    def meets(self, condition: Config, known: Mapping[str, Any]) -> bool:
        return bool(self._said(lambda person: person.meets(condition, known)))

    def unsendable(self, channel: str, key: str) -> str:
        return str(self._said(lambda person: person.unsendable(channel, key)))

    def way_of(self, edges: Sequence[DrawnEdge], node: str) -> str:
        return str(self._said(lambda person: person.way_of(edges, node)))

    @property
    def zone(self) -> ZoneInfo:
        zone: ZoneInfo = self._said(lambda person: person.zone)
        return zone

    @property
    def stop(self) -> str:
        return str(self._said(lambda person: person.stop))

    @property
    def is_called(self) -> bool:
        return bool(self._said(lambda person: person.is_called))
