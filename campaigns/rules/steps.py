"""The steps that a walk is made of: arriving at a node, being held up there, leaving it; each with its trace."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from campaigns.choices import MOVING, EnrollmentEventKind, EnrollmentState, Exit, HappeningKind, NodeType, WaitMode
from campaigns.rules import reasons, waits
from campaigns.rules.drawings import DrawnNode
from campaigns.rules.moves import Happened, Move, Note, Person, Route, Settled, Standing, is_paused
from campaigns.rules.node_types import CHANNEL_OF

_S, _K = EnrollmentState, EnrollmentEventKind
_NOT_FOLLOWED: Final = " Not followed yet: "


class Steps:
    """Takes somebody from where they stand, step by step; ``move`` is where they are and what has to be written."""

    def __init__(self, route: Route, standing: Standing, person: Person, at: datetime) -> None:
        self.route, self.standing, self.person, self.at = route, standing, person, at
        self.move = Move(
            state=standing.state,
            node=standing.node,
            visit=standing.visit,
            visits=dict(standing.visits),
            status=standing.status,
            stage=standing.stage,
            last=dict(standing.last),
            wake_at=standing.wake_at,
            wake_rule=standing.wake_rule,
            paused_from=standing.paused_from,
            left=standing.left,
            reason=standing.reason,
        )
        self.is_paused = is_paused(standing.state, standing.wake_rule)
        self.goes_no_further = self.is_paused or route.stands_since is not None
        self.was_held = standing.is_held
        self.has_moved = False

    @property
    def stands(self) -> str:
        """The state they are in, or were in when somebody paused them."""
        return self.move.paused_from or self.move.state

    @property
    def here(self) -> DrawnNode | None:
        return self.route.drawing.by_key.get(self.move.node or "")

    def zone(self, node: DrawnNode) -> ZoneInfo:
        """Whose clock a wait goes by; nobody is asked for their zone who waits for some hours."""
        return self.person.zone if waits.is_local(node.config) else waits.ANYWHERE

    @property
    def is_where_it_was(self) -> bool:
        """They were held up at this visit before, and are still at it."""
        return self.was_held and (self.move.node, self.move.visit) == (self.standing.node, self.standing.visit)

    @property
    def led_by(self) -> str:
        """What of all that happens has led them to where they stand, as long as nothing has begun there."""
        return str((self.move.wake_rule or {}).get("led_by", ""))

    def arrive(self, key: str) -> None:
        self.move.visits[key] = self.move.visit = self.move.visits.get(key, 0) + 1
        self.move.node = key
        self.to(_S.ACTIVE)
        self.count(key, "arrived", 1)

    def leave_by(self, node: DrawnNode, label: str, *, outcome: str = "") -> None:
        """Leave a node by an exit; where no edge stands for it, the walk is completed."""
        self.end(outcome, label)
        self.count(node.key, "passed", 1)
        self.to(_S.ACTIVE)
        self.note(_K.PASSED, node.key, label, visit=self.move.visit, **({"outcome": outcome} if outcome else {}))
        edge = self.route.drawing.by_exit.get((node.key, label))
        if edge:
            self.arrive(edge.target)
        else:
            self.complete(node)

    def leave_send(self, node: DrawnNode, outcome: str) -> None:
        """Leave a node whose message is settled: whoever is asked later knows what became of it."""
        self.move.last.update(outcome=outcome, channel=CHANNEL_OF[NodeType(node.type)].value)
        self.leave_by(node, Exit.NEXT, outcome=outcome)

    def pass_over(self, node: DrawnNode) -> None:
        """Go on without what the node does: they are approached on another channel only."""
        self.count(node.key, "skipped", 1)
        self.move.last["outcome"] = "skipped"
        self.leave_by(node, Exit.NEXT, outcome="skipped")

    def hold(
        self, node: DrawnNode, state: str, *, until: datetime | None = None, since: datetime | None = None
    ) -> None:
        """Stay at a node, until then or until something is heard; ``since`` when, if not only now."""
        if not self.is_where_it_was:
            self.move.begun = True
            self.count(node.key, "held", 1)
        self.to(state)
        if until:
            self.move.wake_at = until
            self.move.wake_rule = {"since": (since or self.at).isoformat(), "config": dict(node.config)}
        self.note(_K.ARRIVED, node.key, visit=self.move.visit, **({"wake_at": until.isoformat()} if until else {}))

    def rest(self, *, led_by: str = "") -> None:
        """Go on from here at once, with the next wake: it has been far enough for this one."""
        self.to(_S.ACTIVE, led_by=led_by)
        self.move.wake_at = self.at
        self.note(_K.ARRIVED, self.move.node, visit=self.move.visit, wake_at=self.at.isoformat())

    def pause(self) -> None:
        """Stand still where they are, with what is left of their wait, until somebody lets them go on. Whoever is
        parked stays so, and is paused besides."""
        if self.move.state == _S.PARKED:
            self._park_on({**(self.move.wake_rule or {}), "paused": True}, _K.PAUSED)
            return
        was, wake_at, rule = self.move.state, self.move.wake_at, self.move.wake_rule
        self.to(_S.PAUSED)
        self.move.paused_from, self.move.wake_rule = was, rule
        if was == _S.ACTIVE or wake_at:
            wake_at = wake_at or self.at
            self.move.left = max(wake_at - self._counted_from(rule), timedelta())
            if not waits.is_for_a_time(rule):
                self.move.wake_rule = {**(rule or {}), "until": wake_at.isoformat()}
        self.note(_K.PAUSED, self.move.node, visit=self.move.visit)

    def resume(self) -> None:
        """Go on where they were paused: what was left of a time begins now, or with the campaign; a moment stays.
        Whoever is parked stays so."""
        was, left, rule = self.standing.paused_from, self.standing.left, dict(self.standing.wake_rule or {})
        if rule.pop("paused", False):
            self._park_on(rule, _K.RESUMED)
            return
        until = rule.pop("until", None)
        self.to(was)
        if until:
            self.move.wake_at = max(datetime.fromisoformat(until), self.at)
            if rule.get("config", {}).get("mode") == WaitMode.EVENT and not self.route.stands_since:
                self.move.wake_at = self.at  # its day may be another one by now
        elif left is not None:
            self.move.wake_at = self._counted_from(rule) + left
        self.move.wake_rule = rule or None
        self.note(_K.RESUMED, self.move.node, wake_at=self.move.wake_at and self.move.wake_at.isoformat())

    def stay_paused(self) -> None:
        """Whoever has been paused by hand stands still where they have come to."""
        if self.is_paused and self.move.state in MOVING:
            self.pause()

    def _park_on(self, rule: Mapping[str, Any], kind: str) -> None:
        """Stay parked as they are, but for what a hand has changed."""
        self.move.wake_rule, self.has_moved = rule or None, True
        self.note(kind, self.move.node, visit=self.move.visit)

    def _counted_from(self, rule: Mapping[str, Any] | None) -> datetime:
        """Return what time is counted from: now, or where the campaign stands still when it began to, as the pause of
        the campaign is added to a wait when that is over."""
        if self.route.stands_since is None or not waits.is_for_a_time(rule):
            return self.at
        return max(self.route.stands_since, datetime.fromisoformat(rule["since"] if rule else ""))

    def put_off(self, node: DrawnNode, reason: str, until: datetime) -> None:
        """Try again ``until`` then what was blocked: the same visit, another message."""
        self.to(_S.WAITING)
        self.move.wake_at = max(until, self.at)
        self.move.wake_rule = {"blocked": reason, "tries": self.standing.tries + 1}
        self.note(_K.BLOCKED, node.key, reason=reason, wake_at=self.move.wake_at.isoformat())

    def exit(self, reason: str) -> None:
        """Leave the campaign, with nothing that this wake was about to send."""
        self.take_back()
        self.end("left", "")
        self.to(_S.EXITED)
        self.move.reason = reason[: reasons.LONGEST]
        self.note(_K.EXITED, self.move.node, reason=self.move.reason, visit=self.move.visit)

    def complete(self, node: DrawnNode, reason: str = "") -> None:
        self.to(_S.COMPLETED)
        self.move.reason = reason[: reasons.LONGEST]
        said = {"reason": self.move.reason} if reason else {}
        self.note(_K.COMPLETED, node.key, visit=self.move.visit, **said)

    def park(self, reason: str, *, unsettled: Settled | None = None, unheard: Iterable[Happened] = ()) -> None:
        """Stay until a person has done something about it, or an answer leads them on.

        What they were held up at is not over, nor is a pause by hand; what has led them to where nothing has begun
        stays known, what is ``unsettled`` is kept until they are parked no more, and what is ``unheard`` until more
        happens or they are tried again.
        """
        if unsettled:
            self.keep_unsettled(unsettled)
        self.to(_S.PARKED, led_by=self.led_by)
        if self.is_paused:
            self.move.wake_rule = {**(self.move.wake_rule or {}), "paused": True}
        if late := [*self._unheard, *unheard]:
            self.move.last["unheard"] = [[one.kind, one.at.isoformat(), dict(one.data), str(one.key)] for one in late]
            kinds = dict.fromkeys(HappeningKind(one.kind).label.lower() for one in late)
            reason += f"{_NOT_FOLLOWED}{', '.join(kinds)}."
        self.move.reason = reason[: reasons.LONGEST]
        self.note(_K.PARKED, self.move.node, reason=self.move.reason, visit=self.move.visit)

    def stay_parked(self) -> None:
        """Stay for what is left of the reason: what was unheard has been followed, and has led nowhere."""
        self.park(self.move.reason.partition(_NOT_FOLLOWED)[0])

    def keep_unsettled(self, settled: Settled) -> None:
        """Keep what became of the message that they wait for, if they do, or did when they were parked."""
        if self.stands in (_S.WAITING_SEND, _S.PARKED):
            until = settled.retry_at.isoformat() if settled.retry_at else None
            self.move.last["unsettled"] = [settled.state, settled.reason, until]
            self.has_moved = True

    @property
    def unsettled(self) -> Settled | None:
        """What became of the message that they are parked at, if they could not be told."""
        if kept := self.move.last.get("unsettled"):
            state, reason, until = kept
            return Settled(state, reason, datetime.fromisoformat(until) if until else None)
        return None

    @property
    def _unheard(self) -> list[Happened]:
        kept = self.move.last.get("unheard", ())
        return [Happened(kind, datetime.fromisoformat(at), data, UUID(key)) for kind, at, data, key in kept]

    def take_unheard(self) -> list[Happened]:
        """Return what had happened to them when they were parked, in its order: it is followed now."""
        unheard = self._unheard
        self.move.last.pop("unheard", None)
        return unheard

    def hear_again(self) -> None:
        """Let all happen once more that was unheard when they were parked."""
        self.move.again += [news.key for news in self.take_unheard() if news.key]

    def take_back(self) -> None:
        """Let nothing go out of what this wake has come by."""
        self.move.sends.clear()
        self.move.tasks.clear()

    def end(self, outcome: str, label: str) -> None:
        """End the step at which they were held up when they were woken, once, and one that began only now."""
        if self.was_held and self.move.ended is None:
            self.move.ended = (outcome, label)
            self.count(self.standing.node, "held", -1)
        elif self.move.begun:
            self.move.begun = False
            self.count(self.move.node, "held", -1)

    def to(self, state: str, *, led_by: str = "") -> None:
        self.move.state, self.move.wake_at = state, None
        self.move.wake_rule = {"led_by": led_by} if led_by else None
        self.move.paused_from, self.move.left, self.move.reason = "", None, ""
        if state != _S.PARKED:
            self.move.last.pop("unsettled", None)
        self.has_moved = True

    def note(self, kind: str, node: str | None, label: str = "", **data: Any) -> None:
        self.move.notes.append(Note(kind, self.move.state, node, label, data))

    def count(self, node: str | None, name: str, more: int) -> None:
        self.move.counts.append((node, name, more))
