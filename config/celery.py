import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, task_postrun, task_prerun, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("clearline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Celery would close the database connection and its pool after every task; Django knows when a connection is too old.
app.conf["CELERY_DB_REUSE_MAX"] = 10**9


@setup_logging.connect(weak=False)
def _log_as_django_does(**options: Any) -> None:
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@beat_init.connect(weak=False)
def _beat_at_once(**options: Any) -> None:
    """The first heartbeat does not wait for its turn: whoever starts us learns at once that beat and worker work."""
    app.send_task("calls.tasks.beat_heart", expires=10)


@worker_init.connect(weak=False)
def _refuse_a_forgetful_broker(**options: Any) -> None:
    from django.conf import settings

    from config.guards import refuse_evicting

    refuse_evicting(settings.CELERY_BROKER_URL)


@task_prerun.connect(weak=False)
@task_postrun.connect(weak=False)
def _recycle_connections(**options: Any) -> None:
    from django.db import close_old_connections

    close_old_connections()
