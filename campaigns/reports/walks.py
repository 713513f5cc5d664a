"""The history of a walk in plain words: "Left 'Has phone?' by yes", "Waits until Tue 24 Nov, 09:00 their time"."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.choices import EnrollmentEventKind, EnrollmentState, Exit, HappeningKind, WaitMode
from campaigns.models import Enrollment, EnrollmentEvent, Node
from campaigns.reports.settings import TYPES
from campaigns.reports.words import EXITS, said
from campaigns.rules.drawings import DrawnNode
from campaigns.rules.waits import ends_at

Words = Callable[[str, Node | None], str]  # of a reason, and of the node at which it was met
_K, _S = EnrollmentEventKind, EnrollmentState
_HAPPENED: Final = {str(kind.value): f"{kind.label[0].lower()}{kind.label[1:]}" for kind in HappeningKind}
_SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    _K.ENROLLED: ("person_add", "info"), _K.PASSED: ("arrow_downward", "plain"), _K.ARRIVED: ("schedule", "plain"),
    _K.BLOCKED: ("block", "warn"), _K.STATUS: ("flag", "info"), _K.PAUSED: ("pause", "warn"),
    _K.RESUMED: ("play_arrow", "good"), _K.PARKED: ("front_hand", "bad"), _K.EXITED: ("logout", "warn"),
    _K.COMPLETED: ("task_alt", "good"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, with a sign and its tone; ``said`` are further words of it."""

    what: str
    at: datetime
    by: Any = None
    said: Sequence[str] = ()
    icon: str = "circle"
    tone: str = "plain"


def name_of(node: Node | None) -> str:
    """Return what people call a node."""
    return (node.name or TYPES.get(node.type, node.key)) if node else ""


def _as_it_is(reason: str, node: Node | None) -> str:
    return reason


def history(events: Sequence[EnrollmentEvent], zone: tzinfo, *, why: Words = _as_it_is) -> list[Line]:
    """Return what happened, in its order; times to come are told in ``zone``, the contact's.

    ``why`` puts the reasons that machines keep into words.
    """
    return [_line(event, zone, why) for event in events]


def waits(walk: Enrollment, zone: ZoneInfo, *, at: datetime, after: Node | None = None, why: Words = _as_it_is) -> str:
    """Return until when somebody waits ``at`` then, and for what; "" where they do not wait for a time.

    ``after`` is the node that they left before. After a pause the engine looks at whoever waits for the day of an event
    before that day has come; what is told is the day.
    """
    if walk.state == _S.PENDING:
        return _begins(walk, zone, at)
    if not walk.wake_at:
        return ""
    rule = walk.wake_rule or {}
    until = f"until {_told(max(walk.wake_at, _meant(walk, zone)), zone)}"
    if reason := rule.get("blocked"):
        return f"Tries again {until.removeprefix('until ')}: {why(reason, walk.node)}"
    if walk.node is None or "config" not in rule:
        return f"Waits {until}"
    what = said(DrawnNode(walk.node.key, walk.node.type, config=rule["config"]))
    what = what.removeprefix("Wait ").removeprefix("until ") if what.startswith("Wait ") else what
    return f"Waits {until}: {what}" + (f" after “{name_of(after)}”" if after else "")


def _meant(walk: Enrollment, zone: ZoneInfo) -> datetime:
    """Return the moment that a wait for an event means, as that day is known now; of other waits when they wake."""
    rule: Mapping[str, Any] = walk.wake_rule or {}
    config, wakes = rule.get("config", {}), walk.wake_at or walk.enrolled_at
    if config.get("mode") != WaitMode.EVENT:
        return wakes
    since = datetime.fromisoformat(rule["since"])
    return ends_at(config, since=since, zone=zone, event=walk.campaign.event_date) or wakes


def _line(event: EnrollmentEvent, zone: tzinfo, why: Words) -> Line:
    icon, tone = _SIGNS.get(event.kind, ("circle", "plain"))
    what = _WHAT.get(event.kind, _plain)(event)
    return Line(what, event.at, event.by, tuple(_further(event, zone, why)), icon, tone)


def _further(event: EnrollmentEvent, zone: tzinfo, why: Words) -> list[str]:
    found = []
    outcome, wake_at = event.data.get("outcome"), event.data.get("wake_at")
    if outcome and outcome != event.exit:
        found.append(f"It was {_HAPPENED.get(outcome) or str(outcome).replace('_', ' ')}.")
    if wake_at:
        begins = "Begins" if event.kind == _K.ENROLLED else "Goes on" if event.kind == _K.RESUMED else "Until"
        found.append(f"{begins} {_told(datetime.fromisoformat(wake_at), zone)}")
    if event.kind == _K.ENROLLED and (status := event.data.get("status")):
        found.append(f"Status: {status}")
    if reason := event.data.get("reason"):
        found.insert(0, why(reason, event.node))
    return found


def _passed(event: EnrollmentEvent) -> str:
    left = f"Left “{name_of(event.node)}”"
    return left if event.exit == Exit.NEXT else f"{left} by {EXITS.get(event.exit, event.exit)}"


def _arrived(event: EnrollmentEvent) -> str:
    again = f", visit {event.data['visit']}" if event.data.get("visit", 1) > 1 else ""
    return f"Came to “{name_of(event.node)}”{again}"


def _status(event: EnrollmentEvent) -> str:
    reached = f"Reached “{name_of(event.node)}”, status: " if event.data.get("stage") else "Status: "
    return f"{reached}{event.data.get('status', '')}"


def _plain(event: EnrollmentEvent) -> str:
    return str(event.get_kind_display())


def _begins(walk: Enrollment, zone: ZoneInfo, at: datetime) -> str:
    if walk.wake_at is None:
        return "Begins when a colleague of theirs is through"
    often = walk.campaign.starts_per_day
    if often and walk.wake_at <= at:
        return f"Begins when it is their turn: at most {often:,} begin in 24 hours"
    return f"Begins {_told(walk.wake_at, zone)}"


def _told(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %-d %b, %H:%M} their time"


_WHAT: Final[Mapping[str, Any]] = {
    _K.PASSED: _passed, _K.ARRIVED: _arrived,
    _K.PARKED: lambda event: "Needs somebody", _K.EXITED: lambda event: "Left the campaign",
    _K.COMPLETED: lambda event: "Came through",
    _K.BLOCKED: lambda event: f"Held back at “{name_of(event.node)}”",
    _K.STATUS: _status,
}  # fmt: skip
