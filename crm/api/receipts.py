"""What the evidence of crm shows: what was allowed, done, decided, changed and taken in."""

from typing import Any

from rest_framework import serializers

from config.kernel.api.reading import Reading, Shown
from crm.api.readings import blank_hidden
from crm.models import (
    AuditEvent,
    Consent,
    Endpoint,
    GateDecision,
    IntakeRun,
    Project,
    ReviewItem,
    SourceRecord,
    Suppression,
    Touch,
)
from crm.reports import changes


class SourceRecordReading(Reading):
    class Meta:
        model = SourceRecord
        fields = [
            *("id", "source", "kind", "key", "hash", "raw", "contact", "project", "company"),
            *("first_seen_at", "changed_at"),
        ]


class SuppressionReading(Reading):
    class Meta:
        model = Suppression
        fields = [
            *("id", "endpoint", "channel", "reason", "words", "source", "at", "by", "cause"),
            *("lifted_at", "lifted_by", "lift_reason"),
        ]


class ConsentReading(Reading):
    class Meta:
        model = Consent
        fields = ["id", "contact", "endpoint", "channel", "kind", "at", "source", "evidence", "by"]


class TouchReading(Reading):
    class Meta:
        model = Touch
        fields = ["id", "contact", "endpoint", "project", "channel", "at", "user", "source", "source_id", "counts"]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        blank_hidden(shown, "project", Project, request=request)
        blank_hidden(shown, "endpoint", Endpoint, request=request)


class GateDecisionReading(Reading):
    class Meta:
        model = GateDecision
        fields = [
            *("id", "at", "action", "channel", "allowed", "codes", "contact", "endpoint", "pair", "user"),
            *("facts", "ruleset", "zones"),
        ]


class ReviewItemReading(Reading):
    class Meta:
        model = ReviewItem
        fields = [
            *("id", "kind", "contact", "other", "project", "company", "field", "value", "source"),
            *("resolved_at", "resolved_by"),
        ]


class IntakeRunReading(Reading):
    class Meta:
        model = IntakeRun
        fields = [
            *("id", "content_hash", "feed", "feed_version", "source", "file_name", "state", "rows_done", "counts"),
            *("error", "finished_at", "by", "ip", "user_agent", "request_id", "created_at", "updated_at"),
        ]


class AuditEventReading(Reading):
    attached = ("changes",)
    id = serializers.UUIDField(allow_null=True, help_text="Empty: a birth in bulk, which no event tells of.")
    actor_name = serializers.CharField(source="actor.name")
    changes = serializers.DictField(
        child=serializers.DictField(),
        help_text="By column: {old, new}; of a creation only new, of a deletion only old.",
    )

    class Meta:
        model = AuditEvent
        fields = [
            *("id", "at", "entity", "entity_id", "operation", "actor", "actor_name", "service", "ip", "user_agent"),
            *("request_id", "changes"),
        ]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        events = AuditEvent.objects.filter(pk__in=[item["id"] for item in shown]).values_list("id", "old", "new")
        told = {key: changes.differences(old, new) for key, old, new in events}
        for item in shown:
            item["changes"] = told[item["id"]]


def born(birth: changes.Birth) -> Shown:
    """Return the birth of a row that no event tells of, as an event is shown."""
    run, by = birth.origin.run, birth.by
    return {
        "id": None, "at": birth.at, "entity": birth.entity, "entity_id": birth.entity_id, "operation": "create",
        "actor": by and by.pk, "actor_name": by and by.name, "service": changes.SERVICE,
        "ip": run and run.ip, "user_agent": run.user_agent if run else "",
        "request_id": run.request_id if run else "", "changes": changes.differences(None, birth.new),
    }  # fmt: skip
