"""What a correction may undo: what an outcome set goes back only where nothing else supports it.

Every outcome writes into its event (``facts.made``), per kind of effect, what was there before it, also where it was
so already. From what all outcomes about one subject wrote follows what would be there without the one that is undone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from calls.models import CallEvent

Made = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What one outcome made of one kind, and the correction that replaced it, if one did."""

    event: UUID
    corrected_by: UUID | None
    made: Made

    def stood_at(self, event: UUID) -> bool:
        """Whether it was given before ``event`` and not corrected by then; outcomes about one subject wait in line."""
        return self.event < event and (self.corrected_by is None or self.corrected_by > event)


def text(value: Any) -> str | None:
    """Return an id or a moment, that in UTC, as the facts of an event keep it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if value else None


def instant(value: str | None) -> datetime | None:
    return parse_datetime(value) if value else None


def others(old: CallEvent, kind: str, **whose: Any) -> list[Said]:
    """Return what the other outcomes about the same subject made of ``kind``, the oldest first."""
    rows = CallEvent.objects.filter(facts__made__has_key=kind, **whose).exclude(pk=old.pk).order_by("pk")
    found = rows.values_list("pk", "corrected_by__pk", "facts")
    return [Said(event, corrected_by, facts["made"][kind]) for event, corrected_by, facts in found]


def root(old: CallEvent, kind: str, rest: Sequence[Said]) -> Made | None:
    """Return what the outcome made that found the flag unset, which ``old`` and outcomes before it kept set.

    None where another outcome still stands, or where the flag was set by somebody else than an outcome.
    """
    if any(said.corrected_by is None for said in rest):
        return None
    event, made = old.pk, old.facts["made"][kind]
    while made["was"]:
        before = [said for said in rest if said.stood_at(event)]
        if not before:
            return None
        event, made = before[-1].event, before[-1].made
    return dict(made)


def before(old: CallEvent, kind: str, rest: Sequence[Said]) -> Made:
    """Return what was made by ``old``, or by the first of the outcomes that led to it and are corrected as well."""
    event, made = old.pk, old.facts["made"][kind]
    while found := [said for said in rest if said.stood_at(event) and instant(said.made["is"]) == instant(made["was"])]:
        if found[-1].corrected_by is None:
            break
        event, made = found[-1].event, found[-1].made
    return dict(made)
