"""A graph as a picture: where each node stands, and how the edges between them run. Nothing is drawn by hand.

Nodes stand in rows, as many edges below the start as the longest way to them has, ways back left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from campaigns.reports.pills import Pill, pills_of
from campaigns.reports.settings import TYPES
from campaigns.reports.words import in_full, in_short, on_reply, tone_of, way
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode

# Pixels: a node, between two, between rows, around the picture, a gap for an edge that passes, a lane for one back.
WIDE, HIGH, GAP, DROP, EDGE, PASS, LANE = 208, 58, 36, 62, 24, 12, 18

Slot = str | tuple[int, int]  # the key of a node, or an edge (its number) that passes a row


@dataclass(frozen=True, slots=True)
class Box:
    """A node. ``what`` it does is said in short, ``told`` in full. ``tone`` is its kind: it moves people, sends, waits,
    decides, or ends; ``pills`` are its numbers."""

    key: str
    title: str
    what: str
    told: str
    tone: str
    faults: tuple[str, ...]
    x: int
    y: int
    pills: tuple[Pill, ...] = ()

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
    on_reply: str


def draw(
    drawing: Drawing, faults: Iterable[Any] = (), numbers: Mapping[str, Mapping[str, int]] = MappingProxyType({})
) -> Picture:
    """Return the picture of a graph; ``faults`` (see ``validation``) and ``numbers`` are shown on their nodes."""
    told = defaultdict(list)
    for fault in faults:
        told[fault.node].append(fault.message)
    depths = _depths(drawing)
    down, back = _sorted(drawing, depths)
    rows = _rows(drawing, depths, down)
    wide = max((sum(map(_width, row)) for row in rows), default=0)
    places = {slot: spot for number, row in enumerate(rows) for slot, spot in _places(row, wide, number)}
    boxes = {
        node.key: _box(drawing, node, tuple(told[node.key]), places[node.key], numbers.get(node.key, {}))
        for node in drawing.nodes
    }
    arrows = [_down(edge, number, boxes, places) for number, edge in down]
    arrows += [_back(edge, boxes, wide + EDGE + LANE * lane) for lane, edge in enumerate(back, start=1)]
    width = 2 * EDGE + wide + LANE * (len(back) + 1) * bool(back)
    height = len(rows) * (HIGH + DROP) - DROP + 2 * EDGE
    return Picture(width, height, list(boxes.values()), _legible(arrows), on_reply(drawing))


def _legible(arrows: Iterable[Arrow]) -> list[Arrow]:
    """Let the first of several arrows that run alike say what all of them do, instead of one label upon another."""
    labels: dict[str, list[str]] = defaultdict(list)
    for arrow in (arrows := list(arrows)):
        labels[arrow.path] += [arrow.label] if arrow.label else []
    return [replace(arrow, label=", ".join(labels.pop(arrow.path, []))) for arrow in arrows]


def _sorted(drawing: Drawing, depths: Mapping[str, int]) -> tuple[list[tuple[int, DrawnEdge]], list[DrawnEdge]]:
    """Return the edges that lead down, each with a number, and those that lead back or stay."""
    drawn = [edge for edge in drawing.edges if edge.source in drawing.by_key and edge.target in drawing.by_key]
    back = [edge for edge in drawn if depths[edge.target] <= depths[edge.source]]
    return list(enumerate(edge for edge in drawn if edge not in back)), back


def _rows(drawing: Drawing, depths: Mapping[str, int], down: Iterable[tuple[int, DrawnEdge]]) -> list[list[Slot]]:
    """Return what stands in each row: nodes, and a gap for every edge that passes through it.

    A row is in the order of what leads to it, so that few edges cross.
    """
    rows: list[list[Slot]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for node in drawing.nodes:
        rows[depths[node.key]].append(node.key)
    above: dict[Slot, list[Slot]] = defaultdict(list)
    for number, edge in down:
        before: Slot = edge.source
        for depth in range(depths[edge.source] + 1, depths[edge.target]):
            rows[depth].append((number, depth))
            above[number, depth].append(before)
            before = (number, depth)
        above[edge.target].append(before)
    for upper, row in pairwise(rows):
        places = {slot: place for place, slot in enumerate(upper)}
        row.sort(key=lambda slot: _mean([places[each] for each in above[slot] if each in places], len(upper)))
    return rows


def _mean(places: Sequence[int], otherwise: int) -> float:
    return sum(places) / len(places) if places else otherwise


def _places(row: Sequence[Slot], wide: int, number: int) -> Iterator[tuple[Slot, tuple[int, int]]]:
    """Yield where the left edge of everything in a row is; the row stands in the middle."""
    left = EDGE + (wide - sum(map(_width, row))) // 2
    for slot in row:
        yield slot, (left + GAP // 2, EDGE + number * (HIGH + DROP))
        left += _width(slot)


def _width(slot: Slot) -> int:
    return (WIDE if isinstance(slot, str) else PASS) + GAP


def _depths(drawing: Drawing) -> dict[str, int]:
    """Return how many edges the longest way to each node has, ways back left out; whom nobody reaches stand lowest."""
    forward = _without_ways_back(drawing)
    depths = {drawing.start: 0} if drawing.start in drawing.by_key else {}
    for key in _in_order(drawing.start, forward):
        for target in forward[key]:
            depths[target] = max(depths.get(target, 0), depths[key] + 1)
    lowest = max(depths.values(), default=-1) + 1
    return {node.key: depths.get(node.key, lowest) for node in drawing.nodes}


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


def _box(
    drawing: Drawing, node: DrawnNode, faults: tuple[str, ...], spot: tuple[int, int], counted: Mapping[str, int]
) -> Box:
    title, pills = node.name or TYPES.get(node.type, node.type), pills_of(counted, *spot, wide=WIDE, high=HIGH)
    what, told = in_short(drawing, node), in_full(drawing, node)
    return Box(node.key, title, what, told, tone_of(node.type), faults, *spot, pills)


def _down(edge: DrawnEdge, number: int, boxes: Mapping[str, Box], places: Mapping[Slot, tuple[int, int]]) -> Arrow:
    """Run from the bottom of one node to the top of another, through the gaps that the rows between them leave."""
    source, target = boxes[edge.source], boxes[edge.target]
    at, above = source.middle, source.y + HIGH
    path, label = f"M{at} {above}", way(edge)
    gaps = sorted(spot for slot, spot in places.items() if isinstance(slot, tuple) and slot[0] == number)
    stops = [(x + PASS // 2, y, y + HIGH) for x, y in sorted(gaps, key=lambda spot: spot[1])]
    first = (stops or [(target.middle, target.y, target.y)])[0]
    for x, top, bottom in [*stops, (target.middle, target.y, target.y)]:
        half = (above + top) // 2
        path += f" C{at} {half} {x} {half} {x} {top}" + (f" L{x} {bottom}" if bottom > top else "")
        at, above = x, bottom
    return Arrow(path, label, (source.middle + first[0]) // 2, (source.y + HIGH + first[1]) // 2 + 4)


def _back(edge: DrawnEdge, boxes: Mapping[str, Box], lane: int) -> Arrow:
    """Run up a lane beside the picture."""
    source, target = boxes[edge.source], boxes[edge.target]
    begin, end = source.y + HIGH + DROP // 4, target.y - DROP // 4
    path = (
        f"M{source.middle} {source.y + HIGH} L{source.middle} {begin} L{lane} {begin} L{lane} {end} "
        f"L{target.middle} {end} L{target.middle} {target.y}"
    )
    return Arrow(path, way(edge), lane, (begin + end) // 2)
