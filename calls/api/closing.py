"""What forbids calling, and what admins decide about calling."""

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response

from calls.api import filters, inputs, readings
from calls.api.keys import refuse_hidden
from calls.models import CallingHours, CallingPolicy, Disposition, Lease, TerminalLift, TerminalSession
from calls.services import rulebook, terminal
from config.kernel.api.resources import Listed, ReadOnly, Resource, Retrieved
from crm.api.inputs import LiftTold
from crm.models import Project, ProjectContact


class TerminalSessionViewSet(Listed, Retrieved, Resource):
    """States that forbid calling: a project, a contact, a pair, a number or everyone; until a time, or for ever."""

    queryset = TerminalSession.objects.none()
    reading = readings.TerminalSessionReading
    told = inputs.TerminalTold
    takes = {"lift": LiftTold}
    needs = {"lift": ["calls.add_terminallift"]}
    filterset_class = filters.TerminalSessionFilter
    how_to_change = "It is written once. To end it, POST {reason} to .../lift/."

    def create(self, request: Any) -> Response:
        """Close. The same ``terminal_id`` again answers 200, 409 where the body differs."""
        asked = self.asked()
        if asked.get("terminal_id"):
            refuse_hidden(TerminalSession.objects.filter(terminal_id=asked["terminal_id"]), request.user)
        row, created = terminal.close(**asked, by=request.user, at=self.at)
        return self.written(row, created=created)

    @action(detail=True, methods=["post"])
    def lift(self, request: Any, pk: str) -> Response:
        """Open again, before the time is over, once."""
        row = self.get_object()
        terminal.lift(session=row, by=request.user, at=self.at, **self.asked())
        return Response(self.shown(row.pk))


class TerminalLiftViewSet(ReadOnly):
    """Why and by whom terminal sessions were lifted."""

    queryset = TerminalLift.objects.none()
    reading = readings.TerminalLiftReading
    filterset_class = filters.TerminalLiftFilter
    how_to_change = "Lift at POST /api/v1/terminal-sessions/{id}/lift/. What was lifted stays lifted: close again."

    def get_queryset(self) -> Any:
        seen = TerminalSession.objects.visible_to(self.request.user)
        return TerminalLift.objects.filter(session__in=seen)


class DispositionViewSet(Listed, Retrieved, Resource):
    """How a call may end, on which key, and what that causes. One that is not wanted any more is made inactive."""

    queryset = Disposition.objects.none()
    reading = readings.DispositionReading
    told = inputs.DispositionTold
    filterset_class = filters.DispositionFilter
    how_to_change = "Calls rest on it: PATCH is_active to false instead of deleting."

    def get_queryset(self) -> Any:
        return Disposition.objects.all()

    def create(self, request: Any) -> Response:
        """Make a disposition, or change the one of this name."""
        row, created = rulebook.put_disposition(**self.asked(), by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = rulebook.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class CallingPolicyViewSet(Listed, Retrieved, Resource):
    """How often a person and a number may be called: one row for all projects, and rows that tighten it for one."""

    queryset = CallingPolicy.objects.none()
    reading = readings.CallingPolicyReading
    told = inputs.PolicyTold
    changes = inputs.PolicyChanges
    filterset_class = filters.CallingPolicyFilter

    def get_queryset(self) -> Any:
        seen = Project.objects.visible_to(self.request.user)
        return CallingPolicy.objects.filter(Q(project=None) | Q(project__in=seen))

    def create(self, request: Any) -> Response:
        """Set the policy of a project, or without one the policy for all."""
        row, created = rulebook.put_policy(**{"project": None, **self.asked()}, by=request.user, at=self.at)
        return self.written(row, created=created)

    def partial_update(self, request: Any, pk: str) -> Response:
        row = rulebook.edit(row=self.get_object(), changes=self.asked(), by=request.user, at=self.at)
        return Response(self.shown(row.pk))

    def destroy(self, request: Any, pk: str) -> Response:
        """Let the policy for all hold for this project again."""
        rulebook.drop_policy(policy=self.get_object(), by=request.user, at=self.at)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CallingHoursViewSet(ReadOnly):
    """When a jurisdiction allows calls: rows of law, each with its source."""

    queryset = CallingHours.objects.none()
    reading = readings.CallingHoursReading
    takes = {"replace": inputs.HoursVerified}
    needs = {"replace": ["calls.change_callinghours"]}
    filterset_class = filters.CallingHoursFilter
    how_to_change = (
        "A row of law is never edited: POST {verified_on, source} to .../replace/ when it was looked up again."
    )

    def get_queryset(self) -> Any:
        return CallingHours.objects.all()

    @extend_schema(responses={201: readings.CallingHoursReading})
    @action(detail=True, methods=["post"])
    def replace(self, request: Any, pk: str) -> Response:
        """Put a new row with the same hours in the place of this one, good for 180 days; 409 where one has already."""
        row = rulebook.verify_hours(row=self.get_object(), by=request.user, at=self.at, **self.asked())
        return self.written(row, created=True)


class LeaseViewSet(ReadOnly):
    """Who holds whom now. Expired leases hold nobody back and are not listed."""

    queryset = Lease.objects.none()
    reading = readings.LeaseReading
    filterset_class = filters.LeaseFilter
    how_to_change = "Take, keep and give back a lease under /api/v1/eligible-calls/."

    def get_queryset(self) -> Any:
        leases = Lease.objects.live(self.at)
        if self.asker.sees_everything:
            return leases
        return leases.filter(pair__in=ProjectContact.objects.visible_to(self.request.user))
