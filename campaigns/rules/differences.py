"""What is different between two drawings, node by node and edge by edge. Where a node stands on the picture is not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.rules.drawings import Drawing

Parts = Mapping[str, Mapping[str, Any]]  # by key, what each says by field

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` is "start", "on_reply", "node" or "edge"; ``key`` its key, of an edge "N1:else".

    ``changes`` are (old, new) by field.
    """

    kind: str
    what: str
    key: str
    changes: Mapping[str, tuple[Any, Any]]


def between(old: Drawing, new: Drawing) -> list[Difference]:
    """Return what makes ``new`` of ``old``: [] where people would walk both alike."""
    entries = {"start": (old.start, new.start), "on_reply": (old.on_reply, new.on_reply)}
    moved = [Difference(CHANGED, what, "", {what: said}) for what, said in entries.items() if said[0] != said[1]]
    nodes = _compared("node", _nodes(old), _nodes(new))
    return [*moved, *nodes, *_compared("edge", _edges(old), _edges(new))]


def _compared(what: str, old: Parts, new: Parts) -> Iterator[Difference]:
    for key in dict.fromkeys([*old, *new]):
        was, now = old.get(key, {}), new.get(key, {})
        kind = ADDED if key not in old else REMOVED if key not in new else CHANGED
        fields = dict.fromkeys([*was, *now])
        changes = {name: (was.get(name), now.get(name)) for name in fields if was.get(name) != now.get(name)}
        if changes or kind != CHANGED:
            yield Difference(kind, what, key, changes)


def _nodes(drawing: Drawing) -> Parts:
    return {
        node.key: {"type": node.type, "name": node.name, **{f"config.{key}": said for key, said in node.config.items()}}
        for node in drawing.nodes
    }


def _edges(drawing: Drawing) -> Parts:
    return {
        f"{edge.source}:{edge.label}": {"target": edge.target, "condition": dict(edge.condition), "order": edge.order}
        for edge in drawing.edges
    }
