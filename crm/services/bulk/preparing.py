"""What a record will become, worked out before the database is asked: keys, fingerprints, lines for COPY.

Nothing here knows what the database holds, so all of it can run in the process that reads the file, on another core.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from crm.choices import Priority
from crm.services.bulk import columns, raws
from crm.services.bulk.columns import NewLine, Raw, to_json
from crm.services.bulk.raws import canonical, fingerprint, shortened
from crm.services.feeds.our_fault import refused_by_our_fault
from crm.services.feeds.records import CompanyIn, Doubt, Party, ProjectIn, Record, Refused
from crm.services.normalization.evidence import key_of
from crm.services.normalization.names import match_key
from crm.services.normalization.text import one_line

REMEMBERED: Final = 4_096  # parties; feeds hand out one object for cells that repeat


class Said(NamedTuple):
    """What a source said about one thing: the key it has there, a fingerprint, and the canonical record."""

    key: str
    hash: str  # MD5, 32 hexadecimal digits
    raw: str  # JSON


class PointSaid(NamedTuple):
    kind: str  # phone or email
    value: str
    given: str
    extension: str
    label: str
    line_type: str
    verified: str  # a moment, "now" for "by now", "" where it is not said
    profile: str  # key of the hours profile that this party's evidence amounts to; "" for e-mail


class PlaceSaid(NamedTuple):
    """A postal address or a page of a network, in the columns of ``ContactPoint``."""

    kind: str
    given: str
    label: str
    street: str
    city: str
    region: str
    postal_code: str
    country: str
    verified: str


class PairSaid(NamedTuple):
    """What is said of somebody's part in the project of the row."""

    suppressed: bool = False
    reason: str = ""
    is_primary: bool = False
    priority: int | None = None


NO_PAIR: Final = PairSaid()


class CompanySaid(NamedTuple):
    said: Said | None  # None where a source said no more than the name
    external_id: str
    name_key: str
    raw: str  # JSON, name and key included
    line: str  # of COPY, for a company that is born


class PartySaid(NamedTuple):
    said: Said  # in its project
    roles: tuple[str, ...]
    contact_id: str
    points: tuple[PointSaid, ...]  # phones first, each kind best first
    name: str
    name_key: str  # of the name as it is listed: two keys are two names
    listed_key: str
    priority: int
    do_not_call: bool
    consents: bool
    owner: str  # e-mail address of a user
    places: tuple[PlaceSaid, ...]
    pair: PairSaid
    company: CompanySaid | None
    raw: str
    line: str  # of COPY, for a contact who is born


class ProjectSaid(NamedTuple):
    said: Said
    project_id: str
    raw: str
    line: str  # of COPY, for a project that is born
    opens_at: str | None  # nobody of it is called before; None: no limit
    suppressed: bool
    owner: str


class RowSaid(NamedTuple):
    """One row of a file, ready to be matched. ``refused`` is set, and all else empty, where it cannot be used."""

    row: int
    line: int
    project: ProjectSaid | None
    parties: tuple[PartySaid, ...]
    warnings: tuple[Doubt, ...]
    refused: Refused | None = None


# Columns of COPY in the order of the lines made here; ids are put in front when they are known.
BORN_PROJECT: Final = (*(name for name in columns.PROJECT if name != "owner_id"), "source")
BORN_COMPANY: Final = (*columns.COMPANY, "source")
BORN_CONTACT: Final = (
    *(name for name in columns.CONTACT if name not in ("company_id", "owner_id")),
    *("primary_phone", "primary_email", "data_quality", "source"),
)
_PROJECT_LINE: Final = NewLine(BORN_PROJECT)
_COMPANY_LINE: Final = NewLine(BORN_COMPANY)
_CONTACT_LINE: Final = NewLine(BORN_CONTACT)


class Preparer:
    """Prepares the records of one source; the same record always comes out the same."""

    def __init__(self, *, source: str) -> None:
        self._source = source
        self._project: tuple[ProjectIn, ProjectSaid] | None = None  # the latest; files are often sorted by project
        self._parties: dict[int, tuple[Party, PartySaid]] = {}
        self._companies: dict[str, CompanySaid | None] = {}  # by what is said of them
        self._profiles: dict[tuple[object, ...], str] = {}

    def prepare(self, item: Record | Refused) -> RowSaid:
        """Prepare one row; one at which our own code stumbles is refused alone."""
        if isinstance(item, Refused):
            return RowSaid(item.row, item.line, None, (), (), item)
        try:
            return self._prepared(item)
        except Exception as error:  # noqa: BLE001 - one row must not cost the rest of the file
            return RowSaid(item.row, item.line, None, (), (), refused_by_our_fault(item.row, item.line, {}, error))

    def _prepared(self, item: Record) -> RowSaid:
        project = self._latest(item.project) if item.project else None
        context = item.project.project_id if item.project else ""
        parties = tuple(self._in_project(self._party(party), context) for party in item.parties if party.key[1])
        return RowSaid(item.row, item.line, project, parties, item.warnings)

    def _latest(self, project: ProjectIn) -> ProjectSaid:
        if self._project is None or self._project[0] != project:
            self._project = project, self.project(project)
        return self._project[1]

    def project(self, project: ProjectIn) -> ProjectSaid:
        raw, text = canonical(raws.project(project))
        born = columns.of_project(raw)
        born["source"] = self._source
        return ProjectSaid(
            said=Said(raw["project_id"], fingerprint(text), text),
            project_id=raw["project_id"],
            raw=text,
            line=_PROJECT_LINE.of(born),
            opens_at=born.get("next_call_eligible_at"),
            suppressed=born.get("call_suppressed", False),
            owner=raw.get("owner", ""),
        )

    def company(self, company: CompanyIn) -> CompanySaid | None:
        """Prepare a company; without a name, a domain or an id there is nothing to know it again by."""
        raw, text = canonical(raws.company(company))
        if text not in self._companies:
            if len(self._companies) >= REMEMBERED:
                self._companies.clear()
            self._companies[text] = self._read_company(raw, text)
        return self._companies[text]

    def _read_company(self, raw: Raw, text: str) -> CompanySaid | None:
        name = raw.get("name") or raw.get("domain") or raw.get("external_id", "")
        if not name:
            return None
        external_id, name_key = raw.get("external_id", ""), columns.company_key(name)
        whole = {**raw, "name": name, "name_key": name_key}
        born = columns.of_company(whole)
        born["source"] = self._source
        said = None
        if external_id:
            said = Said(external_id, fingerprint(text), text)
        elif len(raw) > 1:  # spellings of a name are no news about the company of that name
            text = to_json({field: value for field, value in raw.items() if field != "name"})
            said = Said(shortened(f"name:{name_key}"), fingerprint(text), text)
        return CompanySaid(said, external_id, name_key, to_json(whole), _COMPANY_LINE.of(born))

    def _party(self, party: Party) -> PartySaid:
        """Prepare a party, whatever project it is in; the same object is prepared once."""
        known = self._parties.get(id(party))
        if known is not None:
            return known[1]
        said = self._read_party(party)
        if len(self._parties) >= REMEMBERED:
            self._parties.clear()
        self._parties[id(party)] = (party, said)  # holding the party keeps its id from being used again
        return said

    def _read_party(self, party: Party) -> PartySaid:
        company = self.company(party.company) if party.company else None
        raw, text = canonical(raws.party(party))
        points = tuple(self._points(raw))
        born = self._born(raw, points, company)
        return PartySaid(
            said=Said(raw.get("contact_id", ""), fingerprint(text), text),
            roles=_roles(party.roles),
            contact_id=raw.get("contact_id", ""),
            points=points,
            name=raw.get("name", ""),
            name_key=match_key(raw.get("name_as_listed") or raw.get("name", ""))[:200],
            listed_key=raw.get("listed_key", ""),
            priority=born.get("priority", columns.BLANKS["priority"]),
            do_not_call=born.get("do_not_call", False),
            consents=born.get("consent_given", False),
            owner=raw.get("owner", ""),
            places=tuple(_places(raw)) if "places" in raw else (),
            pair=_pair(party),
            company=company,
            raw=text,
            line=_CONTACT_LINE.of(born),
        )

    def _born(self, raw: Raw, points: tuple[PointSaid, ...], company: CompanySaid | None) -> columns.Columns:
        """The columns of a contact who is born, those that are not blank; of the company only that there is one."""
        born = columns.of_party(raw)
        for point in reversed(points):  # the best comes first, and stays
            born["primary_phone" if point.kind == "phone" else "primary_email"] = point.value
        born["data_quality"] = columns.quality({**born, "company_id": company})
        born["source"] = self._source
        return born

    def _points(self, raw: Raw) -> Iterator[PointSaid]:
        at = (raw.get("country", ""), raw.get("region", ""), raw.get("postal_code", ""))
        zone, places = raw.get("time_zone", ""), (at, *_addresses(raw)) if "places" in raw else (at,)
        for given, value, extension, line_type, label, *verified in raw.get("phones", ()):
            profile = self._profile(value, places, zone)
            yield PointSaid("phone", value, given, extension, label, line_type or "unknown", _since(verified), profile)
        for given, value, label, *verified in raw.get("emails", ()):
            yield PointSaid("email", value, given, "", label, "unknown", _since(verified), "")

    def _profile(self, phone: str, places: tuple[tuple[str, str, str], ...], zone: str) -> str:
        """The key of the line's profile. In North America the area code says all that a number says."""
        known = (phone[:5] if phone.startswith("+1") else phone, places, zone)
        key = self._profiles.get(known)
        if key is None:
            if len(self._profiles) >= REMEMBERED:
                self._profiles.clear()
            key = self._profiles[known] = key_of(phone=phone, places=places, zones=[zone] if zone else [])
        return key

    def _in_project(self, party: PartySaid, project_id: str) -> PartySaid:
        """Who has no id elsewhere is known to the source by project, role and the key that decides.

        Then what is said of their part in the project is news like any other.
        """
        if party.contact_id:
            return party
        kind, value = party.points[0][:2] if party.points else ("name", party.listed_key)
        parts = (project_id, " ".join(party.roles) if project_id else "", f"{kind}:{value}")
        key = shortened("|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts))
        said = party.said._replace(key=key)
        if party.pair is not NO_PAIR:
            said = said._replace(hash=fingerprint(f"{said.hash} {party.pair}"))
        return party._replace(said=said)


def _since(verified: list[Any]) -> str:
    return "" if not verified else "now" if verified[0] is True else verified[0]


def _addresses(raw: Raw) -> list[tuple[str, str, str]]:
    found = {(place.country, place.region, place.postal_code) for place in _places(raw) if place.kind == "address"}
    return sorted(found)


def _places(raw: Raw) -> Iterator[PlaceSaid]:
    for said in raw["places"]:
        yield PlaceSaid._make([*said[:8], _since(said[8:])])


def _pair(party: Party) -> PairSaid:
    if not (party.suppress_for_project or party.suppress_reason or party.is_primary or party.pair_priority):
        return NO_PAIR  # nearly all of them
    priority = Priority[party.pair_priority.upper()].value if party.pair_priority else None
    reason = one_line(party.suppress_reason)
    return PairSaid(bool(party.suppress_for_project), reason, bool(party.is_primary), priority)


@lru_cache(maxsize=1_024)  # feeds know a few roles
def _roles(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one_line(word)[:80] for word in words)
