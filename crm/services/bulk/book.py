"""Everything that a chunk will write, gathered while its rows are worked through."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from crm.services.bulk.preparing import PlaceSaid, PointSaid
from crm.services.bulk.states import KnownPoint, NewPair, Pair, Somebody, Thing
from crm.services.matching import PointKey

PlaceOfPoint = tuple[str, str]  # ids of a contact and an endpoint


class Review(NamedTuple):
    """Columns of ``ReviewItem`` in the order of its unique key; ids or None."""

    kind: str
    contact: str | None = None
    other: str | None = None
    project: str | None = None
    company: str | None = None
    field: str = ""
    value: str = ""


class NewPoint(NamedTuple):
    id: str
    person: Somebody
    endpoint: str  # its id
    point: PointSaid
    is_primary: bool


class NewPlace(NamedTuple):
    id: str
    person: Somebody
    place: PlaceSaid


class NameSaid(NamedTuple):
    """How much oftener another name is said. Counts never fall below nought, so a count of c becomes
    max(c + ``more``, ``least``), however the records are cut into chunks.
    """

    name: str = ""  # "" where it was only taken back
    more: int = 0
    least: int = 0


@dataclass(slots=True)
class Book:
    """Everything that a chunk will write. ``at`` is the moment of the run."""

    at: str
    projects: list[Thing] = field(default_factory=list)  # born
    companies: list[Thing] = field(default_factory=list)
    contacts: list[Somebody] = field(default_factory=list)
    changed: dict[str, dict[str, Thing]] = field(default_factory=lambda: {"project": {}, "company": {}, "contact": {}})
    endpoints: dict[PointKey, PointSaid] = field(default_factory=dict)  # what is known of lines that are born
    points: dict[PlaceOfPoint, NewPoint] = field(default_factory=dict)
    reworded: dict[str, KnownPoint] = field(default_factory=dict)  # points that were there, of which more is known
    places: list[NewPlace] = field(default_factory=list)
    pairs: list[NewPair] = field(default_factory=list)
    grown: dict[str, Pair] = field(default_factory=dict)  # pairs that were there, with more roles, or suppressed now
    closed: set[str] = field(default_factory=set)  # those of them that are suppressed now
    other_names: dict[tuple[str, str], NameSaid] = field(default_factory=dict)  # (contact, key)
    reviews: dict[Review, None] = field(default_factory=dict)
    consents: list[tuple[str, str, str | None]] = field(default_factory=list)  # (contact, kind, moment)
    moved: set[str] = field(default_factory=set)  # contacts whose place changed after they were born
    endpoints_moved: set[str] = field(default_factory=set)  # lines that got other users, or users at other places
    reach_changed: dict[str, set[str]] = field(default_factory=lambda: {"project": set(), "contact": set()})
    counts: Counter[str] = field(default_factory=Counter)  # "contacts.created": n
    outcomes: dict[int, int] = field(default_factory=dict)  # row: CREATED, UPDATED
