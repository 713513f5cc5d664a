"""Who walks: what conditions ask and merge tags stand for, of many people in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from calls.choices import TerminalKind
from campaigns.models import Campaign
from campaigns.rules import conditions, rendering, splits
from campaigns.rules.composing import Composed, Content, Unsendable, compose
from campaigns.rules.drawings import Config, DrawnEdge
from campaigns.services import values
from config.kernel import prepared
from crm.choices import Channel, Priority

WISHES = "c.deleted_at IS NOT NULL, c.do_not_call, c.do_not_email, c.do_not_text"
HOME = ZoneInfo("America/New_York")  # whose zone nobody knows: the earliest of the contiguous states

_THEM = """
    FROM unnest(%(contacts)s::uuid[], %(pairs)s::uuid[]) WITH ORDINALITY AS a (contact_id, pair_id, place)
    JOIN crm_contact c ON c.id = a.contact_id"""
_ZONES = f"""
    SELECT c.time_zone, hp.key {_THEM}
    LEFT JOIN crm_contactpoint pt ON pt.contact_id = c.id AND pt.kind = 'phone' AND pt.is_primary
    LEFT JOIN crm_endpoint line ON line.id = pt.endpoint_id
    LEFT JOIN crm_hoursprofile hp ON hp.id = line.hours_profile_id
    ORDER BY a.place"""
_ABOUT = f"""
    SELECT c.first_name, c.last_name, c.name, c.title, c.seniority, c.department, c.region, c.country, c.lifecycle,
           c.priority, c.lead_score, c.consent_given, c.primary_phone AS phone, c.primary_email AS email, c.attributes,
           co.name AS company, o.name AS owner, o.email AS owner_email, p.name AS project, p.city, p.kind, p.status,
           p.value {_THEM}
    LEFT JOIN crm_company co ON co.id = c.company_id
    LEFT JOIN crm_user o ON o.id = c.owner_id
    LEFT JOIN crm_projectcontact pc ON pc.id = a.pair_id
    LEFT JOIN crm_project p ON p.id = pc.project_id
    ORDER BY a.place"""

# What only says when to call again (busy, a voicemail, a callback, "later") forbids nothing.
_CLOSED = f"""EXISTS (SELECT FROM calls_terminalsession t
                   WHERE t.lifted_at IS NULL AND t.at >= a.since AND (t.until IS NULL OR t.until > %(at)s::timestamptz)
                     AND t.kind NOT IN ('{TerminalKind.RETRY.value}', '{TerminalKind.CALLBACK.value}')
                     AND"""
# Since they were enrolled somebody has asked that they, their line or their project be left alone. Whoever walks for no
# project has no other pair to go on for: a meeting in any of theirs is enough.
_STOPPED = """
    SELECT a.place,
           EXISTS (SELECT FROM crm_contactpoint pt JOIN crm_suppression s ON s.endpoint_id = pt.endpoint_id
                   WHERE pt.contact_id = a.contact_id AND pt.state = 'good' AND s.lifted_at IS NULL
                     AND s.at >= a.since AND (s.channel = '' OR s.channel = ANY(%(channels)s::text[]))),
           {closed} t.contact_id = a.contact_id)
           OR {closed} t.pair_id = a.pair_id)
           OR {closed} a.pair_id IS NULL AND t.pair_id IN (SELECT id FROM crm_projectcontact own
                                                           WHERE own.contact_id = a.contact_id))
           OR {closed} t.project_id = pc.project_id)
           OR {closed} t.endpoint_id IN (SELECT pt.endpoint_id FROM crm_contactpoint pt
                                         WHERE pt.contact_id = a.contact_id AND pt.endpoint_id IS NOT NULL))
    FROM unnest(%(contacts)s::uuid[], %(pairs)s::uuid[], %(since)s::timestamptz[]) WITH ORDINALITY
         AS a (contact_id, pair_id, since, place)
    LEFT JOIN crm_projectcontact pc ON pc.id = a.pair_id""".replace("{closed}", _CLOSED)

_WISH_OF: Mapping[str, str] = {
    Channel.CALL: "do_not_call",
    Channel.VOICEMAIL: "do_not_call",
    Channel.SMS: "do_not_text",
    Channel.EMAIL: "do_not_email",
}


# By which column of ``_ABOUT`` a tag is spelled; an owner's are a pair.
_TAGS: Mapping[str, str] = {
    **{f"contact.{name}": name for name in ("first_name", "last_name", "name", "title", "email", "phone")},
    "company.name": "company",
    "project.name": "project",
    "project.city": "city",
}


class Wishes(NamedTuple):
    """``WISHES`` of somebody."""

    is_deleted: bool
    do_not_call: bool
    do_not_email: bool
    do_not_text: bool


class Walker:
    """One person in one campaign, as ``rules.moves.Person`` wants them; ``asked`` is of ``asked_since``."""

    __slots__ = ("_crowd", "_place", "asked", "enrollment", "wishes")

    def __init__(self, crowd: "Crowd", place: int, enrollment: UUID, wishes: Wishes) -> None:
        self._crowd, self._place, self.enrollment, self.wishes, self.asked = crowd, place, enrollment, wishes, ""

    def meets(self, condition: Config, known: Mapping[str, Any]) -> bool:
        return conditions.holds(condition, {**self._crowd.facts_of(self._place), **known})

    def unsendable(self, channel: str, key: str) -> str:
        try:
            self._crowd.composed[self._place, key] = compose(channel, key, self._crowd.contents, self._values())
        except Unsendable as error:
            return str(error)
        return ""

    def way_of(self, edges: Sequence[DrawnEdge], node: str) -> str:
        return splits.way_of(edges, enrollment=self.enrollment, node=node).label

    @property
    def zone(self) -> ZoneInfo:
        return self._crowd.zones[self._place]

    @property
    def stop(self) -> str:
        return _stop(self._crowd.channels, self.wishes) or self.asked

    @property
    def is_called(self) -> bool:
        return not self.wishes.do_not_call

    def composed(self, key: str) -> Composed:
        """What they get of a content that they have been found to be able to get."""
        return self._crowd.composed[self._place, key]

    def _values(self) -> Mapping[str, str]:
        crowd, row = self._crowd, self._crowd.about[self._place]
        told = {tag: row[column] or "" for tag, column in crowd.tags.items()}
        owner = {"owner.name": row["owner"], "owner.email": row["owner_email"]} if row["owner"] else {}
        attributes = values.of_attributes(orjson.loads(row["attributes"])) if crowd.attributes else {}
        return {**crowd.shared, **told, **owner, **attributes}


class Crowd:
    """People of a campaign who are looked at together: what one of them is asked is read of all, in one statement."""

    def __init__(
        self,
        campaign: Campaign,
        who: Iterable[tuple[UUID, UUID | None]],
        *,
        channels: frozenset[str],
        contents: Mapping[str, Content],
    ) -> None:
        contacts, pairs = _columns(who)
        self._who, self._campaign = {"contacts": contacts, "pairs": pairs}, campaign
        self.channels, self.contents = channels, contents
        self.composed: dict[tuple[int, str], Composed] = {}
        self._facts: dict[int, Mapping[str, Any]] = {}

    def walker(self, place: int, enrollment: UUID, wishes: Wishes) -> Walker:
        return Walker(self, place, enrollment, wishes)

    @cached_property
    def _asked(self) -> frozenset[str]:
        """The tags of all that may be sent to them: nothing else is spelled for each of them."""
        texts = [text for content in self.contents.values() for text in (content.subject, content.body)]
        return frozenset(tag.name for text in texts for tag in rendering.tags_of(text))

    @cached_property
    def tags(self) -> Mapping[str, str]:
        return {tag: column for tag, column in _TAGS.items() if tag in self._asked}

    @cached_property
    def attributes(self) -> bool:
        return any(tag.startswith(rendering.ATTRIBUTE) for tag in self._asked)

    @cached_property
    def shared(self) -> Mapping[str, str]:
        return {tag: told for tag, told in values.of_campaign(self._campaign).items() if tag in self._asked}

    @cached_property
    def zones(self) -> list[ZoneInfo]:
        told = prepared.rows(_ZONES, self._who)
        return [zone_of(time_zone or (places or "").partition(" ")[0]) for time_zone, places in told]

    @cached_property
    def about(self) -> list[dict[str, Any]]:
        return prepared.named(_ABOUT, self._who)

    def facts_of(self, place: int) -> Mapping[str, Any]:
        """What conditions may ask of one of them: put together once, however many they are asked."""
        if (known := self._facts.get(place)) is None:
            known = self._facts[place] = _facts(self.about[place])
        return known


@lru_cache(maxsize=1024)
def _stop(channels: frozenset[str], wishes: Wishes) -> str:
    """Say what of somebody's own stops their walk: wishes do where they leave no channel that it could send on; one
    that forbids some of its sends is the gate's business, and the node's."""
    if wishes.is_deleted:
        return "deleted"
    sends = sorted(channels - {Channel.CALL}) or sorted(channels)
    unwished = [_WISH_OF[channel] for channel in sends if getattr(wishes, _WISH_OF[channel])]
    return unwished[0] if unwished and len(unwished) == len(sends) else ""


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    attributes = orjson.loads(row["attributes"])
    return {
        **{f"contact.{name}": row[name] for name in ("title", "seniority", "department", "region", "country")},
        "contact.lifecycle": row["lifecycle"],
        "contact.priority": Priority(row["priority"]).name.lower(),
        "contact.lead_score": row["lead_score"],
        "contact.consent_given": row["consent_given"],
        "contact.has_phone": bool(row["phone"]),
        "contact.has_email": bool(row["email"]),
        "project.kind": row["kind"],
        "project.status": row["status"],
        "project.value": None if row["value"] is None else float(row["value"]),
        **{f"contact.attributes.{name}": value for name, value in attributes.items()},
    }


def zone_here(campaign: Campaign, contact: UUID, pair: UUID | None) -> ZoneInfo:
    """Return the zone of one of them."""
    return Crowd(campaign, [(contact, pair)], channels=frozenset(), contents={}).zones[0]


def asked_since(
    who: Iterable[tuple[UUID, UUID | None]], *, since: list[datetime], channels: frozenset[str], at: datetime
) -> list[str]:
    """Say of each (contact, pair), in their order, what has been asked for since then: "suppressed",
    "terminal_session" or "", in one statement."""
    contacts, pairs = _columns(who)
    params = {"contacts": contacts, "pairs": pairs, "since": since, "channels": sorted(channels), "at": at}
    found = [""] * len(contacts)
    for place, suppressed, closed in prepared.rows(_STOPPED, params):
        found[place - 1] = "suppressed" if suppressed else "terminal_session" if closed else ""
    return found


def _columns(who: Iterable[tuple[UUID, UUID | None]]) -> tuple[list[UUID], list[UUID | None]]:
    asked = list(who)
    return [contact for contact, _ in asked], [pair for _, pair in asked]


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name) if name else HOME
    except (ZoneInfoNotFoundError, ValueError):
        return HOME


class _Nobody:
    """Whom nothing is asked of: a hand moves them."""

    zone = HOME
    stop = ""
    is_called = True

    def meets(self, condition: Config, known: Mapping[str, Any]) -> bool:
        return False

    def unsendable(self, channel: str, key: str) -> str:
        return "Nobody is sent anything by hand here."

    def way_of(self, edges: Sequence[DrawnEdge], node: str) -> str:
        return edges[0].label


NOBODY = _Nobody()
