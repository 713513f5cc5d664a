"""What time it is where somebody may be."""

import zoneinfo
from datetime import datetime
from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.kernel import clock
from config.kernel.admin import cells
from crm.models import HoursProfile
from crm.services.normalization.places import candidates_of

CLOCKS = 3  # shown at most; a number that may be in more places than that says little


def zones(profile: HoursProfile | None) -> list[str]:
    """The zones of ``profile`` that PostgreSQL or Python know, in the order of their clocks."""
    return [name for name in _names(profile.key if profile else "") if _zone(name)]


def places(profile: HoursProfile) -> list[str]:
    """Where its lines may ring, each zone with the law that holds there: "Chicago (US-TX)"."""
    return [f"{city(zone)} ({law})" if law else city(zone) for zone, law in sorted(candidates_of(profile.key))]


def city(zone: str) -> str:
    return zone.rsplit("/", 1)[-1].replace("_", " ")


def local_times(profile: HoursProfile | None, *, at: datetime | None = None) -> SafeString:
    """Every clock that may hang where they are ("14:05 Chicago"), one per time, not per zone."""
    moment = at or clock.now()
    shown: dict[str, str] = {}
    for name in zones(profile):
        zone = _zone(name)
        if zone:
            shown.setdefault(f"{moment.astimezone(zone):%H:%M}", name)
    if not shown:
        return cells.soft("Unknown place")
    pieces = [_clock(name, time) for time, name in list(shown.items())[:CLOCKS]]
    more = len(shown) - CLOCKS
    return cells.lines(pieces + ([f"and {more} other clocks"] if more > 0 else []))


def _clock(name: str, time: str) -> SafeString:
    shown = format_html('{} <span class="cl-soft">{}</span>', time, city(name))
    return format_html('<span class="cl-number" title="{}">{}</span>', name, shown)


@lru_cache(maxsize=2048)  # there are some hundred profiles
def _names(key: str) -> tuple[str, ...]:
    return tuple(sorted({zone for zone, _ in candidates_of(key)}))


@lru_cache(maxsize=1024)
def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
