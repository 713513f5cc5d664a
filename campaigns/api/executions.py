"""Executions: how far one is, and what came of it."""

from campaigns.api import filters
from campaigns.api import readings_of_people as readings
from campaigns.models import Execution
from config.kernel.api.resources import ReadOnly


class ExecutionViewSet(ReadOnly):
    """Campaigns carried out on somebody's word, each with its result once it is over."""

    queryset = Execution.objects.none()
    reading = readings.ExecutionReading
    filterset_class = filters.ExecutionFilter
    how_to_change = "POST to /api/v1/campaigns/{id}/execute/ begins another."
