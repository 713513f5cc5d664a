import pgtrigger
from django.db import models

from campaigns.choices import LIVE, Exit, NodeType
from campaigns.querysets import GraphQuerySet, NodeQuerySet
from config.kernel.models import Row, Timestamped

# A graph that somebody walks through, or may go back to, stays what it was: people are pinned to it.
_FROZEN = "EXISTS (SELECT FROM campaigns_graph WHERE id = {row}.graph_id AND frozen_at IS NOT NULL)"
_REFUSAL = "RAISE EXCEPTION 'A graph that was published is never changed: draw a new one.' USING ERRCODE = '23001';"
_OTHER_GRAPH = """
IF (SELECT count(*) FROM campaigns_node WHERE id IN (NEW.source_id, NEW.target_id) AND graph_id = NEW.graph_id)
   < (CASE WHEN NEW.source_id = NEW.target_id THEN 1 ELSE 2 END) THEN
    RAISE EXCEPTION 'An edge joins two nodes of its own graph.' USING ERRCODE = '23514';
END IF;"""
# Enrollments do not look at their node with every step: whoever takes it away looks at them.
_STOOD_ON = f"""
IF EXISTS (SELECT FROM campaigns_enrollment
           WHERE node_id = OLD.id AND state IN ({", ".join(f"'{state.value}'" for state in LIVE)})) THEN
    RAISE EXCEPTION 'Somebody stands on this node: let them leave the campaign first.' USING ERRCODE = '23503';
END IF;"""


def _parts_of_frozen(also: str = "", *, away: str = "") -> list[pgtrigger.Trigger]:
    """Refuse every change of nodes and edges whose graph is frozen. ``away``: what else is asked of one that goes."""
    moved = f"IF NEW.graph_id <> OLD.graph_id THEN {away} END IF;" if away else ""
    new, old = (f"IF {_FROZEN.format(row=row)} THEN {_REFUSAL} END IF;" for row in ("NEW", "OLD"))
    return [
        pgtrigger.Trigger(
            name="keep_added", when=pgtrigger.Before, operation=pgtrigger.Insert, func=f"{new} {also} RETURN NEW;"
        ),
        pgtrigger.Trigger(
            name="keep_changed",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            func=f"{new} {old} {also} {moved} RETURN NEW;",
        ),
        pgtrigger.Trigger(
            name="keep_removed", when=pgtrigger.Before, operation=pgtrigger.Delete, func=f"{old} {away} RETURN OLD;"
        ),
    ]


class Graph(Timestamped):
    """A drawing in the database. ``revision`` counts its changes, so that two who draw at once notice each other.

    Once it is frozen, the database lets nobody change it or its parts.
    """

    start = models.CharField(max_length=80, blank=True)
    on_reply = models.CharField(
        max_length=80, blank=True, help_text="Where a reply takes whoever waits for none. Empty: it ends their walk."
    )
    revision = models.PositiveIntegerField(default=0)
    frozen_at = models.DateTimeField(null=True, blank=True)

    objects = GraphQuerySet.as_manager()

    class Meta:
        triggers = [
            pgtrigger.Trigger(
                name="keep_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.frozen_at IS NOT NULL"),
                func=_REFUSAL,
            )
        ]

    def __str__(self) -> str:
        return f"Graph {self.pk}"


class Node(Row):
    graph = models.ForeignKey(Graph, models.CASCADE, related_name="nodes", db_index=False)
    key = models.CharField(max_length=80)
    type = models.CharField(max_length=20, choices=NodeType)
    name = models.CharField(max_length=120, blank=True)
    config = models.JSONField(default=dict, blank=True)
    x = models.FloatField(default=0)
    y = models.FloatField(default=0)

    objects = NodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["graph", "key"], name="campaigns_node_one_per_key"),
            # What refers to a node of a graph refers to both.
            models.UniqueConstraint(fields=["graph", "id"], name="campaigns_node_of_graph"),
        ]
        triggers = _parts_of_frozen(away=_STOOD_ON)

    def __str__(self) -> str:
        return self.name or self.key


class Edge(Row):
    graph = models.ForeignKey(Graph, models.CASCADE, related_name="edges")
    source = models.ForeignKey(Node, models.CASCADE, related_name="leaving", db_index=False)
    target = models.ForeignKey(Node, models.CASCADE, related_name="entering")
    label = models.CharField(max_length=80, default=Exit.NEXT)
    condition = models.JSONField(default=dict, blank=True)
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "label"], name="campaigns_edge_one_per_exit")]
        triggers = _parts_of_frozen(_OTHER_GRAPH)

    def __str__(self) -> str:
        return self.label
