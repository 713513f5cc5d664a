"""The reasons of campaigns against a message, and what they look at.

All but the stop of all sending speak about one message: whoever only asks whether somebody could be written to hears
nothing of them, and their set face excludes nobody. A reason in ``HOLDS`` is no answer: it passes without anybody
knowing when, so the message goes on waiting.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Exists, Q

from campaigns.choices import CHANNELS, RUNNING, CampaignStatus, ConsentRule, EnrollmentState
from campaigns.models import SendingStop
from campaigns.rules.news import concerns
from config.kernel.gate import Approach, Asked, Block, Facts, Level, Rule
from config.kernel.gate_facts import Question, Row, Source

_MESSAGING: Final = frozenset(CHANNELS)
NOBODY: Final = Q(pk__in=[])
WALK_PAUSED: Final = "walk_paused"
_STILL: Final = frozenset({EnrollmentState.PAUSED, EnrollmentState.PARKED})


class SendingStopped:
    """Somebody has pulled the brake."""

    code, level, channels, version = "sending_stopped", Level.WORLD, _MESSAGING, 1

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        stop = facts.get("sending.stop")
        return Block(self.code, self.level, {"stop": stop}) if stop else None

    def excludes(self, asked: Asked) -> Q:
        return Q(Exists(SendingStop.objects.standing().filter(channel__in=["", asked.channel])))


@dataclass(frozen=True)
class OfTheMessage(ABC):
    """A reason that only what would be sent can have."""

    code: str
    level: Level
    channels = _MESSAGING
    version = 1

    @abstractmethod
    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        """See ``config.kernel.gate.Rule``."""

    def excludes(self, asked: Asked) -> Q:
        return NOBODY


class CampaignPaused(OfTheMessage):
    """The campaign stands still, or has not let this walk go since it did."""

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        is_paused = facts.get("campaign.status") == CampaignStatus.PAUSED or facts.get("walk.behind")
        paused = facts.get("walk.state") and is_paused
        return Block(self.code, self.level, {}) if paused else None


class CampaignOver(OfTheMessage):
    """The campaign does not run: it was completed or archived, or never begun."""

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        status = facts.get("campaign.status")
        if not facts.get("walk.state") or status in {*RUNNING, CampaignStatus.PAUSED}:
            return None
        return Block(self.code, self.level, {"status": status})


class WalkPaused(OfTheMessage):
    """The walk stands still where it waits for this message: somebody has paused it, or has to look at it."""

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        paused = facts.get("walk.state") in _STILL and facts.get("walk.here")
        return Block(self.code, self.level, {}) if paused else None


class WalkElsewhere(OfTheMessage):
    """The walk has gone on or ended, and does not wait for this message any more."""

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        state = facts.get("walk.state")
        if not state or (state in {EnrollmentState.WAITING_SEND, *_STILL} and facts.get("walk.here")):
            return None
        return Block(self.code, self.level, {"state": state})


class NewsUnheard(OfTheMessage):
    """Something has happened to them that their walk has not heard yet: it may end it."""

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        news = facts.get("walk.state") and facts.get("news")
        return Block(self.code, self.level, {"news": news}) if news else None


class DuplicateAddress(OfTheMessage):
    """Somebody else on this line or in this mailbox got, or may have got, the same message of the same visit.

    Everybody counts their own rounds: others are of the same one who have been in the campaign together, and where
    nobody begins again all of them are.
    """

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        first = facts.get("walk.state") and facts.get("message.duplicate")
        return Block(self.code, self.level, {"message": first}) if first else None


class TwinUnderWay(OfTheMessage):
    """The same message is on its way to this line for somebody else: whether it gets there nobody knows yet."""

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        first = facts.get("walk.state") and facts.get("message.under_way")
        return Block(self.code, self.level, {"message": first}) if first else None


class NoConsent(OfTheMessage):
    """What is sent needs a consent that nobody has given, or that was taken back (47 U.S.C. 227; FCC 22-85).

    A written one is a consent whose evidence is kept, word for word.
    """

    def blocks(self, facts: Facts, at: datetime) -> Block | None:
        needed = facts.get("consent.needed")
        if not needed or facts.get("consent"):
            return None
        return Block(self.code, self.level, {"needed": needed})


RULES: Final[list[Rule]] = [
    SendingStopped(),
    CampaignPaused("campaign_paused", Level.CONTACT),
    CampaignOver("campaign_over", Level.CONTACT),
    WalkPaused(WALK_PAUSED, Level.CONTACT),
    WalkElsewhere("walk_elsewhere", Level.CONTACT),
    NewsUnheard("news_unheard", Level.CONTACT),
    DuplicateAddress("duplicate_address", Level.ENDPOINT),
    TwinUnderWay("twin_under_way", Level.ENDPOINT),
    NoConsent("no_consent", Level.ENDPOINT),
]
HOLDS: Final = frozenset({"sending_stopped", "campaign_paused", WALK_PAUSED, "news_unheard", "twin_under_way"})

# A consent about this channel and endpoint, or about all of them, that nobody has taken back since.
_CONSENT = f"""
    (SELECT given.id::text FROM crm_consent given
     WHERE given.contact_id = a.contact_id AND given.kind = 'given' AND given.at < %(up_to)s::timestamptz
       AND given.channel IN ('', %(channel)s) AND coalesce(given.endpoint_id, a.endpoint_id) = a.endpoint_id
       AND (out.consent <> '{ConsentRule.WRITTEN.value}' OR given.evidence <> '')
       AND NOT EXISTS (
           SELECT 1 FROM crm_consent back
           WHERE back.contact_id = a.contact_id AND back.kind = 'withdrawn' AND back.at < %(up_to)s::timestamptz
             AND back.channel IN ('', %(channel)s) AND coalesce(back.endpoint_id, a.endpoint_id) = a.endpoint_id
             AND (back.at, back.id) > (given.at, given.id))
     ORDER BY given.id LIMIT 1)"""  # noqa: S608 - our own words

# The same message to the same line, of this walk or of somebody who has been in the campaign together with them: one
# that got there, or may have, else one that a provider is given at this moment, or that is still to be tried. Of two
# that were both tried in vain the second waits for the first, and for one whose walk stands still nobody waits.
_TWIN = """
    SELECT twin.id::text AS id, possible.it AS got_there
    FROM campaigns_message twin JOIN campaigns_enrollment theirs ON theirs.id = twin.enrollment_id,
         LATERAL (SELECT twin.state IN ('accepted', 'delivered', 'undelivered')
                         OR twin.state NOT IN ('dispatching', 'rejected') AND EXISTS (
                            SELECT FROM campaigns_attempt t
                            WHERE t.message_id = twin.id AND t.outcome NOT IN ('not_sent', 'rejected')) AS it) possible
    WHERE twin.endpoint_id = a.endpoint_id AND twin.node_id = out.node_id AND twin.visit = out.visit
      AND twin.ever_dispatched AND twin.enrollment_id IS NOT NULL AND twin.id <> out.id
      AND (twin.enrollment_id = out.enrollment_id
           OR twin.contact_id <> out.contact_id AND (
              running.reentry = 'never' OR theirs.ended_at IS NULL OR theirs.ended_at > walk.enrolled_at))
      AND (possible.it OR twin.state = 'dispatching'
           OR twin.state IN ('pending', 'claimed') AND NOT twin.held AND (twin.id < out.id OR NOT out.ever_dispatched))
    ORDER BY possible.it DESC, twin.id LIMIT 1"""
_MESSAGES = Question(
    columns={
        "message": "out.id::text",
        "message.duplicate": "CASE WHEN twin.got_there THEN twin.id END",
        "message.under_way": "CASE WHEN NOT twin.got_there THEN twin.id END",
        "campaign.status": "running.status",
        "walk.state": "walk.state",
        "walk.behind": "walk.ended_at IS NULL AND walk.epoch < running.epoch",  # what has ended is not let go
        "walk.here": "walk.node_id = out.node_id AND walk.visit = out.visit AND walk.run_no = out.run_no",
        "news": f"""
            (SELECT news.id::text FROM campaigns_happening news
             WHERE news.contact_id = a.contact_id AND news.handled_at IS NULL AND {concerns("news", "walk")}
             ORDER BY news.number LIMIT 1)""",  # noqa: S608 - our own words
        "consent.needed": "out.consent",
        "consent": f"CASE WHEN out.consent <> '' THEN {_CONSENT} END",
        "sending.stop": """
            (SELECT stop.id::text FROM campaigns_sendingstop stop
             WHERE stop.lifted_at IS NULL AND stop.channel IN ('', %(channel)s) LIMIT 1)""",
    },
    tables=f"""
    LEFT JOIN campaigns_message out ON out.id = a.message_id
    LEFT JOIN campaigns_campaign running ON running.id = out.campaign_id
    LEFT JOIN campaigns_enrollment walk ON walk.id = out.enrollment_id
    LEFT JOIN LATERAL ({_TWIN}) twin ON true""",
)
_NOTHING = Question(columns={}, tables="")  # a call is no message: its question does not grow


def _made(approaches: Sequence[Approach], rows: Sequence[Row]) -> Sequence[Facts]:
    return rows


# What campaigns know about approaches. Of the past they know nothing: a message is decided about once, when it goes.
facts = Source(lambda asked: _MESSAGES if asked.channel in CHANNELS else _NOTHING, lambda asked: {}, _made)
