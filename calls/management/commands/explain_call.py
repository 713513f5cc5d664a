import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from calls.management.commands.eligible_calls import _user
from calls.services import queue
from config.kernel import clock
from config.kernel.gate import Block
from crm.models import ProjectContact


class Command(BaseCommand):
    help = "Says everything that stands against calling somebody about a project, and when it will first be allowed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="The project_id.")
        parser.add_argument("--contact", required=True, help="The contact_id, primary phone, primary e-mail or our id.")
        parser.add_argument("--user", help="For whom: their own lease does not stand against them.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        pair = _pair(options["project"], options["contact"])
        told = queue.explain(pair=pair, user=_user(options["user"]), at=clock.now())
        if options["json"]:
            facts = {
                "callable": told.callable,
                "earliest": told.earliest.isoformat() if told.earliest else None,
                "blocks": [_fact(block) for block in told.blocks],
                "numbers": [
                    {"number": str(one.point), "blocks": [_fact(block) for block in one.blocks]} for one in told.points
                ],
            }
            self.stdout.write(json.dumps(facts, default=str))
            return
        earliest = f"{told.earliest:%Y-%m-%d %H:%M} UTC" if told.earliest else "never by itself, or not within 60 days"
        self.stdout.write(f"{pair}: {'may be called now' if told.callable else f'not now; first at {earliest}'}")
        for block in told.blocks:
            self.stdout.write(f"  {_words(block)}")
        for one in told.points:
            said = "; ".join(_words(block) for block in one.blocks) or "passes"
            self.stdout.write(f"  {one.point}: {said}")


def _fact(block: Block) -> dict[str, Any]:
    return {"code": block.code, "level": block.level.value, "until": block.until, "evidence": dict(block.evidence)}


def _words(block: Block) -> str:
    until = f" until {block.until:%Y-%m-%d %H:%M} UTC" if block.until else ""
    evidence = ", ".join(f"{name} {value}" for name, value in block.evidence.items() if value not in ("", None))
    return f"{block.code.replace('_', ' ')}{until}" + (f" ({evidence})" if evidence else "")


def _pair(project: str, contact: str) -> ProjectContact:
    """Find the pair by whatever names its contact.

    :raises CommandError: there is none.
    """
    named = (
        Q(contact__contact_id=contact) | Q(contact__primary_phone=contact) | Q(contact__primary_email=contact.lower())
    )
    if key := _key(contact):
        named |= Q(contact=key)
    pair = (
        ProjectContact.objects.filter(named, project__project_id=project).select_related("contact", "project").first()
    )
    if pair is None:
        raise CommandError(f"No contact {contact!r} in project {project!r}: check both.")
    return pair


def _key(contact: str) -> UUID | None:
    try:
        return UUID(contact)
    except ValueError:
        return None
