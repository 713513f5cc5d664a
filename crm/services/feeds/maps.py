"""Feed maps: what the columns of one kind of file mean. Kept as TOML in ``crm/feeds``, one file per kind.

A place in a map names where a text comes from:

    "Phone"                                               a column
    "Company | Company Name"                              the first of these columns that the file has
    ["House", "Street"]                                   several columns, joined by a blank
    { column = "Id", prefix = "cary-" }                   with something in front, where ids mean little alone
    { column = "Stage", values = { Cold = "new" } }       the source's words turned into ours, any other word dropped
    { column = "Builder", except = ["SELF *"] }           words that name nobody; "*" stands for any end
    { column = "Fax", label = "fax" }                     phones, e-mails and profiles carry a label
    { column = "Phone 1", label_column = "Type 1" }       a label that stands in another column
    { column = "Phone 1", verified_column = "Checked" }   whether, or since when, it is known to reach them
    { column = "Phones", split = ":::" }                  several in one cell
    { column = "Contact", search = true }                 a phone or e-mail with other text around it
    { text = "US" }                                       the same for every row

Names of columns are compared folded (see :func:`fold`): case, blanks, punctuation and curly apostrophes do not matter.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

from django.core.exceptions import ImproperlyConfigured

from crm.services.files.names import fold

FEEDS = Path(__file__).resolve().parents[2] / "feeds"

NameKind = Literal["parts", "person", "company", "either", "family first", "person, company"]
PROJECT_FIELDS = frozenset(
    """project_id name kind status stage description value street city region postal_code country bid_on starts_on
    event_on source_url call_suppressed suppressed_reason next_call_eligible_at owner""".split()  # noqa: SIM905 - read as prose
)
PARTY_FIELDS = frozenset(
    """role contact_id record_id name first_name middle_name last_name title seniority department street city region
    postal_code country time_zone do_not_call do_not_email do_not_text lifecycle_status priority lead_score
    consent_given consent_on preferred_channel conversion_probability owner suppress_for_project suppress_reason
    is_primary pair_priority""".split()  # noqa: SIM905 - read as prose
)
COMPANY_FIELDS = frozenset(
    """external_id name domain website industry employees revenue technologies keywords phone street city region
    postal_code country""".split()  # noqa: SIM905 - read as prose
)


ADDRESS_FIELDS = frozenset({"street", "city", "region", "postal_code", "country"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text comes from. Each part is a column, or several of which the first that the file has is read."""

    parts: tuple[tuple[str, ...], ...] = ()  # folded names
    join: str = " "
    prefix: str = ""
    label: str = ""
    text: str = ""
    values: Mapping[str, str] | None = None  # folded word of theirs: word of ours
    label_column: str = ""  # folded
    verified_column: str = ""  # folded
    split: str = ""
    nobody: tuple[str, ...] = ()  # case-folded; with a "*" at the end: everything that begins like this
    search: bool = False


@dataclass(frozen=True, slots=True)
class Extract:
    """Columns that are cut out of another by a pattern: group ``street`` of column ``Address`` is "Address.street"."""

    column: str  # folded
    pattern: re.Pattern[str]


class Address(NamedTuple):
    """A further postal address: ``{ label = "mailing", street = "Mail Street", city = "Mail City" }``."""

    label: str
    parts: tuple[tuple[str, tuple[Place, ...]], ...]


@dataclass(frozen=True, slots=True)
class PartyMap:
    names: NameKind = "person"
    fields: Mapping[str, tuple[Place, ...]] = field(
        default_factory=dict
    )  # several places: the first that says something
    company: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)
    phones: tuple[Place, ...] = ()
    emails: tuple[Place, ...] = ()
    profiles: tuple[Place, ...] = ()
    addresses: tuple[Address, ...] = ()
    socials: tuple[Place, ...] = ()
    company_profiles: tuple[Place, ...] = ()
    attributes: tuple[str, ...] = ()  # folded names; with a "*" at the end: every column that begins like this
    company_attributes: tuple[str, ...] = ()

    def everything(self) -> list[tuple[str, tuple[Place, ...]]]:
        """Every field with its places, for whoever wants to know what a column means."""
        company = [(f"company.{name}", places) for name, places in self.company.items()]
        lists = [("phone", self.phones), ("email", self.emails), ("profile", self.profiles), ("social", self.socials)]
        lists += [(f"{address.label} {part}", place) for address in self.addresses for part, place in address.parts]
        return [*self.fields.items(), *lists, *company, ("company.profile", self.company_profiles)]


@dataclass(frozen=True, slots=True)
class Match:
    """What a file must look like to be read by a map."""

    columns: tuple[tuple[str, ...], ...] = ()  # of each of these (folded) names one must be in the header
    exact: bool = False  # no other columns than the map knows: for maps of very common names
    width: tuple[int, ...] = ()  # for files without a header: how many columns there may be
    shape: Mapping[int, re.Pattern[str]] = field(default_factory=dict)  # column from 0: what is in it
    names: tuple[str, ...] = ()  # of the columns of a file without a header


@dataclass(frozen=True, slots=True)
class FeedMap:
    """``id`` and ``version`` are part of the key by which a stopped intake goes on: a change asks for a new version."""

    id: str
    version: str
    source: str
    title: str
    match: Match
    region: str = "US"  # ISO 3166; of phones without a country code and rows without a country
    project: Mapping[str, tuple[Place, ...]] | None = None
    parties: tuple[PartyMap, ...] = ()
    extracts: tuple[Extract, ...] = ()
    ignore: tuple[str, ...] = ()  # folded names
    remarks: tuple[str, ...] = ()  # what somebody should know who did not choose this map
    common: bool = (
        False  # in words that anybody may use: what it does not know is read as it suggests, or is the party's
    )

    @property
    def known(self) -> frozenset[str]:
        """The folded names of all columns that the map has a meaning for."""
        places = [place for party in self.parties for _, several in party.everything() for place in several]
        places += [place for several in (self.project or {}).values() for place in several]
        names = {name for place in places for part in _columns(place) for name in part}
        return frozenset(names | {extract.column for extract in self.extracts})


@cache
def library() -> Mapping[str, FeedMap]:
    """All maps that ship, by id.

    :raises ImproperlyConfigured: one of them says something that no map can say.
    """
    maps = [read_map(tomllib.loads(path.read_text()), name=path.name) for path in sorted(FEEDS.glob("*.toml"))]
    return MappingProxyType({feed.id: feed for feed in maps})


def read_map(data: dict[str, Any], *, name: str) -> FeedMap:
    """Build a map from its TOML; ``name`` is for the message.

    :raises ImproperlyConfigured: a word in it is unknown, or one that must be there is missing.
    """
    try:
        match = data["match"]
        return FeedMap(
            id=data["id"],
            version=str(data["version"]),
            source=data["source"],
            title=data["title"],
            region=data.get("region", "US"),
            match=Match(
                columns=tuple(_alternatives(column) for column in match.get("columns", [])),
                exact=match.get("exact", False),
                width=tuple(match.get("width", [])),
                shape={int(number) - 1: re.compile(text) for number, text in match.get("shape", {}).items()},
                names=tuple(match.get("names", [])),
            ),
            project=_fields(data["project"], PROJECT_FIELDS) if "project" in data else None,
            parties=tuple(_party(party) for given in data.get("party", []) for party in _repeated(given)),
            extracts=tuple(
                Extract(fold(item["column"]), re.compile(item["pattern"])) for item in data.get("extract", [])
            ),
            ignore=tuple(map(fold, data.get("ignore", []))),
            common=data.get("common", False),
        )
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise ImproperlyConfigured(f"The feed map {name} is wrong: {error!r}.") from error


def _repeated(party: dict[str, Any]) -> list[dict[str, Any]]:
    """One party for each of the numbers that stand for ``{n}``."""
    times = party.pop("repeat", 0)
    return [_numbered(party, number) for number in range(1, times + 1)] if times else [party]


def _numbered(item: Any, number: int) -> Any:
    if isinstance(item, str):
        return item.replace("{n}", str(number))
    if isinstance(item, list):
        return [_numbered(part, number) for part in item]
    if isinstance(item, dict):
        return {key: _numbered(value, number) for key, value in item.items()}
    return item


def _party(given: dict[str, Any]) -> PartyMap:
    fields = dict(given)
    names = fields.pop("names", "parts" if "last_name" in given else "person")
    if names not in get_args(NameKind):
        raise ValueError(f"names = {names!r}")
    company = dict(fields.pop("company", {}))
    return PartyMap(
        names=names,
        phones=_several(fields.pop("phones", [])),
        emails=_several(fields.pop("emails", [])),
        profiles=_labelled(fields.pop("profiles", {})),
        addresses=tuple(_address(dict(given)) for given in fields.pop("addresses", [])),
        socials=_labelled(fields.pop("socials", {})),
        attributes=_stems(fields.pop("attributes", [])),
        company_profiles=_labelled(company.pop("profiles", {})),
        company_attributes=_stems(company.pop("attributes", [])),
        company=_fields(company, COMPANY_FIELDS),
        fields=_fields(fields, PARTY_FIELDS),
    )


def _fields(given: dict[str, Any], allowed: frozenset[str]) -> dict[str, tuple[Place, ...]]:
    if unknown := given.keys() - allowed:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return {name: _first_of(value) for name, value in given.items()}


def _first_of(value: Any) -> tuple[Place, ...]:
    """A list with tables is several places, the first that says something counts; a list of names is one place."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return tuple(map(_place, value))
    return (_place(value),)


def _several(value: list[Any]) -> tuple[Place, ...]:
    return tuple(map(_place, value))


def _labelled(value: dict[str, str]) -> tuple[Place, ...]:
    return tuple(Place((_alternatives(column),), label=label) for label, column in value.items())


def _address(given: dict[str, Any]) -> Address:
    return Address(given.pop("label"), tuple(_fields(given, ADDRESS_FIELDS).items()))


def _place(value: Any) -> Place:
    if isinstance(value, str):
        return Place((_alternatives(value),))
    if isinstance(value, list):
        return Place(tuple(map(_alternatives, value)))
    options = dict(value)
    columns = options.pop("columns", None) or [options.pop("column")] if options.keys() & {"columns", "column"} else []
    words = options.pop("values", None)
    return Place(
        tuple(map(_alternatives, columns)),
        values={fold(theirs): ours for theirs, ours in words.items()} if words is not None else None,
        nobody=tuple(word.casefold() for word in options.pop("except", [])),
        label_column=fold(options.pop("label_column", "")),
        verified_column=fold(options.pop("verified_column", "")),
        **options,
    )


def _columns(place: Place) -> tuple[tuple[str, ...], ...]:
    return (*place.parts, (place.label_column,), (place.verified_column,))


def _alternatives(names: str) -> tuple[str, ...]:
    return tuple(map(fold, names.split("|")))


def _stems(names: list[str]) -> tuple[str, ...]:
    return tuple(fold(name) + "*" * name.endswith("*") for name in names)
