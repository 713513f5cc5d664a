from django.apps import AppConfig
from django.conf import settings

from config import celery as _celery  # noqa: F401 - whoever rings a task, rings it at our app
from config.kernel import clock, database_clock


class Config(AppConfig):
    """The project itself: whatever process starts, contradicting settings stop it here."""

    name = "config"
    verbose_name = "Clearline"

    def ready(self) -> None:
        from config.checks import refuse_contradictions

        refuse_contradictions()
        if settings.SIMULATED_CLOCK:
            clock.keep(clock.Pace.read(settings.SIMULATED_CLOCK))
        elif not settings.TESTING:  # tests decide what time it is
            database_clock.begin()
