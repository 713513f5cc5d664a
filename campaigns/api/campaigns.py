"""Campaigns: made, edited, started, paused, resumed, counted."""

from collections.abc import Callable
from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from campaigns.api import filters, inputs, readings
from campaigns.api.readings_of_people import EnrollmentRunReading, ExecutionReading
from campaigns.models import Campaign, Graph
from campaigns.reports import numbers
from campaigns.services import campaigns, counting, enrolling, executing, marking
from config.kernel.api.reading import Reading
from config.kernel.api.resources import Listed, Resource, Retrieved, in_time

SEE = ["campaigns.view_campaign"]
CHANGE = ["campaigns.change_campaign"]
DELETE = ["campaigns.delete_campaign"]


class CampaignViewSet(Listed, Retrieved, Resource):
    """Running copies of a graph. Its graph is drawn on at /api/v1/graphs/{graph}/ until it starts."""

    queryset = Campaign.objects.none()
    reading = readings.CampaignReading
    told = inputs.CampaignTold
    changes = inputs.CampaignChanges
    takes = {
        "enroll": inputs.EnrollTold,
        "execute": inputs.ExecuteTold,
        "mark": inputs.MarkTold,
        "schedule": inputs.ScheduleTold,
        **dict.fromkeys(
            ("unschedule", "start", "pause", "resume", "drain", "complete", "archive", "bring_back"),
            inputs.NothingTold,
        ),
    }
    needs = {
        **dict.fromkeys(("schedule", "unschedule", "start", "pause", "resume", "drain", "complete"), CHANGE),
        **dict.fromkeys(("archive", "bring_back"), DELETE),
        "enroll": ["campaigns.add_enrollmentrun"],
        "execute": ["campaigns.add_execution"],
        "mark": ["campaigns.change_enrollment"],
        **dict.fromkeys(("compare", "faults", "graph", "stats"), SEE),
    }
    filterset_class = filters.CampaignFilter
    ordering_fields = ("id", "owner", "sender", "status")
    how_to_change = "A campaign is not deleted, because what was sent stays: POST to .../archive/."

    def create(self, request: Any) -> Response:
        """Begin a campaign with a copy of the graph of a version. 409 where its name is taken."""
        row = campaigns.create(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=True)

    def partial_update(self, request: Any, pk: str) -> Response:
        """Change it; 409 names what cannot be changed in its status."""
        row = campaigns.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    @action(detail=True, methods=["post"])
    def schedule(self, request: Any, pk: str) -> Response:
        """Let it start by itself; 400 names every fault with its node."""
        return self._done(campaigns.schedule)

    @action(detail=True, methods=["post"])
    def unschedule(self, request: Any, pk: str) -> Response:
        """Make it a draft again."""
        return self._done(campaigns.unschedule)

    @action(detail=True, methods=["post"])
    def start(self, request: Any, pk: str) -> Response:
        """Let people walk; 400 names every fault with its node. From now on its graph never changes."""
        return self._done(campaigns.start)

    @action(detail=True, methods=["post"])
    def pause(self, request: Any, pk: str) -> Response:
        """Stop everybody where they are: after the answer nothing moves and nothing is handed over any more."""
        return self._done(campaigns.pause)

    @action(detail=True, methods=["post"])
    def resume(self, request: Any, pk: str) -> Response:
        """Let people go on, and more come in: to let only those in it go on, drain it. What has come due meanwhile is
        spread over ``spread_minutes``."""
        return self._done(campaigns.resume)

    @action(detail=True, methods=["post"])
    def drain(self, request: Any, pk: str) -> Response:
        """Let nobody in any more; whoever is in it goes on to the end, and then it is completed."""
        return self._done(campaigns.drain)

    @action(detail=True, methods=["post"])
    def complete(self, request: Any, pk: str) -> Response:
        """End it; whoever is still on the way leaves."""
        return self._done(campaigns.complete)

    @action(detail=True, methods=["post"])
    def archive(self, request: Any, pk: str) -> Response:
        """Put it out of sight; what was sent stays."""
        return self._done(campaigns.archive)

    @action(detail=True, methods=["post"], url_path="bring-back")
    def bring_back(self, request: Any, pk: str) -> Response:
        """Take it out of the archive."""
        return self._done(campaigns.bring_back)

    @extend_schema(responses={202: EnrollmentRunReading})
    @action(detail=True, methods=["post"])
    def enroll(self, request: Any, pk: str) -> Response:
        """Ask for people to be enrolled; how far that is, is told at /api/v1/enrollment-runs/{id}/."""
        row, told = self.get_object(), self.asked()
        run = enrolling.begin(campaign=row, **told, by=self.asker, at=self.at)
        return self._under_way(EnrollmentRunReading, run, "enrollment-run-detail")

    @extend_schema(responses={202: ExecutionReading})
    @action(detail=True, methods=["post"])
    def execute(self, request: Any, pk: str) -> Response:
        """Carry it out for everybody who waits to begin, as the whole graph or on one channel; a new one is started.

        The answer comes at once; what came of it is told at /api/v1/executions/{id}/ and to whoever asked. Whoever is
        enrolled later begins on the same channel: ask for the whole graph to end that, also while nobody waits.
        """
        row, told = self.get_object(), self.asked()
        execution = executing.begin(campaign=row, **told, by=self.asker, at=self.at)
        return self._under_way(ExecutionReading, execution, "execution-detail")

    @extend_schema(responses=readings.MarkedReading)
    @action(detail=True, methods=["post"], url_path="set-status")
    def mark(self, request: Any, pk: str) -> Response:
        """Give many people a status, by a list of walks, contacts, e-mail addresses or numbers."""
        row, told = self.get_object(), self.asked()
        marked = marking.mark(campaign=row, **told, by=self.asker, at=self.at)
        return Response(readings.MarkedReading(marked).data)

    @extend_schema(responses=readings.WholeGraphReading)
    @action(detail=True, methods=["get"])
    @in_time
    def graph(self, request: Any, pk: str) -> Response:
        """Its graph with all parts, and with everything that would hinder it from starting."""
        plan = readings.WholeGraphReading.plan()
        rows = list(Graph.objects.filter(pk=self.get_object().graph_id).values_list(*plan.columns))
        return Response(plan.show(rows, request=request)[0])

    @extend_schema(responses=readings.FaultReading(many=True))
    @action(detail=True, methods=["get"])
    @in_time
    def faults(self, request: Any, pk: str) -> Response:
        """Everything that would hinder it from starting or going on, each with its node; that nobody sends for it on
        the channels on which people walk it included."""
        found = campaigns.faults_of(self.get_object())
        return Response([readings.FaultReading(fault).data for fault in found])

    @extend_schema(responses=readings.DifferenceReading(many=True))
    @action(detail=True, methods=["get"])
    @in_time
    def compare(self, request: Any, pk: str) -> Response:
        """What makes its graph of the version that it came from."""
        found = campaigns.differences_of(self.get_object())
        return Response([readings.DifferenceReading(each).data for each in found])

    @extend_schema(responses=readings.StatsReading)
    @action(detail=True, methods=["get"])
    @in_time
    def stats(self, request: Any, pk: str) -> Response:
        """How many people it has, where they stand, and what became of them at every node."""
        row = self.get_object()
        found = numbers.of_campaign(row, counting.numbers(row), counting.by_node(row))
        return Response(
            {
                **found.whole,
                "states": found.states,
                "funnel": [
                    {"status": status.pk, "name": status.name, "people": people} for status, people in found.funnel
                ],
                "deliveries": found.deliveries,
                "nodes": [
                    {"node": node.pk, "key": node.key, "type": node.type, "name": node.name, **counted}
                    for node, counted in found.nodes
                ],
            }
        )

    def _under_way(self, reading: type[Reading], row: Any, address: str) -> Response:
        """Answer a POST that leaves work: 202, and where to ask how far it is."""
        plan = reading.plan()
        rows = list(type(row).objects.filter(pk=row.pk).values_list(*plan.columns))
        headers = {"Location": reverse(address, args=[row.pk])}
        return Response(plan.show(rows, request=self.request)[0], status=202, headers=headers)

    def _done(self, verb: Callable[..., Campaign]) -> Response:
        row, told = self.get_object(), self.asked()
        return Response(self.shown(verb(row=row, **told, by=self.asker, at=self.at).pk))
