"""Calls: recorded once, then told about by events. Nothing that was said about a call is ever overwritten."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from calls.api import answers, filters, inputs, readings
from calls.api.keys import refuse_hidden
from calls.models import CallEvent, CallSession, CallStatus
from calls.services import dialing, outcomes, recording
from calls.services.recording import Told
from config.kernel.api.resources import Listed, ReadOnly, Resource, Retrieved
from config.kernel.api.schema import Refusal
from config.kernel.errors import Conflict
from config.kernel.providers import OutcomeUnknown, Rejected, Unavailable

CONCLUDE = ["calls.add_callevent"]


class NumberRejected(Conflict):
    """The telephone company will not dial this number, now or later."""

    code = "number_rejected"


class LineBusy(APIException):
    """The telephone company certainly did not dial; trying again is safe."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The telephone company cannot take the call now. Nobody was called: try again."
    default_code = "unavailable"
    wait = 5.0


class CallSessionViewSet(Listed, Retrieved, Resource):
    """Attempts to speak with someone. A session is written once; what happens in it is in its events."""

    queryset = CallSession.objects.none()
    reading = readings.CallSessionReading
    told = inputs.CallTold
    takes = {
        "events": inputs.EventTold,
        "outcome": inputs.OutcomeTold,
        "correct": inputs.CorrectionTold,
        "undo": inputs.UndoTold,
        "notes": inputs.NoteTold,
        "dial": inputs.DialTold,
    }
    needs = {
        **dict.fromkeys(["events", "outcome", "correct", "undo", "notes"], CONCLUDE),
        "dial": ["calls.use_call_desk"],
    }
    filterset_class = filters.CallSessionFilter
    ordering = ("-initiated_at", "-id")
    ordering_fields = ("initiated_at",)
    how_to_change = "A call is written once: POST to its events, outcome, correct, undo or notes."

    @extend_schema(responses={201: answers.RecordedShown, 200: answers.RecordedShown})
    def create(self, request: Any) -> Response:
        """Record a call that was made elsewhere. It is a fact: the gate never refuses it, and a breach is shown.

        A ``call_session_id`` that is known answers 200 with the stored call; 409 names the fields that differ.
        ``warnings`` name by field what was told and has no effect.
        """
        told = Told(**{name: value for name, value in self.asked().items() if value is not None})
        refuse_hidden(CallSession.objects.filter(call_session_id=told.call_session_id), request.user)
        session, created = recording.record(told=told, by=request.user, at=self.at)
        answer = self.written(session, created=created)
        answer.data["warnings"] = recording.warnings_of(session)
        return answer

    @extend_schema(responses={201: answers.DialedShown, 503: Refusal})
    @action(detail=False, methods=["post"])
    def dial(self, request: Any) -> Response:
        """Call a number of the person whom you hold, through the telephone company that is set up."""
        session = dialing.dial(user=request.user, point=self.asked()["point"], at=self.at)
        try:
            handover = dialing.begin(session)
        except Rejected as error:
            raise NumberRejected(f"The telephone company refuses this number: {error}") from error
        except Unavailable as error:
            raise LineBusy from error
        except OutcomeUnknown:
            return self._dialed(session, None)
        return self._dialed(session, {"kind": handover.kind, "url": handover.url})

    def _dialed(self, session: CallSession, handover: dict[str, str] | None) -> Response:
        """``handover`` is empty where nobody knows whether it rings: then do not dial again."""
        return Response({**self.shown(session.pk), "handover": handover}, status=status.HTTP_201_CREATED)

    @extend_schema(responses={201: readings.CallSessionReading})
    @action(detail=True, methods=["post"])
    def events(self, request: Any, pk: str) -> Response:
        """Tell what happened in the call."""
        session, told = self._own(), self.asked()
        recording.add_event(session=session, by=request.user, **{"at": self.at, **told})
        return Response(self.shown(session.pk), status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"])
    def outcome(self, request: Any, pk: str) -> Response:
        """Say how the call ended; what that causes happens in the same transaction."""
        session = self._own()
        outcomes.conclude(session=session, by=request.user, at=self.at, **self.asked())
        return Response(self.shown(session.pk))

    def _own(self) -> CallSession:
        session: CallSession = self.get_object()
        outcomes.require_own(session=session, by=self.asker)
        return session

    @action(detail=True, methods=["post"])
    def correct(self, request: Any, pk: str) -> Response:
        """Replace the outcome: within ten seconds by whoever gave it, later by an admin with a reason."""
        session = self.get_object()
        outcomes.correct(session=session, by=request.user, at=self.at, **self.asked())
        return Response(self.shown(session.pk))

    @action(detail=True, methods=["post"])
    def undo(self, request: Any, pk: str) -> Response:
        """Take the outcome back: what it caused is lifted."""
        session = self.get_object()
        outcomes.take_back(session=session, by=request.user, at=self.at, **self.asked())
        return Response(self.shown(session.pk))

    @extend_schema(responses={201: readings.CallSessionReading})
    @action(detail=True, methods=["post"])
    def notes(self, request: Any, pk: str) -> Response:
        session = self.get_object()
        outcomes.add_note(session=session, by=request.user, at=self.at, **self.asked())
        return Response(self.shown(session.pk), status=status.HTTP_201_CREATED)


class CallEventViewSet(ReadOnly):
    """What happened in calls."""

    queryset = CallEvent.objects.none()
    reading = readings.CallEventReading
    filterset_class = filters.CallEventFilter
    how_to_change = "Events are told to their call: POST /api/v1/call-sessions/{id}/events/. They are never changed."


class CallStatusViewSet(ReadOnly):
    """Where each call stands now: what its events amount to."""

    queryset = CallStatus.objects.none()
    reading = readings.CallStatusReading
    filterset_class = filters.CallStatusFilter
    ordering = ("-initiated_at", "-session_id")
    ordering_fields = ("initiated_at",)
    how_to_change = "A status follows from the events of its call: POST /api/v1/call-sessions/{id}/events/."
