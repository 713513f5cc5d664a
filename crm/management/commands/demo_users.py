"""Make the users of a demo: an admin and two BDRs, with passwords that are shown once."""

import secrets
from argparse import ArgumentParser
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from config.kernel import clock
from config.kernel.audit import acting
from crm.choices import Role
from crm.models import User
from crm.services import accounts


@dataclass(frozen=True, slots=True)
class Demo:
    email: str
    name: str
    role: Role
    time_zone: str


USERS: Final = (
    Demo("admin@clearline.example", "Demo Admin", Role.ADMIN, "America/New_York"),
    Demo("riley@clearline.example", "Riley Demo", Role.BDR, "America/New_York"),
    Demo("jordan@clearline.example", "Jordan Demo", Role.BDR, "America/Los_Angeles"),
)
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


class Command(BaseCommand):
    help = "Make demo users: an admin and two BDRs. Their passwords are generated and shown once. Development only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="give those who exist a new password")

    def handle(self, *, reset: bool, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "Demo users are for development: DEBUG is off here. Make a real admin with `createsuperuser`, and "
                "everybody else in the back office."
            )
        with transaction.atomic(), acting(service="demo_users"):
            shown = [(demo, _put(demo, reset=reset)) for demo in USERS]
        self.stdout.write(_block(shown))


def _put(demo: Demo, *, reset: bool) -> str:
    """Return the new password of ``demo``, "" where they keep theirs."""
    at, password = clock.now(), generate_password()
    known = User.objects.filter(email=demo.email).first()
    if known is None:
        accounts.create_user(
            email=demo.email, name=demo.name, role=demo.role, time_zone=demo.time_zone, password=password, at=at
        )
        return password
    if not reset:
        return ""
    accounts.set_password(user=known, password=password, by=known, at=at)
    accounts.unlock(user=known, by=known, at=at)
    return password


def generate_password() -> str:
    """Four groups of four, 79 bits: nobody guesses it, anybody can type it."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def _block(shown: list[tuple[Demo, str]]) -> str:
    rows = [
        (demo.role.label, demo.email, password or "(unchanged; --reset makes a new one)") for demo, password in shown
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    title = "Sign in with (passwords are shown this once):" if any(password for _, password in shown) else "Users:"
    rule = "-" * max(map(len, [title, *lines]))
    return "\n".join([rule, title, *lines, rule])
