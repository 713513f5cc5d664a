"""When may somebody be approached, given every place where they may be? Pure arithmetic on rows of law; no database.

A profile is a set of (zone, jurisdiction) candidates (``crm.services.normalization.places``). It is open only when all
of them are: when the national row, the row of the state and, where a place is vague, has no row or one that nobody has
verified in time, the strict profile too allow the moment on the wall clock there. What cannot be read is never open.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from calls.rules.law import CHANNELS, STRICT, HoursRow, Law, UnreadableHours
from calls.rules.windows import Stretch, stretches, window_text
from config.kernel.gate import HORIZON
from crm.services.normalization.places import SOMEWHERE_IN_THE_STATES, Candidate, candidates_of
from crm.services.normalization.zones import zone, zone_names

__all__ = ["CHANNELS", "HORIZON", "LONGEST_RING", "MARGIN", "STRICT", "HoursRow", "HoursTable", "UnreadableHours"]

Evidence = dict[str, str | int]

MARGIN: Final = timedelta(minutes=5)
LONGEST_RING: Final = timedelta(seconds=60)  # a call placed at the last moment must have stopped ringing by the end

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
_SPAN: Final = timedelta(days=32)  # of one remembered list of stretches, some 5 kB
_UNASKED: Final = (_FAR, _FAR, False)


class HoursTable:
    """All rows of law, and what follows from them. Immutable: whoever changes a row builds a new table.

    ``version`` names everything that an answer depends on besides the zone data; by default it is computed from it.
    Memory is bounded by what is remembered: 4,096 profiles and 1,024 lists of stretches, about 8 MB.

    :raises ValueError: ``margin`` is shorter than a telephone rings, or a day or longer.
    """

    def __init__(
        self,
        rows: Iterable[HoursRow],
        *,
        version: str = "",
        margin: timedelta = MARGIN,
        unknown_policy: Literal["strict", "never"] = "strict",
    ) -> None:
        if not LONGEST_RING <= margin < timedelta(days=1):
            raise ValueError(f"A call rings {LONGEST_RING}: the margin cannot be {margin}.")
        self.rows = tuple(sorted(rows, key=lambda row: (row.jurisdiction, row.rule_id, row.text)))
        self.margin = margin
        self.unknown_policy = unknown_policy
        self.version = version or _fingerprint(self.rows, margin, unknown_policy)
        self._candidates = lru_cache(maxsize=4096)(self._read)
        self._law = lru_cache(maxsize=1024)(lambda jurisdiction, channel: Law.of(self.rows, jurisdiction, channel))
        self._block = lru_cache(maxsize=1024)(self._compute_block)
        self._now: dict[tuple[Candidate, str], tuple[datetime, datetime, bool]] = {}

    def is_open(self, key: str, at: datetime, channel: str = "call") -> bool:
        """Say whether the profile ``key`` may be approached at ``at``.

        :raises ValueError: ``channel`` is none of ``CHANNELS``, or ``at`` has no time zone.
        """
        return bool(self.open_profiles([key], at, channel))

    def open_profiles(self, keys: Iterable[str], at: datetime, channel: str = "call") -> set[str]:
        """Return those of ``keys`` that are open at ``at``; a candidate is looked at once, however many share it."""
        at = _utc(at, channel)
        profiles = {key: self._candidates(key) for key in keys}
        wanted: set[Candidate] = set().union(*profiles.values())
        open_now = {candidate for candidate in wanted if self._is_open(candidate, at, channel)}
        return {key for key, candidates in profiles.items() if candidates and candidates <= open_now}

    def next_open(self, key: str, at: datetime, channel: str = "call") -> datetime | None:
        """Return the earliest moment from ``at`` on at which the profile is open, None when not within 60 days."""
        at = _utc(at, channel)
        return self._next(self._candidates(key), at, at + HORIZON, channel)

    def closes_at(self, key: str, at: datetime, channel: str = "call") -> datetime:
        """Return the earliest moment from ``at`` on at which the profile is not open: ``at`` itself when closed.

        The margin is off already, so a call may be placed, and a message be valid, until then. At most 60 days ahead.
        """
        at = _utc(at, channel)
        closes = [self._closes(candidate, at, at + HORIZON, channel) for candidate in self._candidates(key)]
        return min(closes, default=at)

    def why_closed(self, key: str, at: datetime, channel: str = "call") -> Evidence:
        """Return what stands against ``at``, {} when the profile is open. No personal data, less than 1 kB.

        Of several closed candidates the one that opens last speaks. ``reason`` is one of too_early, too_late,
        closed_day, holiday, no_common_window (each place opens, but never all at once within 60 days), unknown_place,
        unreadable_profile.
        """
        at = _utc(at, channel)
        candidates = self._candidates(key)
        if not candidates:
            return {"reason": "unreadable_profile" if key else "unknown_place", "profile": key[:200]}
        closed = [candidate for candidate in sorted(candidates) if not self._is_open(candidate, at, channel)]
        if not closed:
            return {}
        opens = {each: self._next(frozenset({each}), at, at + HORIZON, channel) or _FAR for each in closed}
        evidence = self._against(max(closed, key=opens.__getitem__), at, channel)
        if max(opens.values()) < _FAR and self._next(candidates, at, at + HORIZON, channel) is None:
            evidence["reason"] = "no_common_window"
        return evidence | {"closed": len(closed), "candidates": len(candidates)}

    def warnings(self, key: str, at: datetime, channel: str = "call") -> list[Evidence]:
        """Return what rows of severity "warn" have against ``at``. They close nothing; somebody should be told."""
        at = _utc(at, channel)
        return [
            _evidence(name, jurisdiction, local, row, reason)
            for name, jurisdiction in sorted(self._candidates(key))
            for local in [at.astimezone(zone(name))]
            for row in self._law(jurisdiction, channel).warnings_on(local.date())
            if (reason := row.against(local, self.margin))
        ]

    def unverified(self, on: date) -> list[HoursRow]:
        """Return the rows that nobody has verified in time, so that the strict profile stands in for them."""
        return [row for row in self.rows if row.expires_on <= on and row.jurisdiction != STRICT]

    def _read(self, key: str) -> frozenset[Candidate]:
        if not key:
            return SOMEWHERE_IN_THE_STATES if self.unknown_policy == "strict" else frozenset()
        candidates = candidates_of(key)
        known = all(zone_names().get(name.lower()) == name for name, _ in candidates)
        return candidates if known else frozenset()

    def _is_open(self, candidate: Candidate, at: datetime, channel: str) -> bool:
        """Look the moment up in the stretch that was asked for last: it is right until the next edge of a window."""
        since, until, is_open = self._now.get((candidate, channel), _UNASKED)
        if not since <= at < until:
            if len(self._now) >= 4096:
                self._now.clear()
            since, until, is_open = self._now[candidate, channel] = self._stretch(candidate, at, channel)
        return is_open

    def _stretch(self, candidate: Candidate, at: datetime, channel: str) -> tuple[datetime, datetime, bool]:
        """Return a stretch around ``at`` in which nothing changes, and whether it is open. It may end for no reason."""
        number = (at - _EPOCH) // _SPAN
        begin, end = _EPOCH + number * _SPAN, _EPOCH + (number + 1) * _SPAN
        starts, stops = self._block(candidate, channel, number)
        before = bisect_right(starts, at) - 1
        if before >= 0 and at < stops[before]:
            return starts[before], stops[before], True
        after = before + 1
        return stops[before] if before >= 0 else begin, starts[after] if after < len(starts) else end, False

    def _compute_block(self, candidate: Candidate, channel: str, number: int) -> tuple[list[datetime], list[datetime]]:
        name, jurisdiction = candidate
        begin = _EPOCH + number * _SPAN
        law = self._law(jurisdiction, channel)
        found: list[Stretch] = stretches(
            zone(name), law.window_on, since=begin, until=begin + _SPAN, margin=self.margin
        )
        return [start for start, _ in found], [stop for _, stop in found]

    def _next(self, candidates: frozenset[Candidate], at: datetime, limit: datetime, channel: str) -> datetime | None:
        """Jump from edge to edge until a moment has passed every candidate in a row."""
        passed, waiting = 0, sorted(candidates)
        while passed < len(waiting) and at <= limit:
            _, until, is_open = self._stretch(waiting[passed % len(waiting)], at, channel)
            if is_open:
                passed += 1
            else:
                at, passed = until, 0
        return at if waiting and at <= limit else None

    def _closes(self, candidate: Candidate, at: datetime, limit: datetime, channel: str) -> datetime:
        _, until, is_open = self._stretch(candidate, at, channel)
        while is_open and at < limit:
            at = until
            _, until, is_open = self._stretch(candidate, at, channel)
        return min(at, limit)

    def _against(self, candidate: Candidate, at: datetime, channel: str) -> Evidence:
        name, jurisdiction = candidate
        local = at.astimezone(zone(name))
        law = self._law(jurisdiction, channel)
        rows = law.rows_on(local.date())
        if not rows:
            return {"reason": "no_rule", "zone": name, "jurisdiction": jurisdiction, "local_time": _clock(local)}
        against = [(row, reason) for row in rows if (reason := row.against(local, self.margin))]
        row, reason = max(against, key=_weight) if against else (rows[0], "too_late")  # a midnight before a closed day
        evidence = _evidence(name, jurisdiction, local, row, reason)
        if reason == "too_late":
            evidence["margin_minutes"] = int(self.margin.total_seconds() // 60)
        return evidence | ({"strict_because": law.why_strict(local.date())} if row.jurisdiction == STRICT else {})


def _evidence(name: str, jurisdiction: str, local: datetime, row: HoursRow, reason: str) -> Evidence:
    return {
        "reason": reason,
        "zone": name,
        "jurisdiction": jurisdiction,
        "local_time": _clock(local),
        "window": window_text(row.window_on(local.date())) or "closed",
        "holiday": row.holiday_on(local.date()),
        "rule": row.rule_id,
        "source": row.source[:400],
    }


def _weight(found: tuple[HoursRow, str]) -> tuple[int, int]:
    """Order rows that are against the same moment by how much they close: the day, the evening, the morning."""
    row, reason = found
    opens, closes = max((window for window in row.days if window), default=(0, 0))
    return {"too_early": (0, opens), "too_late": (1, -closes)}.get(reason, (2, 0))


def _clock(local: datetime) -> str:
    return local.isoformat(timespec="minutes")


def _utc(at: datetime, channel: str) -> datetime:
    if channel not in CHANNELS:
        raise ValueError(f"No hours are kept for a channel {channel!r}; there are {', '.join(sorted(CHANNELS))}.")
    if at.tzinfo is None:
        raise ValueError("Hours need an aware moment.")
    return at.astimezone(UTC)


def _fingerprint(rows: tuple[HoursRow, ...], margin: timedelta, unknown_policy: str) -> str:
    text = "\n".join([str(margin), unknown_policy, *(row.text for row in rows)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
