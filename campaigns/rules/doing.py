"""What each type of node does with somebody who comes to it. Pure, as the walk is that asks for it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from campaigns.choices import (
    AwaitedEvent,
    EnrollmentEventKind,
    EnrollmentState,
    Exit,
    HappeningKind,
    NodeType,
)
from campaigns.rules import reasons, waits
from campaigns.rules.drawings import DrawnNode
from campaigns.rules.moves import Happened, Send, Task
from campaigns.rules.node_types import CHANNEL_OF
from campaigns.rules.steps import Steps
from crm.choices import Channel

_S = EnrollmentState
AWAITED: Final[Mapping[str, str]] = {
    HappeningKind.REPLY: AwaitedEvent.REPLY,
    HappeningKind.CALL_OUTCOME: AwaitedEvent.CALL_OUTCOME,
    HappeningKind.LINK_CLICK: AwaitedEvent.LINK_CLICK,
}
NO_EVENT: Final = "Nobody has said on which day the event is: say it in the campaign."


def is_awaited(node: DrawnNode, kind: str, data: Mapping[str, str]) -> bool:
    """Whether this is what is waited for at a wait_for, of calls one that ended as it says."""
    wanted = node.config.get("outcomes") or []
    return node.config["event"] == AWAITED.get(kind) and (not wanted or data.get("disposition") in wanted)


def keep_ahead(steps: Steps, news: Happened) -> None:
    """Keep what nobody waited for, each in its order and once, for whoever comes to wait for it."""
    told = [news.kind, dict(news.data)]
    if told not in _ahead(steps):
        steps.move.last["ahead"] = [*_ahead(steps), told]
        steps.has_moved = True


def forget(steps: Steps, kind: str) -> None:
    """What was of this kind is behind somebody whom something of it has led on."""
    if left := [told for told in _ahead(steps) if told[0] != kind]:
        steps.move.last["ahead"] = left
    else:
        steps.move.last.pop("ahead", None)


def _ahead(steps: Steps) -> Sequence[Sequence[Any]]:
    found: Sequence[Sequence[Any]] = steps.move.last.get("ahead", ())
    return found


def _stage(steps: Steps, node: DrawnNode) -> None:
    status = node.config["status"].strip()
    if steps.route.statuses is not None and status not in steps.route.statuses:
        steps.park(f"There is no status {status!r} any more.")
        return
    if (status, node.key) != (steps.move.status, steps.move.stage):
        steps.move.status, steps.move.stage = status, node.key
        steps.note(EnrollmentEventKind.STATUS, node.key, status=status, stage=node.key)
    if status == steps.route.goal:
        steps.exit("goal")
    else:
        steps.leave_by(node, Exit.NEXT)


def _send(steps: Steps, node: DrawnNode) -> None:
    channel, key = CHANNEL_OF[NodeType(node.type)].value, node.config["content"]
    if steps.standing.only not in ("", channel):
        steps.pass_over(node)
        return
    if why := steps.person.unsendable(channel, key):
        steps.park(why)
        return
    tries = steps.standing.tries if steps.is_where_it_was else 0
    consent = node.config.get("consent", "")
    forget(steps, HappeningKind.CALL_OUTCOME)
    if channel == Channel.EMAIL:  # a click is one in what was sent by e-mail, whatever else was sent since
        forget(steps, HappeningKind.LINK_CLICK)
    steps.move.sends.append(Send(node.key, steps.move.visit, tries, channel, key, consent))
    steps.hold(node, _S.WAITING_SEND)
    steps.move.wake_rule = {"tries": tries} if tries else None  # blocked once more, the next one is yet another


def _call(steps: Steps, node: DrawnNode) -> None:
    """Ask for a call, unless they do not want any: then nobody is given a task that nobody may do."""
    if steps.standing.only:
        steps.pass_over(node)
        return
    if steps.person.is_called:
        forget(steps, HappeningKind.CALL_OUTCOME)
        priority, script = node.config.get("priority", "medium"), node.config.get("script", "")
        steps.move.tasks.append(Task(node.key, steps.move.visit, priority, script))
    steps.leave_by(node, Exit.NEXT, outcome="" if steps.person.is_called else "do_not_call")


def _wait(steps: Steps, node: DrawnNode) -> None:
    until = waits.ends_at(node.config, since=steps.at, zone=steps.zone(node), event=steps.route.event)
    if until is None:
        steps.park(NO_EVENT)
    elif until <= steps.at:
        steps.leave_by(node, Exit.NEXT)
    else:
        steps.hold(node, _S.WAITING, until=until)


def _wait_for(steps: Steps, node: DrawnNode) -> None:
    """Wait for it, unless it has happened since they were last asked for it; that counts once.

    Whatever is sent and whoever is asked to call asks for a call anew, an e-mail for a click.
    """
    for kind, data in _ahead(steps):
        if is_awaited(node, kind, data):
            steps.move.last.update(outcome=kind, **data)
            forget(steps, kind)
            steps.leave_by(node, Exit.HAPPENED, outcome=kind)
            return
    amount, unit = node.config["amount"], node.config["unit"]
    steps.hold(node, _S.WAITING, until=waits.after(amount, unit, since=steps.at, zone=steps.zone(node)))


def _branch(steps: Steps, node: DrawnNode) -> None:
    known = {
        "enrollment.status": steps.move.status,
        "enrollment.visits": steps.move.visit,
        **{f"last.{name}": said for name, said in steps.move.last.items()},
    }
    asked = (edge for edge in steps.route.drawing.leaving(node.key) if edge.label != Exit.ELSE)
    steps.leave_by(node, next((e.label for e in asked if steps.person.meets(e.condition, known)), Exit.ELSE.value))


def _split(steps: Steps, node: DrawnNode) -> None:
    steps.leave_by(node, steps.person.way_of(steps.route.drawing.leaving(node.key), node.key))


def _jump(steps: Steps, node: DrawnNode) -> None:
    """Back ``rounds`` times, then on; whoever comes here once more later begins to count anew."""
    often_enough = steps.move.visit % (node.config["rounds"] + 1) == 0
    steps.leave_by(node, Exit.DONE if often_enough else Exit.AGAIN)


def _exit(steps: Steps, node: DrawnNode) -> None:
    steps.complete(node, reasons.written(node.config.get("reason", "")))


DOES: Final[Mapping[NodeType, Callable[[Steps, DrawnNode], None]]] = {
    NodeType.STAGE: _stage,
    NodeType.SMS_SEND: _send,
    NodeType.EMAIL_SEND: _send,
    NodeType.VOICEMAIL_DROP: _send,
    NodeType.CALL_TASK: _call,
    NodeType.WAIT: _wait,
    NodeType.WAIT_FOR: _wait_for,
    NodeType.BRANCH: _branch,
    NodeType.SPLIT: _split,
    NodeType.JUMP: _jump,
    NodeType.EXIT: _exit,
}
