"""Reads rows of calling hours as they are written down: in the shipped file, or field by field from anywhere else."""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from calls.rules.law import HoursRow, UnreadableHours
from calls.rules.windows import Window, parse_window

SHIPPED: Final = Path(__file__).parents[1] / "fixtures" / "calling_hours.toml"
VALID_FOR: Final = timedelta(days=180)  # after it was verified; then the strict profile is asked besides

_REQUIRED: Final = ("rule_id", "jurisdiction", "channels", "windows", "verified_on", "source")
_DATES: Final = ("verified_on", "expires_on", "effective_from", "effective_to")
_OPTIONAL: Final = ("holidays", "severity", "configurable", "confidence", "closed_on", *_DATES[1:])


def shipped_rows() -> list[HoursRow]:
    """Return the rows that come with the product."""
    return load_rows(SHIPPED.read_text(encoding="utf-8"))


def load_rows(text: str) -> list[HoursRow]:
    """Read TOML with one ``[[hours]]`` table for each row. All of it is right, or nothing is returned.

    :raises UnreadableHours: its message lists every table that cannot be used, and why.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableHours(f"The calling hours are no TOML: {error}.") from error
    tables = document.pop("hours", None)
    if document or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UnreadableHours("The calling hours must be tables headed [[hours]], and nothing else.")
    rows, refusals = [], []
    for number, table in enumerate(tables, start=1):
        try:
            rows.append(read_row(table))
        except UnreadableHours as refusal:
            refusals.append(f"Table {number}: {refusal}")
    names = [row.rule_id for row in rows]
    refusals += [f"{name} is there twice." for name in sorted({name for name in names if names.count(name) > 1})]
    if refusals:
        raise UnreadableHours(" ".join(refusals))
    return rows


def read_row(fields: Mapping[str, Any]) -> HoursRow:
    """Read one row. ``windows`` are seven texts, Monday first ("08:00-20:00", "" for closed); None is not given.

    Without ``expires_on`` the row is good for 180 days after ``verified_on``.

    :raises UnreadableHours: a field is missing, unknown or wrong; ``details`` name it.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    name = str(given.get("rule_id") or "A row")
    if wrong := _misnamed(given) or _mistyped(given):
        said = " ".join(f"{field}: {message}" for field, message in wrong.items())
        raise UnreadableHours(f"{name} cannot be used. {said}", details=wrong)
    given["days"] = tuple(_window(name, text) for text in given.pop("windows"))
    given["channels"] = frozenset(given["channels"])
    given["closed_on"] = frozenset(given.get("closed_on", ()))
    given.setdefault("holidays", "")
    given.setdefault("expires_on", given["verified_on"] + VALID_FOR)
    return HoursRow(**given)


def _misnamed(given: Mapping[str, Any]) -> dict[str, str]:
    missing = {field: "Give it." for field in _REQUIRED if field not in given}
    unknown = {field: "There is no such field." for field in given if field not in (*_REQUIRED, *_OPTIONAL)}
    return missing | unknown


def _mistyped(given: Mapping[str, Any]) -> dict[str, str]:
    wrong = {field: "Write a date like 2026-11-20." for field in _DATES if not _is_date(given.get(field, date.min))}
    lists = {"channels": str, "windows": str, "closed_on": date}
    for field, value in given.items():
        if field in lists:
            if not isinstance(value, list | tuple) or not all(isinstance(each, lists[field]) for each in value):
                wrong[field] = f"Write a list of {'dates' if field == 'closed_on' else 'texts'}."
        elif field not in _DATES and not isinstance(value, str):
            wrong[field] = "Write a text."
    return wrong


def _is_date(value: object) -> bool:
    return type(value) is date  # a datetime is a date too, but none that a row can mean


def _window(name: str, text: str) -> Window | None:
    try:
        return parse_window(text)
    except ValueError as error:
        raise UnreadableHours(f"{name} cannot be used. windows: {error}", details={"windows": str(error)}) from error
