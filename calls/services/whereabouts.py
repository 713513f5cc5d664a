"""Where those who wait are, by the names of their cities, and when one may call there again."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from calls.rules.hours import HoursTable
from crm.services.normalization.places import candidates_of
from crm.services.normalization.zones import zone, zone_names

NAMED: Final = 2  # cities; somebody who may be under more clocks than that is nowhere in particular
NOWHERE: Final = "Place not known"


def places(law: HoursTable, waiting: Iterable[tuple[str, int]], at: datetime) -> list[dict[str, Any]]:
    """Return one entry for each name, the largest first: how many wait there, and when the first of them opens.

    ``waiting`` are hours profiles with their numbers. ``local`` is that moment on the wall clock there; where the place
    is not ``known`` there is none, and where nothing opens within 60 days there is no moment at all.
    """
    numbers: dict[str, int] = defaultdict(int)
    opening: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for key, number in waiting:
        cities = _cities(key, at)
        name = " or ".join(cities) or NOWHERE
        numbers[name] += number
        if opens := law.next_open(key, at):
            opening[name].append((opens, _wall(opens, next(iter(cities.values()), ""))))
    ranked = sorted(numbers, key=lambda name: (-numbers[name], name))
    return [_entry(name, numbers[name], min(opening[name], default=(None, ""))) for name in ranked]


def _entry(name: str, number: int, first: tuple[datetime | None, str]) -> dict[str, Any]:
    opens_at, local = first
    return {"name": name, "known": name != NOWHERE, "number": number, "opens_at": opens_at, "local": local}


def _cities(key: str, at: datetime) -> dict[str, str]:
    """Return a city for each clock that the profile may be under, with its zone; nothing where that says little."""
    shown: dict[timedelta | None, str] = {}
    names = {name for name, _ in candidates_of(key) if name.lower() in zone_names()}
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        shown.setdefault(at.astimezone(zone(name)).utcoffset(), name)
    if len(shown) > NAMED:
        return {}
    return {name.rsplit("/", 1)[-1].replace("_", " "): name for name in shown.values()}


def _wall(moment: datetime, name: str) -> str:
    return f"{moment.astimezone(zone(name)):%a %H:%M}" if name else ""
