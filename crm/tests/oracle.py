"""Who is who, decided one record at a time with dictionaries: the rule of DESIGN 3.6 without a database.

Slow, simple and independent of the intake that must agree with it. Records are taken strictly in order, parties in the
order of the feed map.

    oracle = Oracle()
    for item in read_records(table, feed):
        oracle.take(item)
    assert len(oracle.contacts) == 5_658
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from crm.services.feeds.records import Party, Record, Refused
from crm.services.normalization.names import match_key

Endpoint = tuple[str, str]  # ("phone", "+15125550134") or ("email", "ada@example.com")


@dataclass
class Known:
    """A contact as the oracle knows it. ``created_by`` is the kind of key that it was created by."""

    number: int
    created_by: str
    contact_id: str = ""
    aliases: set[str] = field(default_factory=set)
    name: str = ""  # the first name given, as listed
    other_names: Counter[str] = field(default_factory=Counter)  # folded; how often each was said
    endpoints: set[Endpoint] = field(default_factory=set)  # its own and the shared ones it can be reached by


class Oracle:
    """What the database should hold after the records taken so far.

    ``contacts``    number: Known                       ``projects``  ids
    ``owners``      endpoint: number of the contact     ``pairs``     (project id, number): roles
    ``by_id``       contact id or alias: number         ``by_name``   (project id or "", folded name): number
    ``reviews``     (kind, number, number, endpoint or project id), the smaller number first; kinds are those of
                    ``crm.choices.ReviewKind``: two_owners, shared_line, same_name, second_name
    """

    def __init__(self) -> None:
        self.rows = self.refused = 0
        self.contacts: dict[int, Known] = {}
        self.projects: set[str] = set()
        self.owners: dict[Endpoint, int] = {}
        self.pairs: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.by_id: dict[str, int] = {}
        self.by_name: dict[tuple[str, str], int] = {}
        self.reviews: set[tuple[str, int, int, str]] = set()
        self._listed: dict[tuple[str, str], set[int]] = defaultdict(set)

    @property
    def roles(self) -> int:
        return sum(map(len, self.pairs.values()))

    def contacts_created_by(self, kind: str) -> int:
        return sum(known.created_by == kind for known in self.contacts.values())

    def take(self, item: Record | Refused) -> list[int]:
        """Take one row and return the numbers of its contacts, in the order of its parties."""
        self.rows += 1
        if isinstance(item, Refused):
            self.refused += 1
            return []
        project = item.project.project_id if item.project else ""
        if project:
            self.projects.add(project)
        return [self._take_party(project, party) for party in item.parties]

    def _take_party(self, project: str, party: Party) -> int:
        known = self._find(project, party) or self._create(project, party)
        self._learn_id(known, party)
        self._learn_name(known, party)
        self._learn_endpoints(known, party)
        if project:
            self.pairs[project, known.number].update(party.roles)
            self._compare_names(project, known, party)
        return known.number

    def _find(self, project: str, party: Party) -> Known | None:
        if party.contact_id in self.by_id and party.contact_id:
            return self.contacts[self.by_id[party.contact_id]]
        for endpoint in endpoints_of(party):
            owner = self.contacts.get(self.owners.get(endpoint, 0))
            if owner and not self._differ(owner, party):
                return owner
        if party.contact_id or party.phones or party.emails:
            return None
        number = self.by_name.get((project, party.listed_key))
        return self.contacts[number] if number else None

    @staticmethod
    def _differ(known: Known, party: Party) -> bool:
        """Whether both carry a contact id, and not the same: then they are two people on one line."""
        return bool(party.contact_id and known.contact_id) and party.contact_id not in {
            known.contact_id,
            *known.aliases,
        }

    def _create(self, project: str, party: Party) -> Known:
        kind, _ = party.key
        known = Known(len(self.contacts) + 1, kind)
        self.contacts[known.number] = known
        if kind == "name":
            self.by_name[project, party.listed_key] = known.number
        return known

    def _learn_id(self, known: Known, party: Party) -> None:
        if not party.contact_id or party.contact_id in self.by_id:
            return
        known.contact_id = party.contact_id  # whoever matched without one adopts it
        self.by_id[party.contact_id] = known.number

    def _learn_name(self, known: Known, party: Party) -> None:
        if not known.name:
            known.name = party.name_as_listed
        elif party.name_as_listed and match_key(party.name_as_listed) != match_key(known.name):
            known.other_names[match_key(party.name_as_listed)] += 1
            self.reviews.add(("second_name", known.number, known.number, match_key(party.name_as_listed)))

    def _learn_endpoints(self, known: Known, party: Party) -> None:
        """New ones are theirs; another's phone is shared; another's e-mail stays where it is, unless ids differ."""
        for endpoint in endpoints_of(party):
            owner = self.contacts[self.owners.setdefault(endpoint, known.number)]
            if owner is known:
                known.endpoints.add(endpoint)
                continue
            shared = self._differ(owner, party)
            if shared or endpoint[0] == "phone":
                known.endpoints.add(endpoint)
            pair = sorted((known.number, owner.number))
            self.reviews.add(("shared_line" if shared else "two_owners", pair[0], pair[1], endpoint[1]))

    def _compare_names(self, project: str, known: Known, party: Party) -> None:
        if not party.listed_key:
            return
        namesakes = self._listed[project, party.listed_key]
        for other in namesakes - {known.number}:
            pair = sorted((known.number, other))
            self.reviews.add(("same_name", pair[0], pair[1], project))
        namesakes.add(known.number)


def endpoints_of(party: Party) -> Iterator[Endpoint]:
    """Phones before e-mails, each in the order of the feed map."""
    yield from (("phone", phone.e164) for phone in party.phones)
    yield from (("email", email.value) for email in party.emails)
