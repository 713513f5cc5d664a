"""Calling hours as a rule. PostgreSQL never sees a time zone: Python says which profiles are open (DESIGN 11)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from calls.models import CallingHours
from calls.rules.hours import HoursRow, HoursTable
from calls.rules.windows import parse_window
from config.kernel import prepared
from config.kernel.gate import Asked, Block, Facts, Level
from crm.choices import Channel
from crm.models import HoursProfile

UNKNOWN = ""
IN_LAW = {Channel.CALL: "call", Channel.SMS: "sms", Channel.VOICEMAIL: "rvm", Channel.EMAIL: "email"}

# What the law says now, as one number that any change of any row changes, for that makes a new version of the row;
# 0.02 ms, and nobody has to keep it true.
STATE = """
    (SELECT sum(hashtextextended(h.xmin::text || h.ctid::text, 0)) FROM calls_callinghours h
     WHERE h.replaced_at IS NULL)"""
PLACES = "(SELECT sum(hash_record_extended(p, 0)) FROM crm_hoursprofile p)"
KEPT = 4  # tables of law; each remembers what it has computed, at most 8 MB


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


_tables: dict[Any, HoursTable] = {}  # by the state of the law
_keys: dict[str, str] = {}  # of profiles by id; a profile is never changed
_read: list[Book] = []


def book() -> Book:
    """Return the current book; its parts are read again only after a row of law or a profile was added or changed."""
    return book_of(*prepared.rows(f"SELECT {STATE}, {PLACES}")[0])


def book_of(law: Any, places: Any) -> Book:
    """Return the book for what ``STATE`` and ``PLACES`` gave."""
    if not _read or _read[0].signature != (law, places):
        keys = dict(HoursProfile.objects.values_list("id", "key"))
        _keys.update((str(profile), key) for profile, key in keys.items())
        _read[:] = [Book((law, places), law_of(law), keys)]
    return _read[0]


def law_of(state: Any) -> HoursTable:
    """Return the table of law for what ``STATE`` gave; it is built once per state.

    :raises UnreadableHours: a row makes no sense; then nobody is called until it is mended.
    """
    if state not in _tables:
        _keep(state, HoursTable(to_row(row) for row in CallingHours.objects.filter(replaced_at=None)))
    return _tables[state]


def recall(version: Any, at: datetime) -> None:
    """Read the law of ``version`` again, which held at ``at``: rows of law are replaced, never changed or deleted.

    Where it cannot be had any more, the law of today stands in for it.
    """
    if any(law.version == version for law in _tables.values()):
        return
    rows = CallingHours.objects.filter(Q(replaced_at=None) | Q(replaced_at__gt=at), created_at__lte=at)
    law = HoursTable(to_row(row) for row in rows)
    if law.version == version:
        _keep(("as of", version), law)


def _keep(state: Any, law: HoursTable) -> None:
    while len(_tables) >= KEPT:
        _tables.pop(next(iter(_tables)), None)
    _tables[state] = law


def learn(profiles: Iterable[Any]) -> None:
    """Read the keys of those profiles that are not known yet, so that the pure rule knows them."""
    if missing := {profile for profile in profiles if profile and profile not in _keys}:
        found = HoursProfile.objects.filter(id__in=missing).values_list("id", "key")
        _keys.update((str(profile), key) for profile, key in found)


def last_read() -> Book:
    """Return the book as it was last read, or read it."""
    return _read[0] if _read else book()


def _law(facts: Facts) -> HoursTable:
    """Return the law by which the facts were gathered; where that is forgotten, a receipt is read by today's."""
    wanted = facts.get("hours.law")
    return next((law for law in list(_tables.values()) if law.version == wanted), None) or last_read().table


def closes(facts: Facts, at: datetime) -> datetime:
    """Return until when whoever ``facts`` describe may be reached, from an open moment on: never past their window.

    For channels that have hours. What is handed over at ``at`` may be delivered until then.
    """
    key = _keys[str(profile)] if (profile := facts.get("hours.profile")) else UNKNOWN
    return _law(facts).closes_at(key, at, IN_LAW[Channel(str(facts["channel"]))])


class OutsideHours:
    """Nobody is called when it is too early, too late or a holiday at any place where they may be."""

    code, level, channels, version = "outside_hours", Level.ENDPOINT, frozenset(Channel.values) - {Channel.EMAIL}, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        if not facts.get("endpoint"):
            return None
        law, channel = _law(facts), IN_LAW[Channel(str(facts.get("channel") or Channel.CALL))]
        key = _keys[str(profile)] if (profile := facts.get("hours.profile")) else UNKNOWN
        if law.is_open(key, at, channel):
            return None
        evidence = law.why_closed(key, at, channel)
        return Block(self.code, self.level, evidence, until=law.next_open(key, at, channel))

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
