"""Records as programs post them: a dictionary for each, read strictly, because whoever wrote it can mend it.

    {"project": {"project_id": "P-1", "name": "Tower", "value": 125000, "starts_on": "2026-03-01"},
     "contacts": [{"name": "Ada Example", "phone": "+1 512 555 0134", "emails": ["ada@example.com"],
                   "company": "Example Plumbing", "roles": ["owner"]}]}

``project`` may be missing, ``contacts`` may be empty, not both. Fields are those of ``crm.services.feeds.records``;
``phone``/``phones`` and ``email``/``emails`` take texts or ``{value, label, extension, verified, primary}``,
``addresses`` ``{street, city, ..., label, verified}``, ``socials`` pages or ``{value, label, verified}``,
``role``/``roles`` words, ``company`` a name or its fields. A field that does not exist, has the wrong type or cannot be
read refuses the record. A phone or e-mail that cannot be used is a warning, as long as something else tells who is
meant. So is a flag that forbids contact and cannot be read: it counts as set.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from crm.services.feeds.fields import FLAGS, LONGEST, READERS, page
from crm.services.feeds.flags import CLOSED
from crm.services.feeds.maps import NameKind
from crm.services.feeds.naming import name_party
from crm.services.feeds.our_fault import refused_by_our_fault
from crm.services.feeds.parties import role_word
from crm.services.feeds.posted_points import POINTS, PointReader, listed
from crm.services.feeds.records import CompanyIn, Doubt, Party, ProjectIn, Record, Refused
from crm.services.normalization.companies import domain_of, parse_company
from crm.services.normalization.names import match_key
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable
from crm.services.normalization.text import one_line
from crm.services.normalization.titles import parse_title

VERSION: Final = "1"

RECORD: Final = frozenset(["project", "contacts"])
PROJECT: Final = frozenset(field.name for field in dataclasses.fields(ProjectIn))
COMPANY: Final = frozenset(field.name for field in dataclasses.fields(CompanyIn))
CONTACT: Final = frozenset(field.name for field in dataclasses.fields(Party)) - {
    "name_as_listed",
    "listed_key",
    "places",
}
ONE_OR_MORE: Final = frozenset(["role", *POINTS])
MAPPINGS: Final = frozenset(["profiles", "attributes"])
LISTS: Final = frozenset(["technologies", "keywords"])
LONG_NAME: Final = 300  # of a project
MOST_ENTRIES: Final = 200


def read_posted(records: Sequence[Mapping[str, Any]]) -> Iterator[Record | Refused]:
    """Yield one item for every record, numbered from 1; a refusal names the first field at fault and all reasons."""
    for number, given in enumerate(records, start=1):
        try:
            yield RecordReader(number, number, {}).record(given)
        except Exception as error:  # noqa: BLE001 - one record must not cost the others
            yield refused_by_our_fault(number, number, {}, error)


class RecordReader:
    """Reads one record and gathers what is wrong with it."""

    def __init__(self, number: int, line: int, raw: dict[str, str]) -> None:
        self._number, self._line, self._raw = number, line, raw
        self._faults: list[tuple[str, str, str]] = []  # (field, code, reason)
        self._doubts: list[Doubt] = []

    def record(self, given: Any) -> Record | Refused:
        parts = self.object(given, "", RECORD)
        project = self._project(parts["project"]) if parts.get("project") is not None else None
        contacts = parts.get("contacts") or []
        if not isinstance(contacts, list):
            self.fault("contacts", "not_a_list", "This must be a list of contacts.")
            contacts = []
        parties = [self._party(item, f"contacts.{at}", project) for at, item in enumerate(contacts)]
        if project is None and not parties and not self._faults:
            self.fault("", "nothing_said", "There is neither a project nor a contact in this record.")
        if self._faults:
            field, code, _ = self._faults[0]
            reason = " ".join(f"{at}: {why}" if at else why for at, _, why in self._faults)
            return Refused(self._number, self._line, self._raw, code, reason, field)
        kept = tuple(party for party in parties if party is not None)
        return Record(self._number, self._line, project, kept, tuple(self._doubts))

    def _project(self, given: Any) -> ProjectIn | None:
        at = "project"
        said = self.fields(self.object(given, at, PROJECT), at, longest={**LONGEST, "name": LONG_NAME})
        if not said.get("project_id"):
            self.fault(f"{at}.project_id", "required", "A project needs the id it has at its source.")
            return None
        return ProjectIn(**said)

    def _party(self, given: Any, at: str, project: ProjectIn | None) -> Party | None:
        parts = self.object(given, at, CONTACT | ONE_OR_MORE)
        company = self._company(parts.pop("company", None), f"{at}.company")
        points = PointReader(self, at, {name: parts.pop(name, None) for name in POINTS})
        roles = self._words([*listed(parts.pop("role", None)), *listed(parts.pop("roles", None))], f"{at}.roles")
        is_company = parts.pop("is_company", None)
        if not isinstance(is_company, bool | None):
            self.fault(f"{at}.is_company", "wrong_type", "This must be true or false.")
        said = self.fields(parts, at)
        party = Party(
            **_with_title(said),
            roles=tuple(dict.fromkeys(word for role in roles if (word := role_word(role)))),
            company=company,
            phones=tuple(points.phones()),
            emails=tuple(points.emails()),
            places=(*points.addresses(), *points.socials()),
        )
        party = _named(party, is_company=is_company is True, in_project=project is not None)
        if not party.key[1] and not self._faults:
            why = "There is no id, no usable phone or e-mail and no name, so nobody could find this contact again."
            self.fault(at, "no_key", " ".join([why, *(doubt.reason for doubt in self._doubts)]))
        return party

    def _company(self, given: Any, at: str) -> CompanyIn | None:
        if given is None or given == "":
            return None
        if isinstance(given, str):
            given = {"name": given}
        said = self.fields(self.object(given, at, COMPANY), at)
        domain = domain_of(said.get("domain") or said.get("website", ""))
        if not (said.get("name") or domain or said.get("external_id")):
            self.fault(at, "no_key", "A company needs a name, a domain or an id.")
            return None
        if phone := said.pop("phone", ""):
            said["phone"] = self._one_phone(phone, f"{at}.phone", said)
        return CompanyIn(**{**said, "domain": domain, "name": said.get("name") or domain or said["external_id"]})

    def _one_phone(self, text: str, at: str, said: dict[str, Any]) -> str:
        try:
            return parse_phone(text, region=said.get("country") or "US").e164
        except Unusable as error:
            self.doubt(at, error)
            said["attributes"] = {**said.get("attributes", {}), "phone": text}
            return ""

    def fields(self, parts: Mapping[str, Any], at: str, *, longest: Mapping[str, int] = LONGEST) -> dict[str, Any]:
        """The fields that say something, each in its type."""
        said = {}
        for name, given in parts.items():
            if given is None or given == "":
                continue
            value = self._value(name, given, f"{at}.{name}", longest.get(name, 0))
            if value is not None and value != "":
                said[name] = value
        return said

    def _value(self, name: str, given: Any, at: str, longest: int) -> Any:
        """The value of one field, None where it has a fault."""
        if name in MAPPINGS:
            return self._pages(given, at) if name == "profiles" else self._mapping(given, at)
        if name in LISTS:
            return tuple(self._words(listed(given), at))
        if isinstance(given, bool) and READERS.get(name) in FLAGS:
            return given
        if isinstance(given, bool) or not isinstance(given, str | int | float):
            self.fault(at, "wrong_type", "This must be a text or a number.")
            return None
        return self._text(name, str(given), at, longest)

    def _text(self, name: str, given: str, at: str, longest: int) -> Any:
        text = given.strip() if name == "description" else one_line(given)
        try:
            value = READERS[name](text) if name in READERS else text
        except Unusable as error:
            if name in CLOSED:
                self.doubt(at, error)
                return True
            self.fault(at, error.reason, str(error))
            return None
        if longest and isinstance(value, str) and len(value) > longest:
            self.fault(at, "too_long", f"At most {longest} characters; these are {len(value):,}.")
        return value

    def _mapping(self, given: Any, at: str) -> dict[str, str]:
        entries = given if isinstance(given, Mapping) and len(given) <= MOST_ENTRIES else {"": given}
        if "" in entries or any(isinstance(value, Mapping | list) for value in entries.values()):
            self.fault(at, "wrong_type", f"This must be an object of at most {MOST_ENTRIES} texts or numbers.")
        return {str(key): str(value) for key, value in entries.items() if value is not None and value != ""}

    def _pages(self, given: Any, at: str) -> dict[str, str]:
        pages = self._mapping(given, at)
        for network, address in pages.items():
            try:
                page(address)
            except Unusable as error:
                self.fault(f"{at}.{network}", error.reason, str(error))
        return pages

    def _words(self, given: Sequence[Any], at: str) -> list[str]:
        if all(isinstance(word, str) for word in given) and len(given) <= MOST_ENTRIES:
            return [one_line(word)[:100] for word in given if word.strip()]
        self.fault(at, "wrong_type", f"This must be a word, or a list of at most {MOST_ENTRIES} words.")
        return []

    def object(self, given: Any, at: str, allowed: frozenset[str]) -> dict[str, Any]:
        if not isinstance(given, Mapping):
            self.fault(at, "wrong_type", "This must be an object.")
            return {}
        for name in given.keys() - allowed:
            where = f"{at}.{name}" if at else str(name)
            self.fault(where, "unknown_field", "There is no such field. Put what has no field under attributes.")
        return {name: value for name, value in given.items() if name in allowed}

    def fault(self, at: str, code: str, reason: str) -> None:
        self._faults.append((at, code, reason))

    def doubt(self, at: str, error: Unusable) -> None:
        self._doubts.append(Doubt(self._number, self._line, at, error.reason, str(error), error.raw[:500]))


def _with_title(said: dict[str, Any]) -> dict[str, Any]:
    if title := said.get("title"):
        parsed = parse_title(title)
        for name, word in (("seniority", parsed.seniority), ("department", parsed.department)):
            if word and word != "Other":
                said.setdefault(name, word)
    return said


def _named(party: Party, *, is_company: bool, in_project: bool) -> Party:
    """Fill in what follows from the names that were given."""
    kind: NameKind = "company" if is_company else "either"
    company = party.company.name if party.company else ""
    whole = "" if party.first_name or party.last_name else party.name
    named = name_party(
        kind, whole=whole, first=party.first_name, middle="", last=party.last_name, company="" if whole else company
    )
    if not named.as_listed and not party.name:
        return party
    listed = party.name or named.as_listed
    key = match_key(listed)
    if not in_project and company and not named.is_company:
        key = f"{key} / {parse_company(company).key}"
    return dataclasses.replace(
        party,
        name=named.name[:200] or listed,
        first_name=named.first[:100],
        last_name=named.last[:100],
        name_as_listed=listed[:200],
        listed_key=key[:200],
        is_company=named.is_company,
    )
