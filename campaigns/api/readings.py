"""What campaigns show. Columns only: nothing here costs a query per row."""

from typing import Any

from rest_framework import serializers

from campaigns.models import (
    Campaign,
    ContentTemplate,
    Edge,
    EnrollmentStatus,
    Graph,
    Node,
    Setback,
    Template,
    TemplateVersion,
)
from campaigns.rules.validation import Fault, faults
from campaigns.services import campaigns, graphs, surroundings
from config.kernel.api.reading import Reading, Shown


class ContentReading(Reading):
    class Meta:
        model = ContentTemplate
        fields = ["id", "key", "name", "channel", "subject", "body", "archived_at", "created_at", "updated_at"]


class EnrollmentStatusReading(Reading):
    class Meta:
        model = EnrollmentStatus
        fields = ["id", "name", "place", "is_active", "created_at", "updated_at"]


class NodeReading(Reading):
    order = ("id",)

    class Meta:
        model = Node
        fields = ["key", "type", "name", "config", "x", "y"]


class EdgeReading(Reading):
    order = ("order", "id")
    source = serializers.CharField(source="source.key")  # type: ignore[assignment]  # a field of the row, not DRF's word
    target = serializers.CharField(source="target.key")

    class Meta:
        model = Edge
        fields = ["source", "target", "label", "condition", "order"]


class FaultReading(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    node = serializers.CharField(help_text="Its key; empty where it is the graph.")
    field = serializers.CharField(help_text="The setting at fault, if it is one.")


class DifferenceReading(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["added", "removed", "changed"])
    what = serializers.ChoiceField(choices=["start", "on_reply", "node", "edge"])
    key = serializers.CharField()
    changes = serializers.DictField(child=serializers.ListField(), help_text="[before, after] by field.")


class GraphReading(Reading):
    class Meta:
        model = Graph
        fields = ["id", "start", "on_reply", "revision", "frozen_at", "created_at", "updated_at"]


class WholeGraphReading(GraphReading):
    """A graph with its parts, and with everything that is wrong with it."""

    nodes = NodeReading(many=True)
    edges = EdgeReading(many=True)
    faults = FaultReading(many=True)
    attached = ("faults",)

    class Meta(GraphReading.Meta):
        fields = [*GraphReading.Meta.fields, "nodes", "edges", "faults"]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Say what is wrong: of a campaign's graph what hinders that campaign, with its sender and its event."""
        for graph in shown:  # it is one: lists do not show them
            campaign = Campaign.objects.filter(graph=graph["id"]).select_related("graph", "sender").first()
            graph["faults"] = [FaultReading(fault).data for fault in _faults(graph, campaign)]


def _faults(graph: Shown, campaign: Campaign | None) -> list[Fault]:
    if campaign:
        return campaigns.faults_of(campaign)
    drawing = graphs.drawing_of(Graph(id=graph["id"], start=graph["start"], on_reply=graph["on_reply"]))
    return faults(drawing, surroundings.known())


class TemplateReading(Reading):
    revision = serializers.IntegerField(source="draft.revision", help_text="Of the draft.")

    class Meta:
        model = Template
        fields = [
            *("id", "name", "description", "status", "draft", "revision", "published_revision"),
            *("created_at", "updated_at"),
        ]


class TemplateVersionReading(Reading):
    class Meta:
        model = TemplateVersion
        fields = ["id", "template", "number", "graph", "note", "published_at", "published_by"]


class SetbackReading(Reading):
    """What workers could not do for it; the first success clears it."""

    order = ("since", "id")

    class Meta:
        model = Setback
        fields = ["what", "since", "tries", "retry_at", "error"]


class CampaignReading(Reading):
    template = serializers.UUIDField(source="version.template_id")
    setbacks = SetbackReading(many=True)

    class Meta:
        model = Campaign
        fields = [
            *("id", "name", "description", "status", "template", "version", "graph", "owner", "sender"),
            *("event_type", "event_date", "event_time", "event_place", "event_hook", "goal"),
            *("reentry", "reentry_days", "exclusive", "starts_per_day", "company_limit", "spread_minutes"),
            *("starts_at", "started_at", "paused_at", "ended_at", "setbacks", "created_at", "updated_at"),
        ]


class DeliveriesReading(serializers.Serializer[Any]):
    """What became of messages. ``written`` is the sum of those marked +, ``handed_over`` the sum of those marked =."""

    written = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="+ Not handed over yet.")
    handed_over = serializers.IntegerField(help_text="+ A provider has taken it.")
    unconfirmed = serializers.IntegerField(help_text="= No news yet.")
    delivered = serializers.IntegerField(help_text="=")
    undelivered = serializers.IntegerField(help_text="=")
    failed = serializers.IntegerField(help_text="+ Refused by the provider.")
    unsure = serializers.IntegerField(help_text="+ Nobody knows yet whether it went out.")
    blocked = serializers.IntegerField(help_text="+ The gate refused it.")
    not_sent = serializers.IntegerField(help_text="+ It was too late, or cancelled.")
    clicked = serializers.IntegerField(help_text="Of those written: they opened a link in it; scanners do not count.")
    answered = serializers.IntegerField(help_text="Of those written: somebody answered it.")
    opted_out = serializers.IntegerField(help_text="Of those written: somebody answered that they want no more.")


class NodeNumbersReading(serializers.Serializer[Any]):
    """What became of the people at one node."""

    node = serializers.UUIDField()
    key = serializers.CharField()
    type = serializers.CharField()
    name = serializers.CharField()
    arrived = serializers.IntegerField()
    passed = serializers.IntegerField()
    held = serializers.IntegerField(help_text="There now.")
    skipped = serializers.IntegerField(help_text="An execution on another channel passed it over.")
    blocked = serializers.IntegerField(help_text="The gate refused it.")
    failed = serializers.IntegerField(help_text="Its messages that were refused by the provider, or not delivered.")
    deliveries = DeliveriesReading(allow_null=True, help_text="Of a node that sends.")


class FunnelReading(serializers.Serializer[Any]):
    status = serializers.UUIDField()
    name = serializers.CharField()
    people = serializers.IntegerField()


class StatsReading(serializers.Serializer[Any]):
    """The numbers of a campaign."""

    total_contacts = serializers.IntegerField(help_text="People ever enrolled, each once.")
    enriched_contacts = serializers.IntegerField(help_text="With a number and an e-mail address when enrolled.")
    emails_generated = serializers.IntegerField()
    states = serializers.DictField(
        child=serializers.IntegerField(), help_text="Walks by their state: who began again is told of for each round."
    )
    funnel = FunnelReading(
        many=True, help_text="Walks by their status, the widest first: who began again is told of for each round."
    )
    deliveries = serializers.DictField(
        child=DeliveriesReading(), help_text="Messages by channel; the sum of the nodes."
    )
    nodes = NodeNumbersReading(many=True)


class MarkedReading(serializers.Serializer[Any]):
    found = serializers.IntegerField(help_text="Walks that were meant.")
    changed = serializers.IntegerField(help_text="Of those, the ones that had another status.")
    unknown = serializers.ListField(child=serializers.CharField(), help_text="Nobody of this campaign was found.")
