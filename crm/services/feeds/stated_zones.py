"""The time zone somebody states, under its IANA name: the only kind of name that hours are worked out from."""

import re
from functools import lru_cache
from typing import Final

from crm.services.normalization.places import from_statement

# What people and other programs call the zones of North America. "EST" and "MST" are IANA names too, of places without
# summer time (Panama, Phoenix); whoever writes them into a list of contacts means the zone.
_WORDS: Final = {
    "America/New_York": "eastern et est edt",
    "America/Chicago": "central ct cst cdt",
    "America/Denver": "mountain mt mst mdt",
    "America/Los_Angeles": "pacific pt pst pdt",
    "America/Anchorage": "alaska alaskan akt akst akdt",
    "Pacific/Honolulu": "hawaii hawaiian ht hst hawaiialeutian",
    "America/Phoenix": "arizona",
    "America/Indiana/Indianapolis": "indiana",
    "America/Halifax": "atlantic adt",
    "America/Puerto_Rico": "puertorico ast",
    "America/St_Johns": "newfoundland nst ndt",
    "America/Regina": "saskatchewan",
}
ZONES: Final = {word: zone for zone, words in _WORDS.items() for word in words.split()}
# Names that Windows and Outlook give to the states that keep no summer time of their own, or did not.
_WINDOWS: Final = {
    "us mountain standard time": "America/Phoenix",
    "us eastern standard time": "America/Indiana/Indianapolis",
    "canada central standard time": "America/Regina",
}
_FILLERS: Final = frozenset(["time", "standard", "daylight", "zone", "us", "usa", "canada", "u", "s", "and", "tz"])


@lru_cache(maxsize=1024)
def time_zone(text: str) -> str:
    """The IANA name in use: "Eastern", "(UTC-05:00) Eastern Time (US & Canada)", "US/Eastern" are America/New_York.

    :raises UnusableZone: no zone is called that, or it lies nowhere (UTC).
    """
    known = _WINDOWS.get(text.lower()) or ("" if "/" in text.split("(")[0] else ZONES.get(_core(text), ""))
    return known or next(zone for zone, _ in from_statement(text))


def _core(text: str) -> str:
    """What is left of a name without offsets, remarks in brackets, and words like "standard time"."""
    words = re.findall(r"[a-z]+", re.sub(r"\([^)]*\)", " ", text.lower())) or re.findall(r"[a-z]+", text.lower())
    return "".join(word for word in words if word not in _FILLERS)
