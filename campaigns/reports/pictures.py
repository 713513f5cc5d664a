"""A graph as a picture: where each node stands, and how the edges between them run. Nothing is drawn by hand.

Nodes stand in rows, as many edges below the start as the longest way to them has, ways back left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from campaigns.choices import Exit, NodeType, Unit, Weekday
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode

WIDE, HIGH, GAP, DROP, EDGE = 208, 58, 36, 62, 24  # pixels: a node, between two, between rows, around the picture


@dataclass(frozen=True, slots=True)
class Box:
    """A node. ``tone`` is what it does: moves people, sends, waits, decides, or ends."""

    key: str
    title: str
    what: str
    tone: str
    faults: tuple[str, ...]
    x: int
    y: int

    @property
    def middle(self) -> int:
        return self.x + WIDE // 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge: ``path`` in the words of SVG, and a label at (x, y)."""

    path: str
    label: str
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


def draw(drawing: Drawing, faults: Iterable[Any] = ()) -> Picture:
    """Return the picture of a graph; ``faults`` (see ``validation``) are shown on their nodes."""
    told = defaultdict(list)
    for fault in faults:
        told[fault.node].append(fault.message)
    rows = _rows(drawing)
    width = max((len(row) for row in rows), default=0) * (WIDE + GAP) - GAP + 2 * EDGE + GAP
    boxes = {
        node.key: _box(node, tuple(told[node.key]), width, row, place, number)
        for number, row in enumerate(rows)
        for place, node in enumerate(row)
    }
    arrows = [
        _arrow(edge, boxes[edge.source], boxes[edge.target])
        for edge in drawing.edges
        if edge.source in boxes and edge.target in boxes
    ]
    height = len(rows) * (HIGH + DROP) - DROP + 2 * EDGE
    return Picture(width, max(height, 0), list(boxes.values()), arrows)


def _rows(drawing: Drawing) -> list[list[DrawnNode]]:
    depths = _depths(drawing)
    last = max(depths.values(), default=-1)
    rows = defaultdict(list)
    for node in drawing.nodes:
        rows[depths.get(node.key, last + 1)].append(node)  # whom nobody reaches stand below all others
    return [rows[depth] for depth in sorted(rows)]


def _depths(drawing: Drawing) -> dict[str, int]:
    """Return how many edges the longest way to each node has that does not come back to a node it has passed."""
    forward = _without_ways_back(drawing)
    depths = {drawing.start: 0} if drawing.start in drawing.by_key else {}
    for key in _in_order(drawing.start, forward):
        for target in forward.get(key, ()):
            depths[target] = max(depths.get(target, 0), depths[key] + 1)
    return depths


def _without_ways_back(drawing: Drawing) -> dict[str, list[str]]:
    """Return the targets of every node, but for edges that lead back to a node on the way to it."""
    forward: dict[str, list[str]] = defaultdict(list)
    done, on_way = set[str](), list[str]()
    waiting: list[tuple[str, bool]] = [(drawing.start, False)]
    while waiting:
        key, is_left = waiting.pop()
        if is_left:
            on_way.pop()
            done.add(key)
        elif key in drawing.by_key and key not in done and key not in on_way:
            on_way.append(key)
            waiting.append((key, True))
            targets = [edge.target for edge in drawing.leaving(key) if edge.target in drawing.by_key]
            forward[key] = [target for target in targets if target not in on_way]
            waiting += [(target, False) for target in reversed(forward[key])]
    return forward


def _in_order(start: str, forward: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the nodes that ``start`` leads to, each behind all that lead to it."""
    order, seen = list[str](), set[str]()
    waiting = [(start, False)]
    while waiting:
        key, is_left = waiting.pop()
        if is_left:
            order.append(key)
        elif key in forward and key not in seen:
            seen.add(key)
            waiting.append((key, True))
            waiting += [(target, False) for target in forward[key]]
    return order[::-1]


def _box(node: DrawnNode, faults: tuple[str, ...], width: int, row: Sequence[Any], place: int, number: int) -> Box:
    taken = len(row) * (WIDE + GAP) - GAP
    left = (width - taken) // 2 + place * (WIDE + GAP)
    title = node.name or _TYPES.get(node.type, node.type)
    return Box(node.key, title, said(node), tone_of(node.type), faults, left, EDGE + number * (HIGH + DROP))


def _arrow(edge: DrawnEdge, source: Box, target: Box) -> Arrow:
    label = "" if edge.label == Exit.NEXT else _LABELS.get(edge.label, edge.label)
    if "weight" in edge.condition:
        label = f"{label} {edge.condition['weight']} %"
    if target.y > source.y:
        begin, end = source.y + HIGH, target.y
        half = (begin + end) // 2
        path = f"M{source.middle} {begin} C{source.middle} {half} {target.middle} {half} {target.middle} {end}"
        return Arrow(path, label, (source.middle + target.middle) // 2, half + 4)
    side = max(source.x, target.x) + WIDE + EDGE
    begin, end = source.y + HIGH // 2, target.y + HIGH // 2
    path = f"M{source.x + WIDE} {begin} C{side} {begin} {side} {end} {target.x + WIDE} {end}"
    return Arrow(path, label, side - 6, (begin + end) // 2)


_TYPES: Final = {str(kind.value): str(kind.label) for kind in NodeType}
_LABELS: Final = {str(each.value): str(each.label).lower() for each in Exit}
_TONES: Final = {
    NodeType.STAGE: "info", NodeType.EXIT: "plain", NodeType.WAIT: "warn", NodeType.WAIT_FOR: "warn",
    NodeType.BRANCH: "choice", NodeType.SPLIT: "choice", NodeType.JUMP: "choice",
}  # fmt: skip


def tone_of(node_type: str) -> str:
    return _TONES.get(node_type, "good")  # type: ignore[call-overload, no-any-return]  # members of an enum are texts


def said(node: DrawnNode) -> str:
    """Return what a node does, in a few words; of settings that make no sense it says the type."""
    words = _WORDS.get(node.type)
    try:
        return words(node.config) if words else _TYPES.get(node.type, node.type)
    except (KeyError, TypeError, ValueError):
        return _TYPES.get(node.type, node.type)


def _wait(config: Mapping[str, Any]) -> str:
    mode = config["mode"]
    if mode == "duration":
        return f"Wait {_amount(config)}"
    if mode == "weekday":
        days = ", ".join(Weekday(day).label for day in config["weekdays"])
        return f"Wait until {days} {config['time']}"
    if mode == "event":
        return f"Wait until {_beside(config['days'])} the event, {config['time']}"
    return f"Wait until {config['date']} {config['time']}"


def _beside(days: int) -> str:
    if not days:
        return "the day of"
    return f"{abs(days)} day{'s' * (abs(days) != 1)} {'before' if days < 0 else 'after'}"


def _amount(config: Mapping[str, Any]) -> str:
    unit = str(Unit(config["unit"]).label).lower()
    return f"{config['amount']} {unit if config['amount'] != 1 else unit.removesuffix('s')}"


_AWAITED: Final[Mapping[str, str]] = {"reply": "a reply", "call_outcome": "a call", "link_click": "a click"}
_WORDS: Final[Mapping[str, Any]] = {
    NodeType.STAGE: lambda config: f"Status: {config['status']}",
    NodeType.SMS_SEND: lambda config: f"SMS: {config['content']}",
    NodeType.EMAIL_SEND: lambda config: f"E-mail: {config['content']}",
    NodeType.VOICEMAIL_DROP: lambda config: f"Voicemail: {config['content']}",
    NodeType.WAIT: _wait,
    NodeType.WAIT_FOR: lambda config: f"Wait for {_AWAITED[config['event']]}, at most {_amount(config)}",
    NodeType.JUMP: lambda config: f"Again, {config['rounds']} times at most",
}
