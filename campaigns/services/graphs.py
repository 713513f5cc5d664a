"""Graphs in the database: read as a drawing, replaced by a drawing, copied, frozen. Never changed in parts."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from campaigns.models import Edge, Graph, Node
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from campaigns.rules.rendering import printable
from config.kernel.errors import Conflict, DomainError
from config.kernel.ids import uuid7
from config.kernel.transactions import atomic_with_retries

LONGEST: Final[Mapping[str, int]] = {"key": 80, "type": 20, "name": 120, "label": 80}


class NotDrawable(DomainError):
    """The parts do not make a graph: ``details`` say which node or edge is at fault."""

    code = "not_drawable"


class DrawnMeanwhile(Conflict):
    """Somebody else has changed the graph since it was read."""

    code = "drawn_meanwhile"


class IsFrozen(Conflict):
    """A published graph is never changed."""

    code = "graph_frozen"


def drawing_of(graph: Graph) -> Drawing:
    """Return the graph as it is drawn, its nodes in the order of their birth, in two queries."""
    nodes = [
        DrawnNode(node.key, node.type, node.name, node.config, node.x, node.y) for node in graph.nodes.order_by("id")
    ]
    rows = graph.edges.order_by("source", "order", "id").values_list(
        "source__key", "target__key", "label", "condition", "order"
    )
    return Drawing(graph.start, tuple(nodes), tuple(DrawnEdge(*row) for row in rows), graph.on_reply)


@atomic_with_retries
def new(drawing: Drawing, *, frozen_at: datetime | None = None) -> Graph:
    """Keep a drawing. With ``frozen_at`` it can never be changed.

    :raises NotDrawable: its parts do not make a graph.
    """
    graph = Graph.objects.create(start=drawing.start, on_reply=drawing.on_reply)
    _put(graph.pk, drawing)
    if frozen_at:
        Graph.objects.filter(pk=graph.pk).update(frozen_at=frozen_at)
        graph.frozen_at = frozen_at
    return graph


@atomic_with_retries
def redraw(*, graph: Graph, drawing: Drawing, revision: int | None) -> Graph:
    """Put ``drawing`` in the place of what the graph was when it had this ``revision``; None: whatever it was.

    Drawing the same again changes nothing, and no revision.

    :raises DrawnMeanwhile: it has another revision by now.
    :raises IsFrozen: it was published.
    :raises NotDrawable: the parts do not make a graph.
    """
    graph = Graph.objects.select_for_update(no_key=True).get(pk=graph.pk)
    if graph.frozen_at:
        raise IsFrozen("This graph was published and stays as it is. Change the draft of its template instead.")
    if revision is not None and graph.revision != revision:
        raise DrawnMeanwhile(
            f"Somebody has changed the graph since you read it (revision {graph.revision}, yours is {revision}). "
            "Read it again, and draw your change into that.",
            revision=graph.revision,
        )
    if drawing.is_same(drawing_of(graph)):
        return graph
    graph.nodes.all().delete()
    _put(graph.pk, drawing)
    graph.start, graph.on_reply, graph.revision = drawing.start, drawing.on_reply, graph.revision + 1
    graph.save(update_fields=["start", "on_reply", "revision", "updated_at"])
    return graph


def _put(graph: UUID, drawing: Drawing) -> None:
    _refuse_unkeepable(drawing)
    ids = {node.key: uuid7() for node in drawing.nodes}
    births = sorted(ids.values())  # in one millisecond they are born in any order; drawn they have one
    ids = dict(zip(ids, births, strict=True))
    Node.objects.bulk_create(
        Node(
            id=ids[node.key], graph_id=graph, key=node.key, type=node.type, name=node.name, config=dict(node.config),
            x=node.x, y=node.y,
        )
        for node in drawing.nodes
    )  # fmt: skip
    Edge.objects.bulk_create(
        Edge(
            graph_id=graph, source_id=ids[edge.source], target_id=ids[edge.target], label=edge.label,
            condition=dict(edge.condition), order=edge.order,
        )
        for edge in drawing.edges
    )  # fmt: skip


def _refuse_unkeepable(drawing: Drawing) -> None:
    """A draft may be as unfinished as it likes, but no two nodes have one key, and edges join nodes that are there."""
    details = {**dict(_of_ends(drawing)), **dict(_of_nodes(drawing)), **dict(_of_edges(drawing))}
    if details:
        raise NotDrawable("This is no graph yet. " + " ".join(details.values()), details=details)


def _of_ends(drawing: Drawing) -> Iterator[tuple[str, str]]:
    for name, key in (("start", drawing.start), ("on_reply", drawing.on_reply)):
        if len(key) > LONGEST["key"] or not _is_printable(key):
            yield name, f"{name}: name a node, by its key of at most {LONGEST['key']} characters."


def _of_nodes(drawing: Drawing) -> Iterator[tuple[str, str]]:
    for key, times in Counter(node.key for node in drawing.nodes).items():
        if times > 1:
            yield f"nodes.{key}", f"{times} nodes have the key {key!r}: give each its own."
    for node in drawing.nodes:
        if not 0 < len(node.key) <= LONGEST["key"] or len(node.name) > LONGEST["name"]:
            said = f"A key has 1 to {LONGEST['key']} characters, a name at most {LONGEST['name']}."
            yield f"nodes.{node.key[: LONGEST['key']]}", said
        if not _is_printable(node.key, node.type, node.name, node.config) or len(node.type) > LONGEST["type"]:
            yield f"nodes.{printable(node.key)[: LONGEST['key']]}", "It has characters that cannot be kept, or no type."


def _of_edges(drawing: Drawing) -> Iterator[tuple[str, str]]:
    for (source, label), times in Counter((edge.source, edge.label) for edge in drawing.edges).items():
        if times > 1:
            yield f"edges.{source}.{label}", f"{times} edges leave {source!r} by {label!r}: one exit leads to one node."
    for edge in drawing.edges:
        where = f"edges.{edge.source}.{edge.label}"
        if missing := [end for end in (edge.source, edge.target) if end not in drawing.by_key]:
            yield where, f"There is no node {missing[0]!r}."
        if not 0 < len(edge.label) <= LONGEST["label"] or not _is_printable(edge.label, edge.condition):
            yield printable(where), f"A label has 1 to {LONGEST['label']} characters that can be printed."


def _is_printable(*said: Any) -> bool:
    texts = (each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in said)
    return all(printable(text) == text and "\\u0000" not in text for text in texts)
