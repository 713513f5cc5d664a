"""Somebody a row names, with their roles, names, company and the ways to reach them."""

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from crm.services.feeds.cells import Cell, Columns, first
from crm.services.feeds.companies import CompanyReader
from crm.services.feeds.endpoints import Endpoints
from crm.services.feeds.fields import LONGEST
from crm.services.feeds.maps import PartyMap
from crm.services.feeds.naming import Named, name_party
from crm.services.feeds.places import Places
from crm.services.feeds.records import CompanyIn, Party
from crm.services.feeds.troubles import Trouble, UnusableCell
from crm.services.feeds.values import Fields, read_pages
from crm.services.normalization.companies import parse_company
from crm.services.normalization.names import match_key
from crm.services.normalization.titles import parse_title

NAME_FIELDS = ("name", "first_name", "middle_name", "last_name")
LONGEST_ROLE = 80
LONGEST_KEY = 200
REMEMBERED = 16_384  # parties; some 25 MB
TRIED = 4_096  # rows after which remembering must have paid
WORTH_IT = 0.2  # share of rows that were remembered


class Found(NamedTuple):
    """What a row says about one party; ``loose`` are the cells that say something where they name nobody."""

    party: Party | None
    troubles: tuple[Trouble, ...]
    loose: dict[str, str]


class PartyReader:
    """Reads one party out of the rows of one file, and remembers those it has read: most feeds repeat them."""

    def __init__(
        self, party: PartyMap, columns: Columns, *, region: str, in_project: bool, rest: Sequence[int] = ()
    ) -> None:
        places = dict(party.fields)
        self._kind, self._region, self._in_project = party.names, region, in_project
        self._role = columns.bind(places.pop("role", ()))
        self._id = columns.bind(places.pop("contact_id", ()))
        self._record_id = columns.bind(places.pop("record_id", ()))
        self._names = [columns.bind(places.pop(name, ())) for name in NAME_FIELDS]
        self._company = CompanyReader(party, columns)
        self._phones, self._emails = columns.bind(party.phones), columns.bind(party.emails)
        self._profiles = columns.bind(party.profiles)
        self._places = Places(party, columns)
        self._fields = Fields(places, columns)
        self._attributes = [(columns.names[at], at) for at in (*columns.matching(party.attributes), *rest)]
        self.positions = sorted({*_positions(party, columns), *rest})
        self._columns = [(columns.names[at], at) for at in self.positions]
        self._memory = Memory(self._read, self.positions)

    @property
    def has_keys(self) -> bool:
        """Whether the file has any column by which somebody could be known again."""
        return bool(self._id or self._phones or self._emails or self._company.name or any(self._names))

    def read(self, cells: Sequence[str]) -> Found:
        return self._memory.read(cells)

    def _read(self, cells: Sequence[str]) -> Found:
        troubles: list[Trouble] = []
        attributes = {column: text for column, at in self._attributes if (text := cells[at].strip())}
        fields = self._fields.read(cells, troubles, attributes)
        region = fields.get("country") or self._region
        endpoints = Endpoints(region)
        endpoints.take_phones(self._phones, cells)
        endpoints.take_emails(self._emails, cells)
        contact_id = self._contact_id(cells, troubles)
        named = self._named(cells)
        troubles += endpoints.troubles
        if not (contact_id or endpoints.phones or endpoints.emails or named.name):
            return Found(None, tuple(troubles), self._loose(cells))
        attributes |= endpoints.unusable
        attributes |= {cell.column: text for cell in self._record_id if (text := cell.read(cells))}
        company = self._company.read(named.company, cells, region, troubles)
        profiles = read_pages(self._profiles, cells, troubles, attributes)
        party = Party(
            roles=self._roles(cells),
            contact_id=contact_id,
            name=named.name[: LONGEST["name"]],
            first_name=named.first[: LONGEST["first_name"]],
            last_name=named.last[: LONGEST["last_name"]],
            name_as_listed=named.as_listed[: LONGEST["listed_name"]],
            listed_key=self._listed_key(named, company, profiles, cells),
            is_company=named.is_company,
            company=company,
            phones=endpoints.phones,
            emails=endpoints.emails,
            profiles=profiles,
            places=self._places.read(cells, troubles, attributes),
            attributes=attributes,
            **_with_title(fields),
        )
        return Found(party, tuple(troubles), {})

    def _contact_id(self, cells: Sequence[str], troubles: list[Trouble]) -> str:
        contact_id = first(self._id, cells)
        if len(contact_id) <= LONGEST["contact_id"]:
            return contact_id
        troubles.append(Trouble.about(self._id[0].column, UnusableCell("too_long_id", contact_id)))
        return ""

    def _named(self, cells: Sequence[str]) -> Named:
        whole, given, middle, last = (first(bound, cells) for bound in self._names)
        company = first(self._company.name, cells)
        return name_party(self._kind, whole=whole, first=given, middle=middle, last=last, company=company)

    def _listed_key(
        self, named: Named, company: CompanyIn | None, profiles: dict[str, str], cells: Sequence[str]
    ) -> str:
        """The key of last resort. Outside a project a name alone is too little: what else sets them apart joins in."""
        if not named.as_listed:
            return ""
        key = match_key(named.as_listed)
        if not self._in_project:
            apart = first(self._record_id, cells) or next(iter(profiles.values()), "")
            apart = apart or (parse_company(company.name).key if company and not named.is_company else "")
            key = f"{key} / {match_key(apart)}" if apart else key
        return key[:LONGEST_KEY]

    def _roles(self, cells: Sequence[str]) -> tuple[str, ...]:
        role = role_word(first(self._role, cells))
        return (role,) if role else ()

    def _loose(self, cells: Sequence[str]) -> dict[str, str]:
        return {column: text for column, at in self._columns if (text := cells[at].strip())}


class Memory:
    """Remembers what was read from the same cells, as long as that pays."""

    def __init__(self, read: Callable[[Sequence[str]], Found], positions: Sequence[int]) -> None:
        self._read = read
        self._pick = itemgetter(*positions) if positions else None
        self._known: dict[Any, Found] = {}
        self._asked = self._hits = 0

    def read(self, cells: Sequence[str]) -> Found:
        if self._pick is None:
            return self._read(cells)
        key = self._pick(cells)
        self._asked += 1
        found = self._known.get(key)
        if found is not None:
            self._hits += 1
            return found
        found = self._read(cells)
        if self._asked > TRIED and self._hits < WORTH_IT * self._asked:
            self._pick = None
            self._known.clear()
            return found
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = found
        return found


def role_word(text: str) -> str:
    """A role as one word: "CONTRACTOR-GENERAL CONTRACTOR" is "contractor_general_contractor"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text)  # CorporateOwner
    return re.sub(r"[\W_]+", "_", words.casefold()).strip("_")[:LONGEST_ROLE]


def _positions(party: PartyMap, columns: Columns) -> list[int]:
    bound: list[Cell] = []
    for _, places in party.everything():
        bound += columns.bind(places)
    stems = (*party.attributes, *party.company_attributes)
    return [at for cell in bound for at in (*cell.at, cell.label_at, cell.verified_at) if at >= 0] + columns.matching(
        stems
    )


def _with_title(fields: dict[str, Any]) -> dict[str, Any]:
    """What a title says about seniority and department, where the source does not say it itself."""
    if title := fields.get("title"):
        parsed = parse_title(title)
        for name, word in (("seniority", parsed.seniority), ("department", parsed.department)):
            if word and word != "Other":
                fields.setdefault(name, word)
    return fields
