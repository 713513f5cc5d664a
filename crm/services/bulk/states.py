"""What is known about the things that a chunk of records is about, while it is worked through.

A state comes from the database, with the version of its row, or is born in this chunk, without one. Whoever works
through the records changes states; what is written in the end is what they have become.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from crm.services.bulk import columns
from crm.services.bulk.columns import Columns, Raw
from crm.services.bulk.preparing import CompanySaid, PartySaid, ProjectSaid, Said

AnySaid = ProjectSaid | CompanySaid | PartySaid


@dataclass(slots=True, eq=False)
class SourceState:
    """What a source last said under one key."""

    id: str
    kind: str
    key: str
    hash: str = ""
    raw: str = ""  # JSON; left out where the records at hand say the same again
    run: str = ""
    position: int = 0  # in the run
    target: str = ""  # id of the contact, project or company; "" where it has been deleted
    version: str = ""  # "" for what was never said before
    dirty: bool = False

    def repeats(self, said: Said, run: str, position: int) -> bool:
        """Whether this is no news: the same words again, or a place that this very run has been past."""
        return bool(self.target) and (said.hash == self.hash or (self.run == run and position <= self.position))

    def hears(self, said: Said, run: str, position: int, target: str) -> str | None:
        """Take in what was said about ``target`` and return what had been said about it, None if nothing.

        A field that is left out now keeps what was said of it before: a blank says nothing.
        """
        before = self.raw if self.raw and self.target == target else None
        self.hash, self.raw, self.target = said.hash, _merged(before, said.raw), target
        self.run, self.position, self.dirty = run, position, True
        return before


def _merged(before: str | None, now: str) -> str:
    if before is None:
        return now
    old, new = orjson.loads(before), orjson.loads(now)
    both = {name: {**old[name], **new[name]} for name in old.keys() & new.keys() if isinstance(new[name], dict)}
    return columns.to_json({**old, **new, **both})


@dataclass(slots=True, eq=False)
class Thing:
    """A project, company or contact: the columns that sources write, and those of them that people have edited."""

    id: str
    version: str = ""  # "" for what is born in this chunk
    columns: Columns | None = None  # None: exactly what was said when it was born
    stored: Columns = field(default_factory=dict)  # what the database holds of what was there before
    edited: frozenset[str] = frozenset()
    said: AnySaid | None = None
    dirty: bool = False
    owner_id: str | None = None  # of a newborn whose columns are not needed yet

    @property
    def born(self) -> bool:
        return not self.version

    def now(self) -> Columns:
        """The columns as they are after the records so far; may be changed."""
        if self.columns is None:
            self.columns = self._of_birth()
        return self.columns

    def _of_birth(self) -> Columns:
        assert self.said is not None  # noqa: S101 - what is not born of words was read with its columns
        read, kind = _READERS[type(self.said)]
        return {**columns.full(read(orjson.loads(self.said.raw)), kind), **self._also()}

    def _also(self) -> Columns:
        """Columns of a newborn that no record says."""
        return {} if isinstance(self.said, CompanySaid) else {"owner_id": self.owner_id}


@dataclass(slots=True, eq=False)
class Somebody(Thing):
    """A contact."""

    contact_id: str = ""
    company_id: str | None = None  # of a newborn whose columns are not needed yet
    primaries: dict[str, str] = field(default_factory=dict)  # kind: value of the primary point of a newborn
    asked: bool = False  # whether they ever gave or withdrew consent
    deleted: bool = False
    shares: bool = False  # a newborn who uses a line that was known before

    def refuses_calls(self) -> bool:
        if self.columns is None and isinstance(self.said, PartySaid):
            return self.said.do_not_call
        return bool(self.now()["do_not_call"])

    def name_key(self) -> str:
        if self.columns is None and isinstance(self.said, PartySaid):
            return self.said.name_key
        return columns.name_key(self.now())

    def _also(self) -> Columns:
        return {"company_id": self.company_id, "owner_id": self.owner_id}


@dataclass(slots=True, eq=False)
class KnownPoint:
    """A number or mailbox that a contact has."""

    id: str
    version: str
    contact: str  # its id
    extension: str
    label: str
    verified: str  # a moment, or ""
    good: bool


@dataclass(slots=True, eq=False)
class Pair:
    """A contact's part in a project."""

    id: str
    roles: list[str]
    suppressed: bool
    reason: str  # of that


@dataclass(slots=True, eq=False)
class NewPair(Pair):
    project: Thing
    person: Somebody
    listed_name: str | None
    priority: int
    is_primary: bool


_READERS: Final[dict[type[Any], tuple[Callable[[Raw], Columns], str]]] = {
    ProjectSaid: (columns.of_project, "project"),
    CompanySaid: (columns.of_company, "company"),
    PartySaid: (columns.of_party, "contact"),
}
