"""Projects, and who has a part in them."""

from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response

from config.kernel.api.resources import Listed, Resource, Retrieved
from config.kernel.api.writing import Told
from crm.api import filters, inputs, readings
from crm.models import Project, ProjectContact
from crm.services import deleting, editing


class ProjectViewSet(Listed, Retrieved, Resource):
    """Construction and event projects that somebody is called about."""

    queryset = Project.objects.none()
    reading = readings.ProjectReading
    told = inputs.ProjectTold
    changes = inputs.ProjectChanges
    takes = {"restore": Told}
    needs = {"restore": ["crm.delete_project"]}
    filterset_class = filters.ProjectFilter
    ordering_fields = ("id", "updated_at", "status")

    def get_queryset(self) -> Any:
        return Project.objects.visible_to(self.request.user).alive()

    def create(self, request: Any) -> Response:
        """Make a project, or add to the one with this ``project_id``. A blank never overwrites."""
        row, created = editing.create_project(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = editing.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    def destroy(self, request: Any, pk: str) -> Response:
        """Delete softly: nobody is called about it any more, and what happened stays."""
        deleting.delete(row=self.get_object(), by=request.user, at=self.at)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @action(detail=True, methods=["post"])
    def restore(self, request: Any, pk: str) -> Response:
        """Bring a deleted project back."""
        row = self.one(Project.objects.visible_to(request.user), pk)
        self.asked()
        deleting.restore(row=row, by=request.user, at=self.at)
        return Response(self.shown(pk))


class ProjectContactViewSet(Listed, Retrieved, Resource):
    """The pairs that are called: one contact's part in one project."""

    queryset = ProjectContact.objects.none()
    reading = readings.ProjectContactReading
    told = inputs.PairTold
    changes = inputs.PairChanges
    filterset_class = filters.ProjectContactFilter
    how_to_change = "Its calls belong to it: PATCH suppress_for_project to true instead of deleting."

    def get_queryset(self) -> Any:
        return ProjectContact.objects.visible_to(self.request.user).alive()

    def create(self, request: Any) -> Response:
        """Give a contact a part in a project; who has one gets these roles besides."""
        row, created = editing.put_in_project(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = editing.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))
