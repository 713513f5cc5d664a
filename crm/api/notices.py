"""What people are told when something that they began is over."""

from typing import Any

import django_filters as filters
from rest_framework.decorators import action
from rest_framework.response import Response

from config.kernel.api.filtering import Empty
from config.kernel.api.reading import Reading
from config.kernel.api.resources import ReadOnly
from config.kernel.api.writing import Told
from crm.models import Notice
from crm.services import notices


class NoticeReading(Reading):
    class Meta:
        model = Notice
        fields = ["id", "at", "text", "link", "seen_at"]


class NoticeFilter(filters.FilterSet):
    unseen = Empty(field_name="seen_at")


class NoticeViewSet(ReadOnly):
    """One's own notices. The back office shows each once; POST to .../see/ says that one has read them elsewhere."""

    queryset = Notice.objects.none()
    reading = NoticeReading
    takes = {"see": Told}
    needs = {"see": ["crm.change_notice"]}
    filterset_class = NoticeFilter
    how_to_change = "Notices are written by what they tell of."

    @action(detail=False, methods=["post"])
    def see(self, request: Any) -> Response:
        """Say that all of them were read: the back office shows them no more."""
        self.asked()
        return Response({"seen": len(notices.see(user=self.asker, at=self.at))})
