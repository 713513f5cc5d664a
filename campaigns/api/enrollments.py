"""People in campaigns: their walks, and the enrolment of many at once."""

from collections.abc import Callable
from typing import Any

from rest_framework.decorators import action
from rest_framework.response import Response

from campaigns.api import filters, inputs
from campaigns.api import readings_of_people as readings
from campaigns.models import CallTask, Enrollment, EnrollmentRun
from campaigns.services import handling, marking
from config.kernel.api.resources import ReadOnly

CHANGE = ["campaigns.change_enrollment"]


class EnrollmentViewSet(ReadOnly):
    """People's walks through campaigns; one shows everything that happened on it."""

    queryset = Enrollment.objects.none()
    reading = readings.EnrollmentReading
    reading_one = readings.OneEnrollmentReading
    takes = {
        "leave": inputs.LeaveTold,
        "set_status": inputs.StatusTold,
        **dict.fromkeys(("pause", "resume", "retry"), inputs.NothingTold),
    }
    needs = dict.fromkeys(("leave", "set_status", "pause", "resume", "retry"), CHANGE)
    filterset_class = filters.EnrollmentFilter
    how_to_change = "People are enrolled at /api/v1/campaigns/{id}/enroll/, and leave by POST to .../leave/."

    @action(detail=True, methods=["post"])
    def leave(self, request: Any, pk: str) -> Response:
        """Take them out of the campaign, for a reason."""
        return self._done(handling.leave)

    @action(detail=True, methods=["post"])
    def pause(self, request: Any, pk: str) -> Response:
        """Let them stand still; what is left of their wait is kept. Whoever is parked stays so, led on by nothing."""
        return self._done(handling.pause)

    @action(detail=True, methods=["post"])
    def resume(self, request: Any, pk: str) -> Response:
        """Let them go on. Whoever is parked stays so, and is led on by an answer again."""
        return self._done(handling.resume)

    @action(detail=True, methods=["post"])
    def retry(self, request: Any, pk: str) -> Response:
        """Try again what could not be done for them. Whoever is paused goes on when they are resumed."""
        return self._done(handling.retry)

    @action(detail=True, methods=["post"], url_path="set-status")
    def set_status(self, request: Any, pk: str) -> Response:
        """Say what is so of them: "Received RSVP". Saying it again changes nothing."""
        return self._done(handling.set_status)

    def _done(self, verb: Callable[..., int]) -> Response:
        row, told = self.get_object(), self.asked()
        marking.handle(row, verb, **told, by=self.asker, at=self.at)
        return Response(self.shown(row.pk))


class CallTaskViewSet(ReadOnly):
    """Calls that campaigns ask for. One is done with the next outcome of a call to that person."""

    queryset = CallTask.objects.none()
    reading = readings.CallTaskReading
    filterset_class = filters.CallTaskFilter
    how_to_change = "Call them: POST to /api/v1/call-sessions/ with an outcome makes it done."


class EnrollmentRunViewSet(ReadOnly):
    """Enrolments of many: how far each is, and an account that adds up."""

    queryset = EnrollmentRun.objects.none()
    reading = readings.EnrollmentRunReading
    reading_one = readings.OneEnrollmentRunReading
    filterset_class = filters.EnrollmentRunFilter
    how_to_change = "POST to /api/v1/campaigns/{id}/enroll/ begins another."
