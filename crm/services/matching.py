"""Who is meant? The rule by which a record finds the contact it is about (DESIGN 6), pure and strictly in order.

The first key that exists decides: ``contact_id``, a phone, an e-mail address, else the name within its project. A
dictionary of what is known answers; whoever is born or learns something new is written into it, so that the next
record of the same file sees it. It makes no difference who filled the dictionary: the database or an earlier record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

PointKey = tuple[str, str]  # (kind, normalized value)
ListedKey = tuple[str, str]  # (project, folded name); "" for the project of whoever is in none


class Person(Protocol):
    """A contact, as far as matching is concerned."""

    id: str
    contact_id: str


Somebody = TypeVar("Somebody", bound=Person)


@dataclass(slots=True, eq=False)
class Line(Generic[Somebody]):
    """An endpoint, and the contact whom a record with its value means."""

    id: str
    owner: Somebody | None = None
    strangers: frozenset[str] = frozenset()  # ids of people who were found not to be reached by it


@dataclass(slots=True)
class Directory(Generic[Somebody]):
    """Everybody who can be found by the keys of the records at hand."""

    by_contact_id: dict[str, Somebody] = field(default_factory=dict)  # ids and aliases
    lines: dict[PointKey, Line[Somebody]] = field(default_factory=dict)
    listed: dict[ListedKey, Somebody] = field(default_factory=dict)  # created by their name, and by nothing else


class Keys(NamedTuple):
    contact_id: str
    points: Sequence[PointKey]  # phones before e-mails, best first
    listed: ListedKey


class Match(NamedTuple, Generic[Somebody]):
    """``person`` is None where somebody new is meant; ``by`` is the kind of key that decided."""

    person: Somebody | None
    by: str  # contact_id, phone, email, name


class Others(NamedTuple, Generic[Somebody]):
    """A line of the record is ``owner``'s; ``two_people`` where their ids prove that they are not the same."""

    line: PointKey
    owner: Somebody
    two_people: bool


class Lines(NamedTuple, Generic[Somebody]):
    """What becomes of the points of a record whose person is known; a line that is in no list is left alone."""

    unknown: list[PointKey]  # nobody's yet: they become this person's
    own: list[PointKey]
    shared: list[PointKey]  # this person uses them too, the owner stays
    others: list[Others[Somebody]]  # whatever is somebody else's, shared or not


def find(directory: Directory[Somebody], keys: Keys) -> Match[Somebody]:
    """Return whom the keys mean.

    A line whose owner has another ``contact_id`` means nobody: a new person shares it. A name finds only whoever was
    created by it, and is asked only where there is nothing else.
    """
    if keys.contact_id and (known := directory.by_contact_id.get(keys.contact_id)):
        return Match(known, "contact_id")
    for key in keys.points:
        line = directory.lines.get(key)
        if line and line.owner and not two_ids(line.owner.contact_id, keys.contact_id):
            return Match(line.owner, key[0])
    if keys.contact_id:
        return Match(None, "contact_id")
    if keys.points:
        return Match(None, keys.points[0][0])
    return Match(directory.listed.get(keys.listed), "name")


def sort_lines(directory: Directory[Somebody], person: Somebody, keys: Keys) -> Lines[Somebody]:
    """Say what becomes of each point of a record that means ``person``.

    Another's phone is used by both. Another's e-mail address stays where it is, unless two ids prove two people. A line
    where somebody else answered does not become theirs by being named again.
    """
    lines: Lines[Somebody] = Lines([], [], [], [])
    for key in keys.points:
        line = directory.lines.get(key)
        if line is None:
            lines.unknown.append(key)
        elif line.owner is person:
            lines.own.append(key)
        elif line.owner is not None:
            two_people = two_ids(line.owner.contact_id, keys.contact_id)
            lines.others.append(Others(key, line.owner, two_people))
            if key[0] == "phone" or two_people:
                lines.shared.append(key)
        elif person.id not in line.strangers:
            lines.unknown.append(key)
    return lines


def two_ids(one: str, other: str) -> bool:
    """Whether these are the ids of two people; an id on one side only says nothing."""
    return bool(one and other and one != other)
