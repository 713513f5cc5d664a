"""What a record will become, worked out before the database is asked: keys, fingerprints, lines for COPY.

Nothing here knows what the database holds, so all of it can run in the process that reads the file, on another core.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, NamedTuple

import orjson

from crm.services.bulk import columns
from crm.services.bulk.columns import Raw, copy_line, to_json
from crm.services.feeds.records import CompanyIn, Doubt, EmailIn, Party, PhoneIn, ProjectIn, Record, Refused
from crm.services.normalization.evidence import key_of
from crm.services.normalization.names import match_key
from crm.services.normalization.text import one_line

LONGEST_KEY: Final = 400  # SourceRecord.key
REMEMBERED: Final = 4_096  # parties; feeds hand out one object for cells that repeat
CENT: Final = Decimal("0.01")


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
    profile: str  # key of the hours profile that this party's evidence amounts to; "" for e-mail


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


class RowSaid(NamedTuple):
    """One row of a file, ready to be matched. ``refused`` is set, and all else empty, where it cannot be used."""

    row: int
    line: int
    project: ProjectSaid | None
    parties: tuple[PartySaid, ...]
    warnings: tuple[Doubt, ...]
    refused: Refused | None = None


# Columns of COPY in the order of the lines made here; ids are put in front when they are known.
BORN_PROJECT: Final = (*columns.PROJECT, "source")
BORN_COMPANY: Final = (*columns.COMPANY, "source")
BORN_CONTACT: Final = (
    *(name for name in columns.CONTACT if name != "company_id"),
    *("primary_phone", "primary_email", "data_quality", "source"),
)


class Preparer:
    """Prepares the records of one source; the same record always comes out the same."""

    def __init__(self, *, source: str) -> None:
        self._source = source
        self._project: tuple[ProjectIn, ProjectSaid] | None = None  # the latest; files are often sorted by project
        self._parties: dict[int, tuple[Party, PartySaid]] = {}
        self._profiles: dict[tuple[str, ...], str] = {}

    def prepare(self, item: Record | Refused) -> RowSaid:
        if isinstance(item, Refused):
            return RowSaid(item.row, item.line, None, (), (), item)
        project = self._latest(item.project) if item.project else None
        context = item.project.project_id if item.project else ""
        parties = tuple(self._in_project(self._party(party), context) for party in item.parties if party.key[1])
        return RowSaid(item.row, item.line, project, parties, item.warnings)

    def _latest(self, project: ProjectIn) -> ProjectSaid:
        if self._project is None or self._project[0] != project:
            self._project = project, self.project(project)
        return self._project[1]

    def project(self, project: ProjectIn) -> ProjectSaid:
        raw, text = canonical(_PROJECT(project))
        born = columns.full(columns.of_project(raw), "project")
        return ProjectSaid(
            said=Said(raw["project_id"], fingerprint(text), text),
            project_id=raw["project_id"],
            raw=text,
            line=copy_line([*born.values(), self._source]),
            opens_at=born["next_call_eligible_at"],
            suppressed=born["call_suppressed"],
        )

    def company(self, company: CompanyIn) -> CompanySaid | None:
        """Prepare a company; without a name, a domain or an id there is nothing to know it again by."""
        raw, text = canonical(_COMPANY(company))
        name = raw.get("name") or raw.get("domain") or raw.get("external_id", "")
        if not name:
            return None
        external_id, name_key = raw.get("external_id", ""), columns.company_key(name)
        whole = {**raw, "name": name, "name_key": name_key}
        born = columns.full(columns.of_company(whole), "company")
        said = None
        if external_id:
            said = Said(external_id, fingerprint(text), text)
        elif len(raw) > 1:  # spellings of a name are no news about the company of that name
            text = to_json({field: value for field, value in raw.items() if field != "name"})
            said = Said(shortened(f"name:{name_key}"), fingerprint(text), text)
        return CompanySaid(said, external_id, name_key, to_json(whole), copy_line([*born.values(), self._source]))

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
        raw, text = canonical(_PARTY(party))
        points = tuple(self._points(raw))
        born = self._born(raw, points, company)
        return PartySaid(
            said=Said(raw.get("contact_id", ""), fingerprint(text), text),
            roles=tuple(one_line(role)[:80] for role in party.roles),
            contact_id=raw.get("contact_id", ""),
            points=points,
            name=raw.get("name", ""),
            name_key=match_key(raw.get("name_as_listed") or raw.get("name", ""))[:200],
            listed_key=raw.get("listed_key", ""),
            priority=born["priority"],
            do_not_call=born["do_not_call"],
            consents=born["consent_given"],
            company=company,
            raw=text,
            line=copy_line([born[name] for name in BORN_CONTACT]),
        )

    def _born(self, raw: Raw, points: tuple[PointSaid, ...], company: CompanySaid | None) -> columns.Columns:
        born = columns.full(columns.of_party(raw), "contact")
        for kind in ("phone", "email"):
            born[f"primary_{kind}"] = next((point.value for point in points if point.kind == kind), "")
        born["data_quality"] = columns.quality({**born, "company_id": company})
        born["source"] = self._source
        return born

    def _points(self, raw: Raw) -> Iterator[PointSaid]:
        place = (raw.get("country", ""), raw.get("region", ""), raw.get("postal_code", ""))
        zone = raw.get("time_zone", "")
        for given, value, extension, line_type, label in raw.get("phones", ()):
            profile = self._profile(value, place, zone)
            yield PointSaid("phone", value, given, extension, label, line_type or "unknown", profile)
        for given, value, label in raw.get("emails", ()):
            yield PointSaid("email", value, given, "", label, "unknown", "")

    def _profile(self, phone: str, place: tuple[str, str, str], zone: str) -> str:
        """The key of the line's profile. In North America the area code says all that a number says."""
        known = (phone[:5] if phone.startswith("+1") else phone, *place, zone)
        key = self._profiles.get(known)
        if key is None:
            if len(self._profiles) >= REMEMBERED:
                self._profiles.clear()
            key = self._profiles[known] = key_of(phone=phone, places=[place], zones=[zone] if zone else [])
        return key

    def _in_project(self, party: PartySaid, project_id: str) -> PartySaid:
        """Who has no id elsewhere is known to the source by project, role and the key that decides."""
        if party.contact_id:
            return party
        kind, value = party.points[0][:2] if party.points else ("name", party.listed_key)
        parts = (project_id, " ".join(party.roles) if project_id else "", f"{kind}:{value}")
        key = shortened("|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in parts))
        return party._replace(said=party.said._replace(key=key))


def canonical(raw: dict[str, Any]) -> tuple[Raw, str]:
    """Return ``raw`` without what PostgreSQL cannot keep (NUL, half characters), and as canonical JSON."""
    try:
        text = to_json(raw)
    except orjson.JSONEncodeError:
        text = ""
    if not text or "\\u0000" in text:
        raw = cleaned(raw)
        text = to_json(raw)
    return raw, text


def cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(character for character in value if character != "\0" and not "\ud800" <= character <= "\udfff")
    if isinstance(value, dict):
        return {cleaned(key): cleaned(part) for key, part in value.items()}
    return [cleaned(part) for part in value] if isinstance(value, list | tuple) else value


def fingerprint(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def shortened(key: str) -> str:
    """Return ``key`` in at most 400 characters; what is cut off still tells two apart."""
    return key if len(key) <= LONGEST_KEY else f"{key[:360]} {fingerprint(key)}"


def _plain(value: Any) -> Any:
    """One value in a type of JSON, in its one spelling."""
    if isinstance(value, Decimal):
        return str(value.quantize(CENT))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [list(_POINT[item.__class__](item)) if item.__class__ in _POINT else item for item in value]
    if isinstance(value, CompanyIn):
        return {name: text for name in ("external_id", "name", "domain") if (text := getattr(value, name))}
    return value


_POINT: Final[Mapping[type[Any], Callable[[Any], Iterable[str]]]] = {
    PhoneIn: attrgetter("value_as_given", "e164", "extension", "line_type", "label"),
    EmailIn: attrgetter("value_as_given", "value", "label"),
}


def _reader(kind: type[Any], *, without: tuple[str, ...] = ()) -> Callable[[Any], dict[str, Any]]:
    """Return a function that turns a record of ``kind`` into its raw form: what it says, without its blanks."""
    names = tuple(field.name for field in dataclasses.fields(kind) if field.name not in without)
    values = attrgetter(*names)

    def read(record: Any) -> dict[str, Any]:
        said = zip(names, values(record), strict=True)
        return {
            name: value if value.__class__ is str else _plain(value)
            for name, value in said
            if value or value is False or value.__class__ is int
        }

    return read


_PROJECT: Final = _reader(ProjectIn)
_COMPANY: Final = _reader(CompanyIn)
_PARTY: Final = _reader(Party, without=("roles", "is_company"))
