"""Graphs ready to be walked. One that is frozen never changes, so what was read of it once holds for ever."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from campaigns.choices import RUNNING, NodeType
from campaigns.models import Campaign, ContentTemplate, EnrollmentStatus, Execution, Graph, Node
from campaigns.rules.composing import Content
from campaigns.rules.drawings import Drawing
from campaigns.rules.moves import Route
from campaigns.rules.node_types import CHANNEL_OF
from campaigns.services import graphs, letting_go
from config.kernel import kept

MOST_KEPT: Final = 256  # maps of graphs


@dataclass(frozen=True, slots=True)
class Map:
    """A drawing with the ids of its nodes, both ways."""

    drawing: Drawing
    ids: Mapping[str, UUID]
    keys: Mapping[UUID, str]
    channels: frozenset[str]
    contents: tuple[str, ...]


_frozen: Final[dict[UUID, Map]] = {}


def map_of(graph: UUID) -> Map:
    """Return what there is to know of a graph; of one that is frozen nothing is asked again.

    Whoever is enrolled in a draft may be told of before it starts: that is read as it is drawn now.
    """
    known = _frozen.get(graph)
    if known is None:
        row = Graph.objects.get(pk=graph)
        known = _read(row)
        if row.frozen_at:
            if len(_frozen) >= MOST_KEPT:
                _frozen.clear()
            _frozen[graph] = known
    return known


def _read(row: Graph) -> Map:
    drawing = graphs.drawing_of(row)
    ids = dict(Node.objects.filter(graph=row).values_list("key", "id"))
    named = {str(node.config["content"]) for node in drawing.nodes if "content" in node.config}
    return Map(drawing, ids, {pk: key for key, pk in ids.items()}, channels_in(drawing), tuple(sorted(named)))


def channels_in(drawing: Drawing) -> frozenset[str]:
    """Return on which channels a drawing sends."""
    return frozenset(CHANNEL_OF[NodeType(n.type)].value for n in drawing.nodes if n.type in CHANNEL_OF)


@lru_cache(maxsize=1024)
def channel_of(execution: UUID | None) -> str:
    """Return the one channel on which an execution approaches people, "" where there is no such limit."""
    return Execution.objects.get(pk=execution).channel if execution else ""


def channels_walked(campaign: Campaign) -> frozenset[str]:
    """Return the channels on which people walk a campaign, whoever is still to begin included: "" is every one."""
    if campaign.started_at is None or not channel_of(campaign.execution_id):
        return frozenset({""})
    begun = campaign.enrollments.live().exclude(node=None).order_by().values_list("execution", flat=True).distinct()
    return frozenset(map(channel_of, {*begun, campaign.execution_id}))


@dataclass(frozen=True, slots=True)
class Words:
    """What people may edit while others walk: contents and statuses as they are now."""

    contents: Mapping[str, Content]
    status_ids: Mapping[str, UUID]
    status_names: Mapping[UUID, str]


@kept.question
def _contents(keys: tuple[str, ...]) -> "QuerySet[ContentTemplate, tuple[str, str, str, str]]":
    return ContentTemplate.objects.in_use().filter(key__in=keys).values_list("key", "channel", "subject", "body")


@kept.question
def _statuses() -> "QuerySet[EnrollmentStatus, tuple[UUID, str]]":
    return EnrollmentStatus.objects.values_list("id", "name")


def words_of(keys: tuple[str, ...]) -> Words:
    """Return these contents and all statuses, in two queries."""
    names = dict(_statuses())
    contents = {key: Content(channel, subject, body) for key, channel, subject, body in _contents(keys=keys)}
    return Words(contents, {name: pk for pk, name in names.items()}, names)


def route_of(campaign: Campaign, graph: UUID, words: Words) -> Route:
    """Return the graph as those who are pinned to it walk it in this campaign."""
    return Route(
        drawing=map_of(graph).drawing,
        goal=words.status_names.get(campaign.goal_id, "") if campaign.goal_id else "",
        statuses=frozenset(words.status_ids),
        event=campaign.event_date,
        stands_since=None if campaign.status in RUNNING else letting_go.stands_since(campaign),
    )
