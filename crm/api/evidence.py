"""Evidence: what sources said, what was allowed, done and decided. Written once; a correction is a new row."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from config.kernel.api.fields import VisibleRelatedField
from config.kernel.api.resources import Listed, ReadOnly, Resource, Retrieved, in_time
from config.kernel.api.writing import Told
from crm.api import filters, readings, receipts
from crm.api.inputs import LiftTold, PastField
from crm.choices import Channel, ConsentKind, Operation, SuppressionReason
from crm.models import (
    AuditEvent,
    Consent,
    Contact,
    Endpoint,
    GateDecision,
    HoursProfile,
    IntakeRun,
    ReviewItem,
    SourceRecord,
    Suppression,
    Touch,
)
from crm.reports import changes
from crm.services import consenting, reviewing, suppressing


class SourceRecordViewSet(ReadOnly):
    """What a source last said about one record, word for word."""

    queryset = SourceRecord.objects.none()
    reading = receipts.SourceRecordReading
    filterset_class = filters.SourceRecordFilter
    how_to_change = "Sources speak through POST /api/v1/intake/."


class TouchViewSet(ReadOnly):
    """Every outbound attempt, on any channel: the ledger that caps and cooldowns read."""

    queryset = Touch.objects.none()
    reading = receipts.TouchReading
    filterset_class = filters.TouchFilter
    ordering = ("-at", "-id")
    ordering_fields = ("at",)
    how_to_change = "A touch is written by whatever makes it: record a call at POST /api/v1/call-sessions/."


class GateDecisionViewSet(ReadOnly):
    """The gate's receipts: who was to be approached, what stood against it, and on which facts."""

    queryset = GateDecision.objects.none()
    reading = receipts.GateDecisionReading
    filterset_class = filters.GateDecisionFilter
    how_to_change = "A decision is a receipt: change what it rests on, and the next one differs."


class IntakeRunViewSet(ReadOnly):
    """Files and requests that were taken in, with their counts: rows = created + updated + unchanged + refused."""

    queryset = IntakeRun.objects.none()
    reading = receipts.IntakeRunReading
    filterset_class = filters.IntakeRunFilter
    how_to_change = "A run begins with POST /api/v1/intake/."


class HoursProfileViewSet(ReadOnly):
    """Sets of zones and jurisdictions that numbers share."""

    queryset = HoursProfile.objects.none()
    reading = readings.HoursProfileReading
    filterset_class = filters.HoursProfileFilter
    how_to_change = "Profiles follow from numbers and addresses."


class SuppressTold(Told):
    """Exactly one of endpoint, phone and email says what is to be left alone."""

    endpoint = VisibleRelatedField(queryset=Endpoint.objects.all(), required=False)
    phone = serializers.CharField(required=False, max_length=100, help_text="Need not be known yet.")
    email = serializers.CharField(required=False, max_length=320)
    at = PastField()
    reason = serializers.ChoiceField(choices=SuppressionReason.choices, default=SuppressionReason.MANUAL)
    channel = serializers.ChoiceField(choices=Channel.choices, default="", allow_blank=True, help_text="Empty: all.")
    words = serializers.CharField(default="", allow_blank=True, max_length=5000, help_text="What they said.")
    source = serializers.CharField(default="api", max_length=80)  # type: ignore[assignment]  # DRF takes it off the class


class SuppressionViewSet(Listed, Retrieved, Resource):
    """ "Do not contact this endpoint". It ends only by being lifted, with a reason, by somebody who may."""

    queryset = Suppression.objects.none()
    reading = receipts.SuppressionReading
    told = SuppressTold
    takes = {"lift": LiftTold}
    needs = {"lift": ["crm.change_suppression"]}
    filterset_class = filters.SuppressionFilter
    how_to_change = "To end it, POST {reason} to .../lift/."

    def create(self, request: Any) -> Response:
        """Let nobody use a line, also a number or an address that is not known yet. 200 if that stands already."""
        row, created = suppressing.put_suppression(**{"at": self.at, **self.asked()}, by=request.user)
        return self.written(row, created=created)

    @action(detail=True, methods=["post"])
    def lift(self, request: Any, pk: str) -> Response:
        """End the suppression; somebody may be contacted again because of it."""
        row = self.get_object()
        suppressing.lift(suppression=row, reason=self.asked()["reason"], by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class ConsentTold(Told):
    contact = VisibleRelatedField(queryset=Contact.objects.alive())
    kind = serializers.ChoiceField(choices=ConsentKind.choices)
    endpoint = VisibleRelatedField(queryset=Endpoint.objects.all(), required=False, allow_null=True)
    channel = serializers.ChoiceField(choices=Channel.choices, default="", allow_blank=True, help_text="Empty: all.")
    source = serializers.CharField(default="api", max_length=80)  # type: ignore[assignment]  # DRF takes it off the class
    evidence = serializers.CharField(default="", allow_blank=True, max_length=20_000)
    at = PastField()


class ConsentViewSet(Listed, Retrieved, Resource):
    """Evidence that somebody allowed us to approach them, or took it back."""

    queryset = Consent.objects.none()
    reading = receipts.ConsentReading
    told = ConsentTold
    filterset_class = filters.ConsentFilter
    how_to_change = 'To take a consent back, POST another with kind "withdrawn".'

    def create(self, request: Any) -> Response:
        """Keep evidence; the same again is the row that is there. Without ``at`` that holds for a day."""
        asked = self.asked()
        if "at" not in asked:
            asked |= {"at": self.at, "again_within": consenting.REPEAT}
        row, created = consenting.keep(**asked, by=request.user)
        return self.written(row, created=created)


class ReviewItemViewSet(ReadOnly):
    """What an intake saw and did not decide: a person looks, corrects what is wrong, and puts it away."""

    queryset = ReviewItem.objects.none()
    reading = receipts.ReviewItemReading
    takes = {"resolve": Told}
    needs = {"resolve": ["crm.change_reviewitem"]}
    filterset_class = filters.ReviewItemFilter
    how_to_change = "Correct the records that it names, then POST to .../resolve/."

    @action(detail=True, methods=["post"])
    def resolve(self, request: Any, pk: str) -> Response:
        """Put the item away. Nothing else changes."""
        row = self.get_object()
        self.asked()
        reviewing.resolve(item=row, by=request.user, at=self.at)
        return Response(self.shown(row.pk))


class AuditLogViewSet(ReadOnly):
    """Who changed what, when, from where, from what to what.

    With ``entity_id`` the oldest page has the creation of that row, also where it was born in bulk: then without an id
    of its own, and by whoever sent the records.
    """

    queryset = AuditEvent.objects.none()
    reading = receipts.AuditEventReading
    filterset_class = filters.AuditFilter
    how_to_change = "It is written by the database itself."

    @in_time
    def list(self, request: Any) -> Response:
        answer = super().list(request)
        if request.query_params.get("ordering") == "id":
            if not answer.data["previous"]:
                answer.data["results"][:0] = self._born(request)
        elif not answer.data["next"]:
            answer.data["results"] += self._born(request)
        return answer

    def _born(self, request: Any) -> Sequence[dict[str, Any]]:
        """The birth that no event tells of, where the question asks for it."""
        asked = filters.AuditFilter(request.query_params, AuditEvent.objects.none(), request=request).form
        told = asked.cleaned_data if asked.is_valid() else {}
        if (
            not told.get("entity_id")
            or told["operation"] not in ("", Operation.CREATE)
            or not self.asker.sees_everything
        ):
            return []
        found = changes.birth(entity_id=told["entity_id"], entity=told["entity"])
        if found is None or (told["since"] and found.at < told["since"]) or not self._acted(found.by, told["actor"]):
            return []
        return [receipts.born(found)]

    def _acted(self, user: Any, asked: str) -> bool:
        if asked in ("", "none"):
            return not asked or user is None
        return user is not None and str(user.pk) == (str(self.asker.pk) if asked == "me" else str(UUID(asked)))
