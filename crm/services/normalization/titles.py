"""Job titles: how senior someone is and what they work on, read from the words of the title.

The levels and areas are those of the public sets of labeled titles that they are measured against (rootstrap
ai-job-title-level-classification and ai-job-title-area-classification). A hint for filters and priorities.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from crm.services.normalization.text import one_line, says_nothing

MAX_LENGTH: Final = 300  # characters that are looked at
CACHED: Final = 16_384

SENIORITIES: Final = ("C-Suite", "VP", "Director", "Manager", "Other")
DEPARTMENTS: Final = ("Sales-Marketing", "Technical", "Business", "Other")


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


# The highest wins: "Co-Founder, VP Finance" is C-Suite.
_LEVELS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "C-Suite": _words(
            *("chief", "c[etfiomprs]o", "c[ih]ro", "cdo", "cao", "clo", "ciso", r"(?:co[- ]?)?found(?:er|ers|ing)"),
            *("chair", "chair(?:man|woman|person)", "board", "owner", "proprietor"),
        ),
        "VP": _words("[aes]?vp", r"v\.p", "vice[- ]president", "vicepresident"),
        "Director": _words("director", "dir", "head", "president", "trustee"),
        "Manager": _words(
            "manager", "mgr", "gm", "lead", "leader", "leadership", "supervisor", "superintendent", "foreman"
        ),
    }
)

# The first that fits wins. Whoever founded or runs the house is in business, whatever else the title says; the other
# titles of those who run things say less about their field than about running it.
_AREAS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "Business": _words(
            "ceo", "chief executive", r"(?:co[- ]?)?found(?:er|ers|ing)", "chair(?:man|woman|person)", "owner"
        ),
        "Sales-Marketing": _words("sales", "marketing", "cmo", "seo", "advertising", "account executive", "selling"),
        "Technical": _words(
            *(
                "engineer(?:s|ing)?",
                "developers?",
                "software",
                "tech",
                "technical",
                "technolog(?:y|ies)",
                "it",
                "cto",
                "cio",
            ),
            *(
                "data",
                "design(?:er)?",
                "ux",
                "ui",
                "research(?:er)?",
                "scientist",
                "architect",
                "analyst",
                "network",
                "web",
            ),
            *("systems?", "mobile", "android", "ios", "product manager", "database", "programmer", "science", "r&d"),
        ),
    }
)
_RUNS_THINGS: Final = frozenset({"C-Suite", "VP", "Director"})


@dataclass(frozen=True, slots=True)
class Title:
    """A job title on one line, its level (see ``SENIORITIES``) and its area (see ``DEPARTMENTS``)."""

    text: str
    seniority: str
    department: str


def parse_title(raw: str) -> Title:
    """Read a job title; "" and "N/A" say nothing, everything else has a level and an area, "Other" if need be."""
    text = one_line(raw)
    if says_nothing(text):
        return Title("", "", "")
    return Title(text, *_level_and_area(text[:MAX_LENGTH]))


@lru_cache(maxsize=CACHED)
def _level_and_area(text: str) -> tuple[str, str]:
    level = next((level for level, words in _LEVELS.items() if words.search(text)), "Other")
    area = next((area for area, words in _AREAS.items() if words.search(text)), "")
    return level, area or ("Business" if level in _RUNS_THINGS else "Other")
