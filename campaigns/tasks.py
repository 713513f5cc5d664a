"""Doorbells of campaigns. No arguments; ringing twice or not at all does no harm."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import InterfaceError, OperationalError
from redis.exceptions import RedisError

from campaigns.services import counting, enrolling, executing, letting_go, places, setbacks, starting
from campaigns.services.dispatch import accounts, ledger_days, reconciling, running, sweeping
from campaigns.services.engine import running as engine
from config.kernel import clock
from config.kernel.apart import was_too_slow
from config.kernel.work import ring

logger = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds that a rung task works, then it rings itself


@shared_task(ignore_result=True, expires=10)
def move_people() -> None:
    """Move whoever is to be moved for twenty seconds, then ring for the rest."""
    _, there_is_more = engine.run(at=clock.now(), patience=PATIENCE)
    if there_is_more:
        ring(move_people)


@shared_task(ignore_result=True, expires=10)
def take_people_in() -> None:
    """Start what is to start by now, end what everybody has left, let people leave what is over, let backlogs go, give
    places that are free and enrol, chunk by chunk in turns, for twenty seconds. What fails stops nobody, and is tried
    again after a pause.
    """
    deadline, turns = clock.monotonic() + PATIENCE, setbacks.Turns(at=clock.now())
    starting.start_due(at=clock.now())
    starting.finish_drained(at=clock.now())
    while _everybody_has_a_turn(turns):
        ring(move_people)
        if clock.monotonic() > deadline:
            ring(take_people_in)
            return


@shared_task(ignore_result=True, expires=30)
def close_executions() -> None:
    """Tell whoever had a campaign carried out what came of it, once that is known."""
    what, turns = "Closing an execution", setbacks.Turns(at=clock.now())
    for execution in turns.of(what, executing.running()):
        with turns.turn(what, execution):
            executing.look(execution, at=clock.now())


@shared_task(ignore_result=True, expires=300)
def look_after_places() -> None:
    """Give the places of companies that were free when nobody could take them."""
    what, turns = "Giving places", setbacks.Turns(at=clock.now())
    for campaign in turns.of(what, places.waiting()):
        with turns.turn(what, campaign):
            places.give(campaign=campaign, at=clock.now())


def _everybody_has_a_turn(turns: setbacks.Turns) -> bool:
    """Do a chunk of everything that is to be done and has not failed; say whether there was anything."""
    work: list[tuple[str, Callable[[UUID], object], list[UUID]]] = [
        ("Leaving", lambda campaign: starting.let_leave(campaign=campaign, at=clock.now()), starting.to_be_left()),
        ("Letting go", lambda campaign: letting_go.let_go(campaign=campaign, at=clock.now()), letting_go.unfinished()),
        ("Giving places", lambda campaign: places.give(campaign=campaign, at=clock.now()), places.unfinished()),
        ("Enrolling", _enrol, enrolling.running()),
    ]
    todo = [(what, do, key) for what, do, keys in work for key in turns.of(what, keys)]
    for what, do, key in todo:
        with turns.turn(what, key):
            do(key)
    return bool(todo)


def _enrol(run: UUID) -> None:
    """Enrol a chunk; a run that cannot go on stops, and says so. One whose question is too slow has three tries."""
    try:
        enrolling.take(run, at=clock.now())
    except Exception as error:
        if was_too_slow(error):
            enrolling.was_too_slow(run, at=clock.now())
        elif not isinstance(error, OperationalError | InterfaceError):
            enrolling.give_up(run, error=f"It stopped by an error ({type(error).__name__}).", at=clock.now())
        raise


@shared_task(ignore_result=True, expires=10)
def dispatch_messages() -> None:
    """Send what is due for twenty seconds, then ring for the rest; where enough others do that already, leave it."""
    with _place() as place:
        if not place:
            return
        running.dispatch(seconds=PATIENCE)
    if accounts.ready(at=clock.now()):
        ring(dispatch_messages)


@contextmanager
def _place() -> Iterator[bool]:
    """Give one of the places for dispatchers: a worker does not send on all its hands. It protects nothing."""
    names = [f"dispatcher:{number}" for number in range(settings.DISPATCHERS)]
    try:
        mine = next((name for name in names if cache.add(name, 1, timeout=int(PATIENCE) + 10)), None)
    except (OSError, RedisError):
        logger.warning("Dispatching without the cache")
        yield True
        return
    try:
        yield mine is not None
    finally:
        if mine:
            _leave(mine)


def _leave(place: str) -> None:
    try:
        cache.delete(place)
    except (OSError, RedisError):
        logger.warning("A dispatcher's place becomes free by itself: going on without the cache")


@shared_task(ignore_result=True, expires=30)
def sweep_messages() -> None:
    """Look after what dead workers left, and what is too late; what was put back goes out again."""
    deadline = clock.monotonic() + PATIENCE
    while (swept := sweeping.sweep(at=clock.now())).all and clock.monotonic() < deadline:
        if swept.uncertain:
            logger.warning("%d messages may or may not have been sent: their providers are asked", swept.uncertain)
        ring(dispatch_messages)


@shared_task(ignore_result=True, expires=60)
def reconcile_messages() -> None:
    """Ask providers about messages of which nobody knows whether they were sent."""
    done = reconciling.reconcile(at=clock.now())
    if done.absent:
        logger.warning("%d messages were presumably not sent: somebody has to decide about them", done.absent)


@shared_task(ignore_result=True, expires=3600)
def compare_ledgers() -> None:
    """Compare the days that could not be compared yet with what providers say was sent; from 08:00 UTC on yesterday."""
    ledger_days.compare_due(at=clock.now())


@shared_task(ignore_result=True, expires=60)
def fold_numbers() -> None:
    """Add up what single transactions have counted, for twenty seconds."""
    deadline = clock.monotonic() + PATIENCE
    while counting.fold() and clock.monotonic() < deadline:
        pass
