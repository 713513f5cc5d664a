"""Bring the database to where the programs can start: its tables, and on an empty one a sample and people.

A program of its own (`python -m config.supervisor.prepare`), so that the supervisor stays small and free of Django.
It ends when a worker works.
"""

import contextlib
import hashlib
import os
import sys
import time
from pathlib import Path

from config import embedded
from config.embedded import places

# What the supervisor waits for: on a fresh checkout, whoever loads beside the first would compile all of it as well;
# and some programs need the tables.
LOADED, TABLES = "Clearline is loaded", "the tables are there"
UNUSUAL = 15.0  # seconds until it is worth saying that no worker is heard
SAMPLE = places.CHECKOUT / "sample" / "records.csv.gz"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    print(LOADED, flush=True)
    embedded.ensure()  # whoever started us starts the servers too: the first does it, the second waits
    from django.core.management import CommandError, call_command

    _forget_heartbeat()
    try:
        call_command("migrate", verbosity=0, interactive=False)
        print(TABLES, flush=True)
        _load_sample()
        _invite_demo_users()
    except CommandError as trouble:
        sys.exit(str(trouble))


def wait_for_worker() -> None:
    """Until a beat has gone through beat, broker and worker; says every fifteen seconds that none has."""
    complain_at = time.monotonic() + UNUSUAL
    while not _heartbeat():
        if time.monotonic() > complain_at:
            _warn("still waiting: no worker has been heard; worker and beat say why")
            complain_at += UNUSUAL
        time.sleep(0.1)


def forget() -> None:
    """Let the next start of an empty database begin with the whole sample."""
    _marker().unlink(missing_ok=True)


def _load_sample() -> None:
    """Load the sample on an empty database, and again where that was interrupted: intake resumes by itself."""
    from crm.models import Company, Contact, Project

    pending = _marker()
    if not pending.exists() and any(model.objects.exists() for model in (Project, Company, Contact)):
        return
    if not SAMPLE.exists():
        _warn(f"{SAMPLE} is missing: starting without sample records.")
        return
    pending.touch()
    if _run("ingest", str(SAMPLE)) and _run("demo_templates"):
        pending.unlink()


def _invite_demo_users() -> None:
    from django.contrib.auth import get_user_model

    if not get_user_model().objects.exists():
        _run("demo_users")


def _forget_heartbeat() -> None:
    """The worker of an earlier run has no say in whether this one is ready."""
    from django.core.cache import cache

    from calls.tasks import HEARTBEAT

    with _cache_may_be_away():
        cache.delete(HEARTBEAT)


def _heartbeat() -> bool:
    from django.core.cache import cache

    from calls.tasks import HEARTBEAT

    with _cache_may_be_away():
        return bool(cache.get(HEARTBEAT))
    return False


def _cache_may_be_away() -> contextlib.suppress:
    from redis.exceptions import RedisError

    return contextlib.suppress(RedisError, OSError)


def _run(command: str, *arguments: str) -> bool:
    from django.core.management import call_command, get_commands

    if command not in get_commands():
        _warn(f"There is no management command {command} yet: going on without it.")
        return False
    call_command(command, *arguments)
    return True


def _marker() -> Path:
    """Each database has one of its own: another that DATABASE_URL names by then may be somebody's real one."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    name = "\0".join(str(database.get(part) or "") for part in ("HOST", "PORT", "NAME"))
    return places.state() / f"sample-unfinished-{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _warn(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
    wait_for_worker()
