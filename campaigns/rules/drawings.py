"""A graph as it is drawn: nodes, and labelled edges between them. A drawing is never changed, only replaced."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Config = Mapping[str, Any]


@dataclass(frozen=True)
class DrawnNode:
    """``key`` names the node within its graph ("N10"); ``x`` and ``y`` are its place on the picture."""

    key: str
    type: str
    name: str = ""
    config: Config = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class DrawnEdge:
    """The way from a node to another by one of its exits. ``order`` is that in which a branch asks its conditions.

    ``condition`` is what a branch asks (see ``conditions``), and ``{"weight": 30}`` on an exit of a split.
    """

    source: str
    target: str
    label: str = "next"
    condition: Config = field(default_factory=dict)
    order: int = 0


@dataclass(frozen=True)
class Drawing:
    """``start`` is the key of the node where everybody begins.

    ``on_reply`` is that of the node where a reply takes whoever is not waiting for one; "" lets it end their walk.
    """

    start: str
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    on_reply: str = ""

    @classmethod
    def of(
        cls, nodes: Iterable[DrawnNode], edges: Iterable[DrawnEdge], *, start: str = "", on_reply: str = ""
    ) -> "Drawing":
        """Return a graph that begins at ``start``, or else at the first node that no edge leads to."""
        nodes, edges = tuple(nodes), tuple(edges)
        led_to = {edge.target for edge in edges}
        begins = (node.key for node in nodes if node.key not in led_to)
        return cls(start or next(begins, nodes[0].key if nodes else ""), nodes, edges, on_reply)

    @cached_property
    def by_key(self) -> dict[str, DrawnNode]:
        return {node.key: node for node in self.nodes}

    def is_same(self, other: "Drawing") -> bool:
        """Say whether both draw the same, in whatever order their parts were named."""
        entries = (self.start, self.on_reply) == (other.start, other.on_reply)
        return entries and self.by_key == other.by_key and self.by_exit == other.by_exit

    @cached_property
    def by_exit(self) -> dict[tuple[str, str], DrawnEdge]:
        return {(edge.source, edge.label): edge for edge in self.edges}

    @cached_property
    def _leaving(self) -> dict[str, list[DrawnEdge]]:
        leaving = defaultdict(list)
        for edge in sorted(self.edges, key=lambda edge: edge.order):
            leaving[edge.source].append(edge)
        return leaving

    @cached_property
    def _entering(self) -> dict[str, list[DrawnEdge]]:
        entering = defaultdict(list)
        for edge in self.edges:
            if edge.source in self.by_key:
                entering[edge.target].append(edge)
        return entering

    def leaving(self, key: str) -> list[DrawnEdge]:
        """Return the edges that leave a node, in their order."""
        return self._leaving.get(key, [])

    def reached(self) -> set[str]:
        """Return the keys of all nodes that somebody may come to, from the start or by a reply."""
        found, waiting = set[str](), [self.start, self.on_reply]
        while waiting:
            key = waiting.pop()
            if key in self.by_key and key not in found:
                found.add(key)
                waiting += [edge.target for edge in self.leaving(key)]
        return found

    def before(self, key: str) -> set[str]:
        """Return the keys of all nodes from which somebody may come to ``key``; a reply leads from wherever it comes.

        ``key`` is among them where a way leads back to it.
        """
        found, waiting = set[str](), [key]
        while waiting:
            here = waiting.pop()
            into = self.reached() if here == self.on_reply else {edge.source for edge in self._entering[here]}
            waiting += into - found
            found |= into
        return found

    def loops(self, *, without: Iterable[str] = ()) -> Iterator[list[str]]:
        """Yield ways that lead back to where they begin, no node in two of them, and none of ``without`` in any.

        Whatever leads back to itself shares a node with one of them. However many there are, every edge is tried once.
        """
        done, path = set(without), dict[str, Iterator[DrawnEdge]]()  # on the path each has the edges still to be tried
        for start in self.by_key:
            if start not in done:
                path[start] = iter(self.leaving(start))
            while path:
                here, edges = next(reversed(path.items()))
                there = next((edge.target for edge in edges), None)
                if there is None:
                    done.add(here)
                    del path[here]
                elif there in path:
                    loop = _cut(path, there)
                    done.update(loop)
                    yield loop
                elif there in self.by_key and there not in done:
                    path[there] = iter(self.leaving(there))


def _cut(path: dict[str, Any], first: str) -> list[str]:
    """Take everything from ``first`` on off the end of a path; return it."""
    cut = []
    while first in path:
        cut.append(path.popitem()[0])
    return cut[::-1]
