"""One batch of the engine: claim, decide, write, in one transaction that touches no person and no line."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from campaigns.choices import RUNNING
from campaigns.models import Campaign, Happening
from campaigns.rules import pace
from campaigns.rules.alike import Ways
from campaigns.rules.moves import Move, Person, Route, Standing
from campaigns.rules.steps import Steps
from campaigns.rules.walking import walk
from campaigns.services import people, routes
from campaigns.services.engine import claiming, news
from campaigns.services.engine.claiming import Claimed, Stand
from campaigns.services.engine.news import News
from campaigns.services.engine.writing import Batch, Decided
from campaigns.services.people import NOBODY, Crowd, Walker
from campaigns.services.routes import Words
from config.kernel import faults, kept, prepared
from config.kernel.apart import was_too_slow
from config.kernel.transactions import atomic_with_retries

logger = logging.getLogger(__name__)
SIZE: Final = 500
FEW: Final = 200  # people with news at once

# Shared with all who move people of this campaign, and against whoever pauses it: then there is nothing to do.
_HOLD = "SELECT id FROM campaigns_campaign WHERE id = %(id)s::uuid FOR SHARE SKIP LOCKED"
_HOLD_WAITING = "SELECT id FROM campaigns_campaign WHERE id = %(id)s::uuid FOR SHARE"
_HOLD_OF = """
    SELECT id FROM campaigns_campaign
    WHERE id IN (SELECT campaign_id FROM campaigns_enrollment
                 WHERE contact_id = ANY(%(contacts)s::uuid[]) AND ended_at IS NULL)
    ORDER BY id FOR SHARE"""

faults.register("engine.after_claim", "engine.before_commit")


@atomic_with_retries
def due(campaign: UUID, *, at: datetime, size: int = SIZE) -> int:
    """Move those of a running campaign whose time has come; return how many were looked at.

    Whoever is to begin where not all may begin at once is left to ``beginning``.
    """
    held = _hold(campaign)
    return _move(held, claiming.due(held, at=at, size=size), at) if held else 0


@atomic_with_retries
def beginning(campaign: UUID, *, at: datetime, size: int = SIZE) -> int:
    """Let as many begin as the pace of a running campaign allows by now; return how many were looked at.

    Whoever is to begin does so here, whatever gave them their time: enrolment, a place of their company that became
    free, the end of a pause. One batch at a time: it takes the campaign for itself. Without a pace nobody waits here.
    """
    free = Campaign.objects.filter(pk=campaign, status__in=RUNNING, starts_per_day__isnull=False)
    held = free.select_for_update(of=("self",), no_key=True).select_related("owner", "sender").first()
    if held is None:
        return 0
    per_day, last = held.starts_per_day or 1, held.last_start_at
    claimed = claiming.beginning(held, at=at, size=min(size, pace.room(per_day, last=last, at=at)))
    begun = _move(held, claimed, at)
    if begun:
        Campaign.objects.filter(pk=campaign).update(last_start_at=pace.taken(per_day, begun, last=last, at=at))
    return begun


@atomic_with_retries
def settled(campaign: UUID, *, at: datetime, size: int = SIZE) -> int:
    """Tell those of a running campaign what became of their messages; return how many were told."""
    held = _hold(campaign)
    return _move(held, claiming.settled(held, size=size), at) if held else 0


class NotFollowed(Exception):
    """The news of people in one campaign could not be followed; nobody has followed what was to be heard with it."""

    def __init__(self, campaign: UUID, why: Exception) -> None:
        super().__init__(campaign)
        self.campaign, self.why = campaign, why


@atomic_with_retries
def heard(*, at: datetime, size: int = FEW, without: Sequence[UUID] = ()) -> int:
    """Follow what has happened to ``size`` people, whatever campaign they are in; return how many happenings that were.

    Also where it is paused: nobody goes on there, but whoever answered has answered. Of people in the campaigns
    ``without`` nothing is followed.

    :raises NotFollowed: it failed for one of the campaigns.
    """
    told = news.claim(size=size, without=without)
    held = [key for (key,) in prepared.rows(_HOLD_OF, {"contacts": sorted(told.by_contact)})] if told.ids else []
    for campaign in Campaign.objects.filter(pk__in=held).select_related("owner", "sender").order_by("pk"):
        _follow(campaign, told, at)
    Happening.objects.filter(pk__in=told.ids).update(handled_at=at)
    return len(told.ids)


def _follow(campaign: Campaign, told: News, at: datetime) -> None:
    try:
        _move(campaign, claiming.hearing(campaign, told), at)
    except Exception as error:
        if isinstance(error, OperationalError | InterfaceError) and not was_too_slow(error):
            raise  # it was away, or gave it up for somebody else's sake
        raise NotFollowed(campaign.pk, error) from error


def by_hand(
    campaign: UUID, enrollments: Sequence[UUID], act: Callable[[Steps], None], *, by: UUID | None, at: datetime,
    only: frozenset[str],
) -> int:  # fmt: skip
    """Do ``act`` to those of these who are in one of the states ``only``; return with how many it did anything.

    The caller is in a transaction. Whoever pauses the campaign is waited for.
    """
    prepared.rows(_HOLD_WAITING, {"id": campaign})
    held = Campaign.objects.select_related("owner", "sender").get(pk=campaign)
    words = routes.words_of(())
    moves: dict[Stand, Move | None] = {}
    decided = []
    for claimed in claiming.by_hand(held, enrollments):
        stand = claimed.stand
        if stand.spot.state in only:
            if stand not in moves:
                route = routes.route_of(held, stand.spot.graph, words)
                steps = Steps(route, _standing(held, stand, words), NOBODY, at)
                act(steps)
                moves[stand] = steps.move if steps.has_moved else None
            if move := moves[stand]:
                decided.append(Decided(claimed, move))
    _batch(held, decided, words, at, by=by).write()
    return len(decided)


def _hold(campaign: UUID) -> Campaign | None:
    """Return the campaign, held for the batch, if it runs and nobody is about to change that."""
    if not prepared.rows(_HOLD, {"id": campaign}):
        return None
    return next(iter(_with_people(campaign=campaign, statuses=tuple(RUNNING))), None)


@kept.question
def _with_people(campaign: UUID, statuses: tuple[str, ...]) -> "QuerySet[Campaign, Campaign]":
    return Campaign.objects.filter(pk=campaign, status__in=statuses).select_related("owner", "sender").order_by()


def _move(campaign: Campaign, claimed: Sequence[Claimed], at: datetime) -> int:
    faults.point("engine.after_claim")
    by_graph = defaultdict(list)
    for each in claimed:
        by_graph[each.stand.spot.graph].append(each)
    keys = {key for graph in by_graph for key in routes.map_of(graph).contents}
    words = routes.words_of(tuple(sorted(keys))) if claimed else None
    decided = [one for graph, some in by_graph.items() if words for one in _decided(campaign, graph, some, words, at)]
    if words:
        _write(campaign, decided, words, at)
    faults.point("engine.before_commit")
    return len(claimed)


def _decided(
    campaign: Campaign, graph: UUID, claimed: Sequence[Claimed], words: Words, at: datetime
) -> Iterable[Decided]:
    """Decide about each of them; the walk of those who stand alike and answer alike is walked once."""
    route, ways = routes.route_of(campaign, graph, words), dict[Stand, Ways]()
    for each, walker in zip(claimed, _walkers(campaign, graph, claimed, words, at), strict=True):
        stand = each.stand
        if stand not in ways:
            standing = _standing(campaign, stand, words)
            ways[stand] = Ways(partial(_walk, route, standing, stand, at))
        yield _decide(campaign, route, each, walker, ways[stand], words, at)


def _walkers(campaign: Campaign, graph: UUID, claimed: Sequence[Claimed], words: Words, at: datetime) -> list[Walker]:
    channels = routes.map_of(graph).channels
    who = [(each.contact, each.pair) for each in claimed]
    crowd = Crowd(campaign, who, channels=channels, contents=words.contents)
    walkers = [crowd.walker(place, each.id, each.stand.wishes) for place, each in enumerate(claimed)]
    if since := [each.enrolled_at for each in claimed if each.enrolled_at]:  # something has happened to all of them
        for walker, asked in zip(walkers, people.asked_since(who, since=since, channels=channels, at=at), strict=True):
            walker.asked = asked
    return walkers


def _standing(campaign: Campaign, stand: Stand, words: Words) -> Standing:
    only = routes.channel_of(stand.execution_in(campaign))
    return stand.standing(routes.map_of(stand.spot.graph).keys, words.status_names, only)


def _walk(route: Route, standing: Standing, stand: Stand, at: datetime, person: Person) -> Move | None:
    return walk(route, standing, person, at, settled=stand.settled, happened=stand.happened)


def _decide(
    campaign: Campaign, route: Route, claimed: Claimed, walker: Walker, ways: Ways, words: Words, at: datetime
) -> Decided:
    """Whatever goes wrong with one of them stops one of them: they are parked, and somebody is told why. What the
    database has not answered was asked for all of them, and is nobody's own."""
    if claimed.message and claimed.stand.settled is None:
        return Decided(claimed, None)
    try:
        return Decided(claimed, ways.of(walker), walker)
    except Error:
        raise
    except Exception as error:
        logger.exception("The walk of enrollment %s failed", claimed.id)
        return Decided(claimed, _parked(campaign, route, claimed.stand, words, at, error))


def _parked(campaign: Campaign, route: Route, stand: Stand, words: Words, at: datetime, error: Exception) -> Move:
    """Park somebody with what they were to be told, and say what has happened that they have not followed."""
    steps = Steps(route, _standing(campaign, stand, words), NOBODY, at)
    why = f"It could not be moved on: {type(error).__name__}. An operator finds the details in the log."
    steps.park(why, unsettled=stand.settled, unheard=stand.happened)
    return steps.move


def _write(campaign: Campaign, decided: Sequence[Decided], words: Words, at: datetime) -> None:
    """Write all at once; where the database refuses that, one by one, and park whom it refuses."""
    try:
        with transaction.atomic():
            _batch(campaign, decided, words, at).write()
    except (IntegrityError, DataError):
        logger.exception("A batch of campaign %s was refused: one by one now", campaign.pk)
        for one in decided:
            _write_alone(campaign, one, words, at)


def _write_alone(campaign: Campaign, one: Decided, words: Words, at: datetime) -> None:
    try:
        with transaction.atomic():
            _batch(campaign, [one], words, at).write()
    except (IntegrityError, DataError) as error:
        logger.exception("Enrollment %s cannot be moved on", one.claimed.id)
        stand = one.claimed.stand
        route = routes.route_of(campaign, stand.spot.graph, words)
        parked = _parked(campaign, route, stand, words, at, error)
        _batch(campaign, [Decided(one.claimed, parked)], words, at).write()


def _batch(
    campaign: Campaign, decided: Iterable[Decided], words: Words, at: datetime, *, by: UUID | None = None
) -> Batch:
    return Batch(campaign, decided, statuses=words.status_ids, at=at, by=by)
