"""Bring the database to where the programs can start: its tables, and on an empty one a sample and people.

A program of its own (`python -m config.supervisor.prepare`), so that the supervisor stays small and free of Django.
"""

import os
import sys
from pathlib import Path

from config import embedded
from config.embedded import places

SAMPLE = places.CHECKOUT / "sample" / "records.csv.gz"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    embedded.ensure()  # whoever started us starts the servers too: the first does it, the second waits
    from django.core.management import CommandError, call_command

    try:
        call_command("migrate", verbosity=0, interactive=False)
        _load_sample()
        _invite_demo_users()
    except CommandError as trouble:
        sys.exit(str(trouble))


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
    if _run("ingest", str(SAMPLE)):
        pending.unlink()


def _invite_demo_users() -> None:
    from django.contrib.auth import get_user_model

    if not get_user_model().objects.exists():
        _run("demo_users")


def _run(command: str, *arguments: str) -> bool:
    from django.core.management import call_command, get_commands

    if command not in get_commands():
        _warn(f"There is no management command {command} yet: going on without it.")
        return False
    call_command(command, *arguments)
    return True


def _marker() -> Path:
    return places.state() / "sample-unfinished"


def _warn(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
