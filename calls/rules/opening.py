"""Calling hours as a rule. PostgreSQL never sees a time zone: Python says which profiles are open (DESIGN 11)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from calls.models import CallingHours
from calls.rules.hours import HoursRow, HoursTable
from calls.rules.windows import parse_window
from config.kernel.gate import Asked, Block, Facts, Level
from crm.choices import Channel
from crm.models import HoursProfile

UNKNOWN = ""
IN_LAW = {Channel.CALL: "call", Channel.SMS: "sms", Channel.VOICEMAIL: "rvm", Channel.EMAIL: "email"}

_SIGNATURE = """
    SELECT (SELECT count(*) FROM crm_hoursprofile), (SELECT id FROM crm_hoursprofile ORDER BY id DESC LIMIT 1),
           (SELECT count(*) FROM calls_callinghours), (SELECT max(updated_at) FROM calls_callinghours)
"""


@dataclass(frozen=True, slots=True)
class Book:
    """The law as it stands in the database, and the key of every profile."""

    signature: tuple[Any, ...]
    table: HoursTable
    keys: dict[UUID, str]

    def open_ids(self, at: datetime, channel: str) -> list[UUID]:
        """Return the ids of the profiles that may be approached at ``at``."""
        opened = self.table.open_profiles(set(self.keys.values()), at, channel)
        return [profile for profile, key in self.keys.items() if key in opened]

    def key(self, profile: Any) -> str:
        """Return the candidates behind a profile's id; no profile is the unknown place.

        :raises KeyError: the profile is not in the book, so nothing can be said about it.
        """
        return self.keys[UUID(str(profile))] if profile else UNKNOWN


_tables: dict[tuple[Any, ...], HoursTable] = {}
_read: list[Book] = []


def book() -> Book:
    """Return the current book; it is read again only after a row of law or a profile was added or changed."""
    with connection.cursor() as cursor:
        cursor.execute(_SIGNATURE)
        signature = cursor.fetchone()
    if not _read or _read[0].signature != signature:
        keys = dict(HoursProfile.objects.values_list("id", "key"))
        _read[:] = [Book(signature, _table(signature[2:]), keys)]
    return _read[0]


def _table(signature: tuple[Any, ...]) -> HoursTable:
    """Return the table of law, built once per state of its rows: it remembers what it has computed."""
    if signature not in _tables:
        _tables.clear()
        _tables[signature] = HoursTable(to_row(row) for row in CallingHours.objects.filter(replaced_at=None))
    return _tables[signature]


def last_read() -> Book:
    """Return the book as it was last read, or read it: what a pure rule looks at."""
    return _read[0] if _read else book()


class OutsideHours:
    """Nobody is called when it is too early, too late or a holiday at any place where they may be."""

    code, level, channels, version = "outside_hours", Level.ENDPOINT, frozenset(Channel.values) - {Channel.EMAIL}, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        if not facts.get("endpoint"):
            return None
        law, channel = last_read(), IN_LAW[Channel(str(facts.get("channel") or Channel.CALL))]
        key = law.key(facts.get("hours.profile"))
        if law.table.is_open(key, at, channel):
            return None
        evidence = law.table.why_closed(key, at, channel)
        return Block(self.code, self.level, evidence, until=law.table.next_open(key, at, channel))

    def excludes(self, asked: Asked) -> Q:
        law, channel = book(), IN_LAW[Channel(asked.channel)]
        if "opened" not in asked.memory:
            asked.memory["opened"] = law.open_ids(asked.at, channel), law.table.is_open(UNKNOWN, asked.at, channel)
        profiles, unknown = asked.memory["opened"]
        opened = Q(endpoint__hours_profile__in=profiles)
        return ~(opened | Q(endpoint__hours_profile=None)) if unknown else ~opened


def to_row(row: CallingHours) -> HoursRow:
    """Return the model's row as the pure code reads it.

    :raises UnreadableHours: a value makes no sense; then nobody is called until it is mended.
    """
    return HoursRow(
        rule_id=row.rule_id,
        jurisdiction=row.jurisdiction,
        channels=frozenset(row.channels),
        days=tuple(parse_window(text) if text else None for text in row.windows),
        holidays=row.holidays,
        closed_on=frozenset(row.closed_on),
        severity=row.severity,
        configurable=row.configurable,
        confidence=row.confidence,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        verified_on=row.verified_on,
        expires_on=row.expires_on,
        source=row.source,
    )
