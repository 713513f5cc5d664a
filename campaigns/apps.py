from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns import receivers  # noqa: F401 - connects them
        from campaigns.rules import standing
        from config.kernel.gate import gate

        gate.register(rules=standing.RULES, facts=[standing.facts])
        post_migrate.connect(_install_defaults, sender=self)


def _install_defaults(**kwargs: Any) -> None:
    """Give a new database its statuses; runs after every migrate and changes nothing later."""
    from django.db import connections

    from campaigns.models import EnrollmentStatus

    tables = connections[kwargs.get("using", "default")].introspection.table_names()
    if EnrollmentStatus._meta.db_table in tables:
        from campaigns.services import statuses

        statuses.install()
