"""What a walk is made of: a route, where somebody stands on it, what has become known, and what follows from that."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.choices import EnrollmentState
from campaigns.rules.composing import Composed, Content
from campaigns.rules.drawings import Drawing


class Person(Protocol):
    """What is known of whoever walks, looked up when a node asks for it."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """By the names of ``conditions.FACTS``."""
        ...

    @property
    def values(self) -> Mapping[str, str]:
        """By the names of merge tags."""
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
    """A graph that people walk, with what it names and what its campaign is about.

    ``stands_since``: its campaign stands still since then; None: it runs.
    """

    drawing: Drawing
    contents: Mapping[str, Content] = field(default_factory=dict)
    goal: str = ""
    statuses: frozenset[str] | None = None  # those that there are; None: whatever a stage names
    event: date | None = None
    stands_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody is. ``tries`` counts the messages of this visit that were blocked.

    ``paused_from`` is the state that a pause by hand interrupted. ``only``: the one channel on which they are
    approached, every other node that approaches them is passed over; "" is no such limit.
    """

    id: UUID
    state: str = EnrollmentState.PENDING
    node: str | None = None
    visit: int = 0
    visits: Mapping[str, int] = field(default_factory=dict)
    status: str = ""
    last: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 0
    wake_at: datetime | None = None
    wake_rule: Mapping[str, Any] | None = None
    paused_from: str = ""
    left: timedelta | None = None
    reason: str = ""
    only: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the message that they wait for. ``retry_at``: when it would pass, if it was blocked for a time."""

    state: str
    reason: str = ""
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    kind: str
    at: datetime
    data: Mapping[str, str] = field(default_factory=dict)


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
    composed: Composed
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    node: str
    visit: int
    priority: str
    script: str


@dataclass(slots=True)
class Move:
    """Where somebody is afterwards, and everything that has to be written with it.

    ``begun``: they are held up at ``node`` from now on; ``ended``: (outcome, exit) of where they were held up before.
    ``counts`` are (node or None, name, how many more).
    """

    state: str
    node: str | None
    visit: int
    visits: dict[str, int]
    status: str
    last: dict[str, Any]
    wake_at: datetime | None = None
    wake_rule: Mapping[str, Any] | None = None
    paused_from: str = ""
    left: timedelta | None = None
    reason: str = ""
    notes: list[Note] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    begun: bool = False
    ended: tuple[str, str] | None = None
    counts: list[tuple[str | None, str, int]] = field(default_factory=list)
