"""Time zones as the ``tzdata`` package knows them, never as the machine does.

``zoneinfo.ZoneInfo(name)`` asks the operating system first, whose data is as old as its image: on 2026-11-20 a machine
with tzdata 2025b was one hour wrong about Vancouver, Edmonton and Winnipeg. Whoever decides by wall clock asks here.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TERRITORIES: Final = frozenset({"AS", "GU", "MP", "PR", "VI"})  # countries to ISO 3166, United States to federal law


def _table(name: str) -> list[str]:
    return files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8").splitlines()


TZDATA_VERSION: Final = _table("tzdata.zi")[0].removeprefix("# version ")  # "2026f"; the package counts differently


@lru_cache(maxsize=1024)  # there are 598 names
def zone(name: str) -> ZoneInfo:
    """Return the zone of that IANA name, with the rules of ``TZDATA_VERSION``.

    :raises ZoneInfoNotFoundError: there is no such zone; the name is compared to the letter.
    """
    if zone_names().get(name.lower()) != name:
        raise ZoneInfoNotFoundError(f"No time zone is called {name!r}.")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


@lru_cache(maxsize=1)
def zone_names() -> MappingProxyType[str, str]:
    """Return every name there is, by its lower-case form."""
    names = files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return MappingProxyType({name.lower(): name for name in names})


@lru_cache(maxsize=1)
def zones_by_country() -> MappingProxyType[str, tuple[str, ...]]:
    """Return the zones of every country (ISO 3166), sorted by name."""
    found = defaultdict(list)
    for country, _, name, *_ in _rows("zone.tab"):
        found[country].append(name)
    return MappingProxyType({country: tuple(sorted(names)) for country, names in found.items()})


@lru_cache(maxsize=1)
def _country_by_zone() -> dict[str, str]:
    return {name: country for country, names in zones_by_country().items() for name in names}


def country_of(name: str) -> str:
    """Return the country (ISO 3166) that a zone lies in, "" for one that is nowhere, such as UTC."""
    return _country_by_zone().get(name, "")


@lru_cache(maxsize=1)
def _links() -> dict[str, str]:
    lines = (line.split() for line in _table("tzdata.zi") if line.startswith("L "))
    return {link: target for _, target, link in lines}


def current_name(name: str) -> str:
    """Return the name in use for an outdated one ("US/Central" is America/Chicago); any other stays as it is."""
    return name if country_of(name) else _links().get(name, name)


@lru_cache(maxsize=1)
def countries() -> MappingProxyType[str, str]:
    """Return ISO 3166 codes by lower-case English name and by themselves, plus the usual other names of a few."""
    names = {name.lower(): code for code, name in _rows("iso3166.tab")}
    return MappingProxyType(names | {code.lower(): code for code in names.values()} | _ALSO_KNOWN_AS)


_ALSO_KNOWN_AS: Final = {
    "can": "CA",
    "england": "GB",
    "gbr": "GB",
    "great britain": "GB",
    "scotland": "GB",
    "u.k.": "GB",
    "u.s.": "US",
    "u.s.a.": "US",
    "uk": "GB",
    "united kingdom": "GB",
    "united states of america": "US",
    "usa": "US",
    "wales": "GB",
}


def _rows(table: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in _table(table) if not line.startswith("#"))
