from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate, pre_migrate

from config import celery as _celery  # noqa: F401 - whoever rings a task, rings it at our app
from config.guards import limit_waits, wait_as_before
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
        pre_migrate.connect(_before_migrations)
        post_migrate.connect(_after_migrations)


def _before_migrations(using: str, **signal: Any) -> None:
    limit_waits(using)


def _after_migrations(using: str, **signal: Any) -> None:
    wait_as_before(using)
