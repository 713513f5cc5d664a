"""What a walk is made of: a route, where somebody stands on it, what has become known, and what follows from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.choices import EnrollmentState
from campaigns.rules.drawings import Config, Drawing, DrawnEdge


class Person(Protocol):
    """Whoever walks, asked when a node wants to know. A walk depends on nothing else of theirs: see ``alike``."""

    def meets(self, condition: Config, known: Mapping[str, Any]) -> bool:
        """They meet this condition, where ``known`` is what the walk itself knows by the names of facts."""
        ...

    def unsendable(self, channel: str, key: str) -> str:
        """Why they cannot get this content, "" where they can."""
        ...

    def way_of(self, edges: Sequence[DrawnEdge], node: str) -> str:
        """The exit by which they leave a split, the same for ever."""
        ...

    @property
    def zone(self) -> ZoneInfo: ...

    @property
    def stop(self) -> str:
        """Why nothing may be sent to them any more; "" where nothing stands against it."""
        ...

    @property
    def is_called(self) -> bool:
        """They have not asked never to be called."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """A graph that people walk, with what its campaign is about.

    ``stands_since``: its campaign stands still since then; None: it runs.
    """

    drawing: Drawing
    goal: str = ""
    statuses: frozenset[str] | None = None  # those that there are; None: whatever a stage names
    event: date | None = None
    stands_since: datetime | None = None


def is_paused(state: str, wake_rule: Mapping[str, Any] | None) -> bool:
    """Whether somebody has paused them by hand; whoever is parked may be paused besides."""
    return state == EnrollmentState.PAUSED or "paused" in (wake_rule or {})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody is. ``tries`` counts the messages of this visit that were blocked.

    ``is_held``: they are held up at the node, which is not over while they are paused, parked or tried again.
    ``paused_from`` is the state that a pause by hand interrupted. ``only``: the one channel on which they are
    approached, every other node that approaches them is passed over; "" is no such limit. Of whom somebody points at by
    hand it is known besides what became of the last message of this visit (``sent``), and how many there were.
    """

    state: str = EnrollmentState.PENDING
    node: str | None = None
    visit: int = 0
    visits: Mapping[str, int] = field(default_factory=dict)
    status: str = ""
    stage: str = ""
    last: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 0
    wake_at: datetime | None = None
    wake_rule: Mapping[str, Any] | None = None
    paused_from: str = ""
    left: timedelta | None = None
    reason: str = ""
    only: str = ""
    is_held: bool = False
    sent: str = ""
    written: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the message that they wait for. ``retry_at``: when it would pass, if it was blocked for a time."""

    state: str
    reason: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened to somebody, and the key under which it was kept."""

    kind: str
    at: datetime
    data: Mapping[str, str] = field(default_factory=dict)
    key: UUID | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the history."""

    kind: str
    state: str
    node: str | None
    exit: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Send:
    node: str
    visit: int
    tries: int
    channel: str
    content: str
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    node: str
    visit: int
    priority: str
    script: str


@dataclass(slots=True, eq=False)
class Move:
    """Where somebody is afterwards, and everything that has to be written with it. Many may share one.

    ``begun``: they are held up at ``node`` from now on; ``ended``: (outcome, exit) of where they were held up before.
    ``again`` are the keys of what happens to them once more, on this walk alone; ``counts`` are (node or None, name,
    how many more).
    """

    state: str
    node: str | None
    visit: int
    visits: dict[str, int]
    status: str
    stage: str
    last: dict[str, Any]
    wake_at: datetime | None = None
    wake_rule: Mapping[str, Any] | None = None
    paused_from: str = ""
    left: timedelta | None = None
    reason: str = ""
    notes: list[Note] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    again: list[UUID] = field(default_factory=list)
    begun: bool = False
    ended: tuple[str, str] | None = None
    counts: list[tuple[str | None, str, int]] = field(default_factory=list)
