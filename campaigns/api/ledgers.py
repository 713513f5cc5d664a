"""The daily ledgers: what came of comparing what providers say was sent with what we say."""

from campaigns.api import filters
from campaigns.api import readings_of_people as readings
from campaigns.models import LedgerDay
from config.kernel.api.resources import ReadOnly


class LedgerDayViewSet(ReadOnly):
    """Days of providers, the last first: compared or not, and what differed. Admins only."""

    queryset = LedgerDay.objects.none()
    reading = readings.LedgerDayReading
    reading_one = readings.OneLedgerDayReading
    filterset_class = filters.LedgerDayFilter
    ordering = ("-day", "-id")
    how_to_change = "A day is compared by itself, each hour until it could be; by hand: ./dev ledger --day 2026-11-20."
