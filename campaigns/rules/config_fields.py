"""What the settings of a node may say: a small language of fields, each of which says what is wrong with a value."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final, Protocol

from campaigns.rules.drawings import Config
from config.kernel.moments import YEARS

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


class Field(Protocol):
    @property
    def required(self) -> bool: ...

    def fault(self, value: Any) -> str:
        """Return what is wrong with ``value``, "" where nothing is."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    longest: int = 200
    required: bool = False

    def fault(self, value: Any) -> str:
        if not isinstance(value, str):
            return "Write a text."
        if self.required and not value.strip():
            return "Write something."
        return f"At most {self.longest} characters." if len(value) > self.longest else ""


@dataclass(frozen=True, slots=True)
class Whole:
    least: int
    most: int
    required: bool = True

    def fault(self, value: Any) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return "" if fits else f"Give a whole number from {self.least:,} to {self.most:,}."


@dataclass(frozen=True, slots=True)
class OneOf:
    choices: tuple[str, ...]
    required: bool = True

    def fault(self, value: Any) -> str:
        return "" if value in self.choices else f"Choose one of {', '.join(self.choices)}."


@dataclass(frozen=True, slots=True)
class SomeOf:
    """A list without repetition; of ``choices`` where they are given, else of texts."""

    choices: tuple[str, ...] = ()
    required: bool = True

    def fault(self, value: Any) -> str:
        if not isinstance(value, list) or (self.required and not value):
            return "Give a list with at least one entry."
        if any(not isinstance(item, str) or not item.strip() or len(item) > 200 for item in value):
            return "Every entry is a text of at most 200 characters."
        if len(set(value)) < len(value):
            return "Name each entry once."
        others = [item for item in value if self.choices and item not in self.choices]
        return f"Choose of {', '.join(self.choices)}." if others else ""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day on the contact's clock: "09:00"."""

    required: bool = True

    def fault(self, value: Any) -> str:
        return "" if isinstance(value, str) and _CLOCK.fullmatch(value) else 'Give a time of day such as "09:00".'


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar: "2027-01-31"."""

    required: bool = True

    def fault(self, value: Any) -> str:
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2027-01-31") else None
        except ValueError:
            day = None
        if day and day.year not in YEARS:
            return f"Give a year from {YEARS[0]} to {YEARS[-1]}."
        return "" if day else 'Give a day such as "2027-01-31".'


def faults_of(config: Config, fields: Mapping[str, Field]) -> Iterable[tuple[str, str]]:
    """Yield (field, what is wrong with it) of a configuration; a field that nobody knows is wrong too."""
    for name, field in fields.items():
        if name in config:
            if said := field.fault(config[name]):
                yield name, said
        elif field.required:
            yield name, "Say it: there is no default."
    for name in config:
        if name not in fields:
            yield name, f"Unknown; known are {', '.join(fields) or 'none'}."


def clock_of(text: str) -> time:
    return time.fromisoformat(text)
