"""What has happened to people and nobody has followed yet: whose it is, and which of it can be followed now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from campaigns.choices import HappeningKind
from campaigns.rules.moves import Happened
from campaigns.rules.news import concerns
from config.kernel import prepared

# Whoever has news that nobody has followed yet moves with that, however many wait to be heard and whoever hears them
# just now: what came in time would be too late behind the time-out. OFFSET, because the plan is kept: as a join, made
# while nothing is new, it would compare everybody with everything once there is a lot.
HAS_NEWS: Final = f"""
    EXISTS (SELECT FROM campaigns_happening h
            WHERE h.contact_id = e.contact_id AND h.handled_at IS NULL AND {concerns("h", "e")}
            OFFSET 0)"""
# An answer that is faster than our own note of what was sent is followed as soon as that is written (T4): whoever waits
# for it comes to that wait only then. Meanwhile the gate holds back everything else. Nor is it followed by anybody as
# long as one of the campaigns that it is for has to be left out: all of them follow it at once.
_WAITS = f"""
    (p.kind = 'reply' AND EXISTS (
        SELECT FROM campaigns_message m WHERE m.contact_id = p.contact_id AND m.state = 'dispatching')
     OR EXISTS (
        SELECT FROM campaigns_enrollment e
        WHERE e.campaign_id = ANY(%(without)s::uuid[]) AND e.contact_id = p.contact_id AND e.ended_at IS NULL
          AND {concerns("p", "e")}))"""  # noqa: S608 - our own words
# No walk follows anything before what was kept for it earlier.
_IS_READY = f"""
    NOT EXISTS (SELECT FROM campaigns_happening p
                WHERE p.contact_id = h.contact_id AND p.handled_at IS NULL AND p.number <= h.number
                  AND coalesce(p.enrollment_id = h.enrollment_id, true) AND {_WAITS}
                OFFSET 0)"""
# Whoever holds the first of somebody's news holds all of it: of two engines one hears it, in its order. What several of
# their walks hear again has one number, and one of it is the first.
_NEWS = f"""
    SELECT news.* FROM (
        SELECT one.contact_id FROM campaigns_happening one
        WHERE one.handled_at IS NULL
          AND NOT EXISTS (SELECT FROM campaigns_happening p
                          WHERE p.contact_id = one.contact_id AND p.handled_at IS NULL
                            AND (p.number, p.id) < (one.number, one.id)
                          OFFSET 0)
          AND EXISTS (SELECT FROM campaigns_happening h
                      WHERE h.contact_id = one.contact_id AND h.handled_at IS NULL AND {_IS_READY} OFFSET 0)
        ORDER BY one.contact_id LIMIT %(size)s::int
        FOR UPDATE SKIP LOCKED) person,
    LATERAL (
        SELECT h.id, h.contact_id, h.number, h.enrollment_id, h.kind, h.at, h.data FROM campaigns_happening h
        WHERE h.contact_id = person.contact_id AND h.handled_at IS NULL AND {_IS_READY}
        ORDER BY h.number
        FOR UPDATE) news
    ORDER BY news.contact_id, news.number"""  # noqa: S608 - our own words
_WITH_NEWS = f"""
    SELECT c.id FROM unnest(%(campaigns)s::uuid[]) AS c (id)
    WHERE EXISTS (SELECT FROM campaigns_happening h JOIN campaigns_enrollment e ON e.contact_id = h.contact_id
                  WHERE h.handled_at IS NULL AND e.campaign_id = c.id AND e.ended_at IS NULL
                    AND {concerns("h", "e")})"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class News:
    """Happenings that are locked now, by contact in their order, each with its number and the one walk that it is for,
    if it is."""

    ids: list[UUID]
    by_contact: Mapping[UUID, tuple[tuple[int, UUID | None, Happened], ...]]

    def of(self, contact: UUID, enrollment: UUID, number: int) -> tuple[Happened, ...]:
        """Return what of it is news for this walk, which has that number, as ``concerns`` says it."""
        return tuple(
            news
            for its_number, walk, news in self.by_contact[contact]
            if walk == enrollment or (walk is None and (its_number > number or news.kind == HappeningKind.OPT_OUT))
        )


def claim(*, size: int, without: Sequence[UUID] = ()) -> News:
    """Claim what so many people have news of that can be followed now, everybody's in its order: whatever is claimed,
    nothing that was kept earlier for the same walk is left behind. Nothing is claimed that is for somebody in the
    campaigns ``without``."""
    rows = prepared.rows(_NEWS, {"size": size, "without": list(without)})
    by_contact: dict[UUID, tuple[tuple[int, UUID | None, Happened], ...]] = {}
    for key, contact, number, walk, kind, at, data in rows:
        happened = Happened(kind, at, orjson.loads(data), key)
        by_contact[contact] = (*by_contact.get(contact, ()), (number, walk, happened))
    return News([row[0] for row in rows], by_contact)


def waiting_in(campaigns: Sequence[UUID]) -> list[UUID]:
    """Return those of these campaigns in which something is news that nobody has followed yet."""
    return [key for (key,) in prepared.rows(_WITH_NEWS, {"campaigns": list(campaigns)})] if campaigns else []
