"""Templates, their versions, the graphs behind them, and the words that they send."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from campaigns.api import filters, inputs, readings
from campaigns.models import ContentTemplate, EnrollmentStatus, Graph, Template, TemplateVersion
from campaigns.services import contents, drawing, exchange, graphs, statuses, templates, values
from config.kernel.api.resources import Listed, ReadOnly, Resource, Retrieved, in_time

CHANGE = ["campaigns.change_template"]


class ContentViewSet(Listed, Retrieved, Resource):
    """What campaigns send and reps read out: texts with merge tags such as {{contact.first_name|there}}."""

    queryset = ContentTemplate.objects.none()
    reading = readings.ContentReading
    told = inputs.ContentTold
    changes = inputs.ContentChanges
    takes = {"preview": inputs.PreviewAsked, "archive": inputs.NothingTold}
    needs = {"preview": ["campaigns.view_contenttemplate"], "archive": ["campaigns.delete_contenttemplate"]}
    filterset_class = filters.ContentFilter
    how_to_change = "Campaigns rest on it: POST to .../archive/ takes it out of use."

    def create(self, request: Any) -> Response:
        """Write a content, or change the one with this key."""
        row, created = contents.put(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = contents.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def preview(self, request: Any, pk: str) -> Response:
        """Show what a contact would get, which tags have no value, which get theirs in a campaign, and of an SMS how
        long it is."""
        row, asked = self.get_object(), self.asked()
        said = values.in_campaign(asked["contact"], asked.get("campaign"))
        found = contents.preview(channel=row.channel, subject=row.subject, body=row.body, values=said)
        length = found.length and {
            "encoding": found.length.encoding,
            "units": found.length.units,
            "segments": found.length.segments,
            "odd_characters": list(found.length.odd),
        }
        lists = {"missing": list(found.missing), "later": list(found.later)}
        return Response({"subject": found.subject, "body": found.body, **lists, "sms": length})

    @action(detail=True, methods=["post"])
    def archive(self, request: Any, pk: str) -> Response:
        """Take it out of use. Writing its key again brings it back."""
        self.asked()
        row = contents.archive(row=self.get_object(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class EnrollmentStatusViewSet(Listed, Retrieved, Resource):
    """What may be said of somebody in a campaign. One that is not wanted any more is made inactive."""

    queryset = EnrollmentStatus.objects.none()
    reading = readings.EnrollmentStatusReading
    told = inputs.EnrollmentStatusTold
    filterset_class = filters.EnrollmentStatusFilter
    how_to_change = "Campaigns rest on it: PATCH is_active to false instead of deleting."

    def get_queryset(self) -> Any:
        return EnrollmentStatus.objects.all()

    def create(self, request: Any) -> Response:
        """Add a status, or change the one of this name."""
        row, created = statuses.put(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = statuses.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class GraphViewSet(Listed, Retrieved, Resource):
    """Nodes and labelled edges. A draft is drawn on as a whole; what was published, or began to run, never changes."""

    queryset = Graph.objects.none()
    reading = readings.GraphReading
    reading_one = readings.WholeGraphReading
    changes = inputs.GraphTold
    takes = {"compare": inputs.CompareAsked, "import_csv": inputs.CsvTold}
    needs = {
        "partial_update": CHANGE,
        "import_csv": CHANGE,
        "compare": ["campaigns.view_graph"],
        "export_csv": ["campaigns.view_graph"],
        "export_json": ["campaigns.view_graph"],
    }
    filterset_class = filters.GraphFilter
    how_to_change = "PATCH {revision, start, nodes, edges} to a draft. POST /api/v1/templates/ begins another."

    def partial_update(self, request: Any, pk: str) -> Response:
        """Replace the graph; 409 where somebody has changed the revision that you read."""
        graph = self.get_object()
        return self._drawn(graph, **self.asked())

    @action(detail=True, methods=["post"], url_path="import-csv")
    def import_csv(self, request: Any, pk: str) -> Response:
        """Replace the graph by what a CSV says, as .../export-csv/ writes it."""
        graph, told = self.get_object(), self.asked()
        return self._drawn(graph, drawing=exchange.from_csv(told["csv"]), revision=told["revision"])

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"], url_path="export-csv")
    @in_time
    def export_csv(self, request: Any, pk: str) -> HttpResponse:
        """Write the graph for a spreadsheet."""
        graph = self.get_object()
        text = exchange.to_csv(graphs.drawing_of(graph))
        headers = {"Content-Disposition": f'attachment; filename="graph-{graph.pk}.csv"'}
        return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"], url_path="export-json")
    @in_time
    def export_json(self, request: Any, pk: str) -> HttpResponse:
        """Write the graph for another system: POST it as ``graph`` to /api/v1/templates/, or PATCH it to a draft."""
        graph = self.get_object()
        headers = {"Content-Disposition": f'attachment; filename="graph-{graph.pk}.json"'}
        data = exchange.to_json(graphs.drawing_of(graph))
        return HttpResponse(data, content_type="application/json", headers=headers)

    @extend_schema(responses=readings.DifferenceReading(many=True))
    @action(detail=True, methods=["post"])
    def compare(self, request: Any, pk: str) -> Response:
        """Show what makes another graph of this one."""
        found = templates.differences(self.get_object(), self.asked()["to"])
        return Response([readings.DifferenceReading(each).data for each in found])

    def _drawn(self, graph: Graph, **told: Any) -> Response:
        drawing.draw_graph(graph=graph, **told, by=self.asker, at=self.at)
        return Response(self.shown(graph.pk))


class TemplateViewSet(Listed, Retrieved, Resource):
    """Reusable graphs: a draft that people draw on at /api/v1/graphs/{draft}/, and versions that never change."""

    queryset = Template.objects.none()
    reading = readings.TemplateReading
    told = inputs.TemplateTold
    changes = inputs.TemplateChanges
    takes = {
        "publish": inputs.PublishTold,
        "clone": inputs.CloneTold,
        "archive": inputs.NothingTold,
        "bring_back": inputs.NothingTold,
    }
    needs = {
        "publish": CHANGE,
        "clone": ["campaigns.add_template"],
        "archive": CHANGE,
        "bring_back": CHANGE,
    }
    filterset_class = filters.TemplateFilter
    how_to_change = "Campaigns rest on it: POST to .../archive/ takes it out of use."

    def create(self, request: Any) -> Response:
        """Begin a template. 409 where its name is taken."""
        told = self.asked()
        drawing = told.pop("graph", {}).get("drawing", templates.EMPTY)
        row = templates.create(**told, drawing=drawing, by=request.user, at=self.at)
        return self.written(row, created=True)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = templates.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    @extend_schema(responses={201: readings.TemplateVersionReading})
    @action(detail=True, methods=["post"])
    def publish(self, request: Any, pk: str) -> Response:
        """Make the draft the next version; 400 names every fault with its node, 409 where nothing is new."""
        version = templates.publish(row=self.get_object(), **self.asked(), by=request.user, at=self.at)
        plan = readings.TemplateVersionReading.plan()
        rows = list(TemplateVersion.objects.filter(pk=version.pk).values_list(*plan.columns))
        return Response(plan.show(rows, request=request)[0], status=201)

    @action(detail=True, methods=["post"])
    def clone(self, request: Any, pk: str) -> Response:
        """Begin another template with the same draft."""
        row = templates.clone(row=self.get_object(), **self.asked(), by=request.user, at=self.at)
        return self.written(row, created=True)

    @action(detail=True, methods=["post"])
    def archive(self, request: Any, pk: str) -> Response:
        """Let nobody begin a campaign with it any more."""
        self.asked()
        row = templates.archive(row=self.get_object(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    @action(detail=True, methods=["post"], url_path="bring-back")
    def bring_back(self, request: Any, pk: str) -> Response:
        """Take it out of the archive."""
        self.asked()
        row = templates.bring_back(row=self.get_object(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class TemplateVersionViewSet(ReadOnly):
    """What templates were when they were published."""

    queryset = TemplateVersion.objects.none()
    reading = readings.TemplateVersionReading
    takes = {"restore": inputs.RestoreTold}
    needs = {"restore": CHANGE}
    filterset_class = filters.TemplateVersionFilter
    how_to_change = "A version never changes: POST {revision} to .../restore/ makes it the draft again."

    @action(detail=True, methods=["post"])
    def restore(self, request: Any, pk: str) -> Response:
        """Make the draft of the template what it was in this version; 409 where somebody has changed the revision that
        you read."""
        version = self.get_object()
        templates.restore(version=version, **self.asked(), by=request.user, at=self.at)
        return Response(self.shown(version.pk))
