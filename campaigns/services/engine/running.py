"""The engine: as long as something is due, batch after batch, in turns among the campaigns."""

import random
from datetime import datetime
from typing import Final
from uuid import UUID

from campaigns.services.engine import batches, news
from campaigns.services.setbacks import Turns
from config.kernel import clock, prepared

PATIENCE: Final = 20.0  # seconds that one call works at most (DESIGN 2)
_MOVING: Final = "Moving people"
_HEARING: Final = "Following news"

_BUSY = """
    SELECT c.id FROM campaigns_campaign c
    WHERE c.status IN ('active', 'draining')
      AND (EXISTS (SELECT FROM campaigns_enrollment e
                   WHERE e.campaign_id = c.id AND e.wake_at <= %(at)s::timestamptz AND e.epoch = c.epoch
                     AND e.state IN ('active', 'waiting'))
           OR EXISTS (SELECT FROM campaigns_enrollment e
                      WHERE e.campaign_id = c.id AND e.wake_at <= %(at)s::timestamptz AND e.epoch = c.epoch
                        AND e.state = 'pending')
           OR EXISTS (SELECT FROM campaigns_settlement s WHERE s.campaign_id = c.id))
    ORDER BY c.id"""


def run(*, at: datetime, patience: float = PATIENCE, size: int = batches.SIZE) -> tuple[int, bool]:
    """Do what is due at ``at``: what has happened, what became of messages, whose time has come.

    Return how many were looked at, and whether there is more. A campaign gets one batch in its turn, so that a large
    one does not keep a small one waiting; where that fails, the others have theirs all the same, and it has a pause.
    """
    deadline, done, turns = clock.monotonic() + patience, 0, Turns(at=at)
    while True:
        round_ = _heard(turns, at)
        for campaign in turns.of(_MOVING, busy(at)):
            with turns.turn(_MOVING, campaign):
                round_ += _turn(campaign, at, size)
            if clock.monotonic() > deadline:
                return done + round_, True
        done += round_
        if not round_:
            return done, False


def _heard(turns: Turns, at: datetime) -> int:
    """Follow what has happened; where the news of one campaign cannot be followed those of the others are.

    Its setback is over once nobody in it has news: what has been followed of somebody else's, or of some of them, says
    nothing about the others.
    """
    wanted = news.waiting_in(turns.troubled(_HEARING))
    tried = turns.of(_HEARING, wanted)
    try:
        return batches.heard(at=at, without=[key for key in wanted if key not in tried])
    except batches.NotFollowed as failure:
        _put_off(turns, failure)
        return _heard(turns, at)


def _put_off(turns: Turns, failure: batches.NotFollowed) -> None:
    with turns.turn(_HEARING, failure.campaign):
        raise failure.why


def _turn(campaign: UUID, at: datetime, size: int) -> int:
    return sum(do(campaign, at=at, size=size) for do in (batches.settled, batches.due, batches.beginning))


def busy(at: datetime) -> list[UUID]:
    """Return the running campaigns in which somebody is to be moved, in any order: none is always the first."""
    campaigns = [key for (key,) in prepared.rows(_BUSY, {"at": at})]
    random.shuffle(campaigns)
    return campaigns
