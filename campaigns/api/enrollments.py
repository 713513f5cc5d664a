"""People in campaigns: their walks, and the enrolment of many at once."""

from campaigns.api import filters
from campaigns.api import readings_of_people as readings
from campaigns.models import Enrollment, EnrollmentRun
from config.kernel.api.resources import ReadOnly


class EnrollmentViewSet(ReadOnly):
    """People's walks through campaigns; one shows everything that happened on it."""

    queryset = Enrollment.objects.none()
    reading = readings.EnrollmentReading
    reading_one = readings.OneEnrollmentReading
    filterset_class = filters.EnrollmentFilter
    how_to_change = "People are enrolled at /api/v1/campaigns/{id}/enroll/, and leave by POST to .../leave/."


class EnrollmentRunViewSet(ReadOnly):
    """Enrolments of many: how far each is, and an account that adds up."""

    queryset = EnrollmentRun.objects.none()
    reading = readings.EnrollmentRunReading
    filterset_class = filters.EnrollmentRunFilter
    how_to_change = "POST to /api/v1/campaigns/{id}/enroll/ begins another."
