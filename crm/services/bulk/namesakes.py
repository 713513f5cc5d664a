"""Equal names in one project, with and without a number: likely one person, so somebody should look (DESIGN 6)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from crm.services.bulk.states import Somebody

NameIn = tuple[str, str]  # (id of the project, folded name)


@dataclass(slots=True)
class Namesakes:
    """Who goes by which name in the projects of a chunk; told of every pair in the order of their birth.

    ``listed`` are those created by their name, ``named`` those whom a better key identifies.
    """

    listed: dict[NameIn, str] = field(default_factory=dict)
    named: dict[NameIn, list[Somebody]] = field(default_factory=lambda: defaultdict(list))
    paired: set[tuple[str, str]] = field(default_factory=set)  # (project, contact) of everybody in ``named``
    renamed: dict[str, Somebody] = field(default_factory=dict)

    def know(self, project: str, person: Somebody) -> None:
        """Take in that ``person`` is in ``project``, identified by more than their name."""
        if (project, person.id) not in self.paired:
            self.paired.add((project, person.id))
            self.named[project, person.name_key()].append(person)

    def meet(self, project: str, person: Somebody, listed_name: str | None) -> Iterator[str]:
        """Yield the ids of those in ``project`` who may be ``person``, who is new there, and remember them."""
        if listed_name is None:
            other = self.listed.get((project, person.name_key()))
            self.know(project, person)
            if other:
                yield other
            return
        for one in (*self.named.get((project, listed_name), ()), *self.renamed.values()):
            if (project, one.id) in self.paired and one.name_key() == listed_name:
                yield one.id
        self.listed[project, listed_name] = person.id
