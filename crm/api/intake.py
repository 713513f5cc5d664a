"""Records that programs post, up to a thousand at once."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from config.kernel import clock
from config.kernel.api.writing import Told
from crm.models import IntakeRun
from crm.services import intake


class IntakeTold(Told):
    """``{"source": "permits", "records": [{"project": {...}, "contacts": [{...}]}]}``"""

    source = serializers.CharField(max_length=80, default="api")  # type: ignore[assignment]  # DRF takes it off the class
    records = serializers.ListField(
        child=serializers.JSONField(allow_null=True),  # wrong shapes are refused one by one, by the service
        min_length=1,
        help_text='Each: {"project": {"project_id", ...}, "contacts": [{"name", "phone", "email", "roles", ...}]}.',
    )


class ResultShown(serializers.Serializer):
    row = serializers.IntegerField(help_text="From 1, in the order of the records.")
    outcome = serializers.ChoiceField(choices=["created", "updated", "unchanged", "refused"])
    code = serializers.CharField()
    field = serializers.CharField(help_text="The field at fault, where the record was refused.")
    reason = serializers.CharField()
    warnings = serializers.ListField(child=serializers.DictField())


class AccountShown(serializers.Serializer):
    """What became of the records: rows = created + updated + unchanged + refused."""

    rows = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    warnings = serializers.IntegerField()
    entities = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))
    reviews = serializers.DictField(child=serializers.IntegerField())
    run = serializers.UUIDField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF takes it off the class
    again = serializers.BooleanField()
    results = ResultShown(many=True)


class IntakeViewSet(GenericViewSet):
    """Records of projects and the people in them. Whom they mean is found by id, phone, e-mail or name."""

    queryset = IntakeRun.objects.none()
    serializer_class = IntakeTold
    answers: ClassVar = {"create": {200: AccountShown}}
    needs = {"create": ["crm.add_intakerun"]}
    filter_backends = ()
    pagination_class = None
    max_body_bytes = 10_000_000
    how_to_change = "Send records with POST; /api/v1/intake-runs/ shows what became of earlier ones."

    def create(self, request: Any) -> Response:
        """Take records in, all at once; one that cannot be used is refused alone, with field and reason.

        The same records again change nothing. Large feeds go through the ``ingest`` command.
        """
        told = self.get_serializer(data=request.data)
        told.is_valid(raise_exception=True)
        account = intake.take_in_posted(**told.validated_data, by=request.user, at=clock.now())
        return Response({**account.as_dict(), "results": account.results})
