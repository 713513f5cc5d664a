"""What telephone work shows. Columns only: nothing here costs a query per row."""

from typing import Any

from rest_framework import serializers

from calls.models import (
    CallEvent,
    CallingHours,
    CallingPolicy,
    CallSession,
    CallStatus,
    Disposition,
    Lease,
    TerminalLift,
    TerminalSession,
)
from config.kernel.api.reading import Reading, Shown
from crm.api.readings import blank_hidden
from crm.models import ContactPoint, Endpoint, Project, ProjectContact


class CallEventReading(Reading):
    order = ("at", "id")

    class Meta:
        model = CallEvent
        fields = ["id", "session", "kind", "at", "by", "disposition", "facts", "external_id", "corrects"]


class CallStatusReading(Reading):
    disposition_name = serializers.CharField(source="disposition.name")

    class Meta:
        model = CallStatus
        fields = [
            *("session", "rep", "direction", "initiated_at", "status", "answered_at", "ended_at", "duration"),
            *("recording_url", "disposition", "disposition_name", "outcome_at", "notes"),
        ]


class CallNowReading(CallStatusReading):
    """The status inside its session, which says the rest."""

    class Meta(CallStatusReading.Meta):
        fields = [
            *("session", "status", "answered_at", "ended_at", "duration", "recording_url"),
            *("disposition", "disposition_name", "outcome_at", "notes"),
        ]


class CallSessionReading(Reading):
    now = CallNowReading()
    events = CallEventReading(many=True)

    class Meta:
        model = CallSession
        fields = [
            *("id", "call_session_id", "pair", "contact", "project", "rep", "point", "endpoint", "number"),
            *("direction", "initiated_at", "source", "decision_id", "outside_gate", "recorded_at", "now", "events"),
        ]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Leave out what the user does not see: a number that reaches a colleague's person, somebody else's project."""
        blank_hidden(shown, "pair", ProjectContact, request=request)
        blank_hidden(shown, "project", Project, request=request)
        blank_hidden(shown, "point", ContactPoint, request=request)
        blank_hidden(shown, "endpoint", Endpoint, request=request)


class TerminalLiftReading(Reading):
    class Meta:
        model = TerminalLift
        fields = ["id", "session", "at", "reason", "by", "cause"]


class TerminalSessionReading(Reading):
    class Meta:
        model = TerminalSession
        fields = [
            *("id", "terminal_id", "scope", "kind", "project", "contact", "pair", "endpoint", "reason", "at", "until"),
            *("by", "cause", "lifted_at"),
        ]


class DispositionReading(Reading):
    class Meta:
        model = Disposition
        fields = [
            *("id", "name", "key", "sentiment", "retry_after", "terminal_scope", "terminal_for", "do_not_call"),
            *("wrong_person", "asks_callback", "project_waits_for", "reached", "is_active", "created_at", "updated_at"),
        ]


class CallingPolicyReading(Reading):
    class Meta:
        model = CallingPolicy
        fields = [
            *("id", "project", "cooldown", "cooldown_scope", "day_cap", "week_cap", "created_at", "updated_at"),
        ]


class CallingHoursReading(Reading):
    class Meta:
        model = CallingHours
        fields = [
            *("id", "rule_id", "jurisdiction", "channels", "windows", "holidays", "closed_on", "severity"),
            *("configurable", "confidence", "effective_from", "effective_to", "verified_on", "expires_on", "source"),
            *("replaced_at", "created_at", "updated_at"),
        ]


class LeaseReading(Reading):
    project = serializers.UUIDField(source="pair.project_id")
    project_name = serializers.CharField(source="pair.project.name")
    contact_name = serializers.CharField(source="contact.name")
    number = serializers.CharField(source="endpoint.value")

    class Meta:
        model = Lease
        fields = [
            *("id", "pair", "project", "project_name", "contact", "contact_name", "endpoint", "number", "user"),
            *("taken_at", "expires_at", "decision_id"),
        ]
