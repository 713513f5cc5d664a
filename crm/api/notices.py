"""What people are told when something that they began is over."""

from typing import Any

import django_filters as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from config.kernel.api.filtering import Empty, Owner
from config.kernel.api.reading import Reading
from config.kernel.api.resources import ReadOnly
from config.kernel.api.writing import Told
from crm.models import Notice
from crm.services import notices


class NoticeReading(Reading):
    class Meta:
        model = Notice
        fields = ["id", "user", "at", "text", "link", "seen_at"]


class SeenReading(serializers.Serializer[Any]):
    seen = serializers.IntegerField(help_text="How many were new.")


class NoticeFilter(filters.FilterSet):
    user = Owner()
    unseen = Empty(field_name="seen_at")


class NoticeViewSet(ReadOnly):
    """What one was told; with ?user=me one's own, because an admin sees everybody's. The back office shows each once.

    POST to .../see/ says that one has read them elsewhere.
    """

    queryset = Notice.objects.none()
    reading = NoticeReading
    takes = {"see": Told}
    needs = {"see": ["crm.change_notice"]}
    filterset_class = NoticeFilter
    how_to_change = "Notices are written by what they tell of."

    @extend_schema(responses=SeenReading)
    @action(detail=False, methods=["post"])
    def see(self, request: Any) -> Response:
        """Say that one has read all of one's own: the back office shows them no more."""
        self.asked()
        return Response({"seen": len(notices.see(user=self.asker, at=self.at))})
