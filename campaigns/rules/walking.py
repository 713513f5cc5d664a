"""One wake of one enrollment: where somebody stands, what has become known, and where that takes them.

Pure: no query and no clock. The engine writes what comes out of it in one transaction, a simulation throws it away.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from campaigns.choices import (
    ENDED,
    EnrollmentState,
    Exit,
    HappeningKind,
    MessageState,
    NodeType,
    WhenBlocked,
)
from campaigns.rules import doing, waits
from campaigns.rules.drawings import DrawnNode
from campaigns.rules.moves import Happened, Move, Person, Route, Settled, Standing
from campaigns.rules.steps import Steps

MOST: Final = 100  # nodes in one wake; the rest of the way is the next wake's
_S = EnrollmentState
_STILL: Final = frozenset({_S.PAUSED, _S.PARKED, _S.EXITED, _S.COMPLETED})
# What ends a walk whatever its graph says, and as what.
_ENDS: Final[Mapping[str, str]] = {HappeningKind.OPT_OUT: "opted_out", HappeningKind.MEETING: "meeting"}


def walk(
    route: Route,
    standing: Standing,
    person: Person,
    at: datetime,
    *,
    settled: Settled | None = None,
    happened: Sequence[Happened] = (),
) -> Move | None:
    """Return where this wake takes somebody; None where it changes nothing.

    With neither ``settled`` nor ``happened`` it is the time they were waiting for. What stops a walk comes before all
    else, then the message, because whoever answers has got it, then what has happened, then the time: an answer that
    came in time beats the time-out that nobody has looked at yet. What has ended stays as it ended. Whoever is paused
    by hand, or in a campaign that stands still, follows what has happened as everybody does, but goes no further:
    nothing goes out to them, and nobody is asked to call them. Nobody has decided that somebody is parked: what leads
    others on from there leads them on too, and what they could not follow they follow before anything newer.
    """
    if standing.state in ENDED:
        return None
    steps = Steps(route, standing, person, at)
    unheard = steps.take_unheard() if happened else []
    happened = [*unheard, *happened]
    if _stops(steps, happened):
        return steps.move
    _told(steps, settled, happened)
    if happened:
        _hears(steps, happened)
    elif not settled:
        _wake(steps)
    if unheard and steps.move.reason == standing.reason:
        steps.stay_parked()
    steps.stay_paused()
    return steps.move if steps.has_moved else None


# Why somebody moves


def _stops(steps: Steps, happened: Iterable[Happened]) -> bool:
    """Let somebody leave to whom nothing may be sent any more."""
    ends = next((_ENDS[news.kind] for news in happened if news.kind in _ENDS), "")
    if reason := ends or steps.person.stop:
        steps.exit(reason)
    return bool(reason)


def _told(steps: Steps, settled: Settled | None, happened: Iterable[Happened]) -> None:
    """Go on from the message that they wait for. Whoever is parked at it does so only if they have answered: what
    became of it is kept for that, unless it has been followed, or set aside, before.
    """
    unsettled = settled or steps.unsettled
    has_answered = any(news.kind == HappeningKind.REPLY for news in happened)
    if unsettled and (steps.stands == _S.WAITING_SEND or (steps.stands == _S.PARKED and has_answered)):
        _settle(steps, unsettled)
    elif settled:
        steps.keep_unsettled(settled)


def _hears(steps: Steps, happened: Iterable[Happened]) -> None:
    """Follow what has happened, one thing after the other, as if the engine had heard of each by itself: what they wait
    for, or an answer that nobody asked for.
    """
    for news in happened:
        if steps.move.state in ENDED:
            return
        if node := _waits_for(steps, news):
            _remember(steps, news)
            doing.forget(steps, news.kind)
            steps.leave_by(node, Exit.HAPPENED, outcome=news.kind)
            _go_on(steps, led_by=news.kind)
        elif news.kind == HappeningKind.REPLY:
            _answered(steps, news)
        elif news.kind in doing.AWAITED:  # conditions may ask for it, and whoever comes to wait for it need not
            _remember(steps, news)
            doing.keep_ahead(steps, news)


def _waits_for(steps: Steps, news: Happened) -> DrawnNode | None:
    node = steps.here
    is_awaited = node and node.type == NodeType.WAIT_FOR and doing.is_awaited(node, news.kind, news.data)
    return node if is_awaited else None


def _answered(steps: Steps, news: Happened) -> None:
    """An answer ends the walk, unless the graph says where it leads whoever has begun. Whoever has answered and could
    not go there yet has answered: another answer changes nothing before they have begun there.
    """
    if steps.led_by == HappeningKind.REPLY:
        return
    elsewhere = steps.route.drawing.on_reply
    if not elsewhere or steps.here is None:
        steps.exit("replied")
        return
    steps.take_back()
    steps.end(HappeningKind.REPLY, "")
    _remember(steps, news)
    steps.arrive(elsewhere)
    _go_on(steps, led_by=news.kind)


def _remember(steps: Steps, news: Happened) -> None:
    last = {**steps.move.last, "outcome": news.kind, **news.data}
    steps.has_moved = steps.has_moved or last != steps.move.last
    steps.move.last = last


def _settle(steps: Steps, settled: Settled) -> None:
    """Go on from a send, whatever became of it."""
    node = steps.here
    if node is None:
        steps.park(f"There is no node {steps.move.node!r}.")
        return
    rule = node.config.get("when_blocked", WhenBlocked.WAIT_OR_EXIT)
    is_blocked = settled.state == MessageState.BLOCKED
    if is_blocked:
        steps.count(node.key, "blocked", 1)
    if is_blocked and rule == WhenBlocked.WAIT_OR_EXIT and settled.retry_at:
        steps.put_off(node, settled.reason, settled.retry_at)
    elif is_blocked and rule != WhenBlocked.ADVANCE:
        steps.exit(f"blocked: {settled.reason}")
    else:
        steps.leave_send(node, settled.state)
        _go_on(steps)


def _wake(steps: Steps) -> None:
    """Begin, go on behind a wait that is over, or do once more what could not be done."""
    node = steps.here
    if steps.standing.state == _S.PENDING:
        steps.arrive(steps.route.drawing.start)
    elif steps.standing.state == _S.WAITING and node and node.type == NodeType.WAIT:
        _wait_over(steps, node)
        if steps.move.state in (_S.WAITING, *_STILL):
            return
    elif steps.standing.state == _S.WAITING and node and node.type == NodeType.WAIT_FOR:
        steps.leave_by(node, Exit.TIMEOUT, outcome=Exit.TIMEOUT.value)
    _go_on(steps)


def _wait_over(steps: Steps, node: DrawnNode) -> None:
    """Go on, unless the moment has moved meanwhile: to another day of the event, or with the person to another zone."""
    since = datetime.fromisoformat(steps.standing.wake_rule["since"]) if steps.standing.wake_rule else steps.at
    until = waits.ends_at(node.config, since=since, zone=steps.zone(node), event=steps.route.event)
    if until is None:
        steps.park(doing.NO_EVENT)
    elif until > steps.at:
        steps.hold(node, _S.WAITING, until=until, since=since)
    else:
        steps.leave_by(node, Exit.NEXT, outcome="over")


def _go_on(steps: Steps, *, led_by: str = "") -> None:
    """Walk until something holds them up, the way ends, or it has been far enough for one wake. Of whoever may go no
    further it stays known by what they were ``led_by`` here, until they begin here or leave."""
    if steps.goes_no_further and steps.move.state not in _STILL:
        steps.rest(led_by=led_by)
        return
    for _ in range(MOST):
        if steps.move.state in _STILL:
            return
        node = steps.here
        if node is None:
            steps.park(f"There is no node {steps.move.node!r}.")
            return
        steps.to(_S.ACTIVE, led_by=steps.led_by)
        doing.DOES[NodeType(node.type)](steps, node)
        if steps.move.state != _S.ACTIVE:
            return
    steps.rest()
