import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.services import emptiness, queue
from calls.services.queue import Wanted
from config.kernel import clock
from config.kernel.replica import may_be_old
from crm.choices import Priority
from crm.models import Project, User


class Command(BaseCommand):
    help = "Shows who would be called next, and why; or why nobody would be."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", help="E-mail address of whom the queue is for; by default an admin sees all.")
        parser.add_argument("--project", help="Only this project_id.")
        parser.add_argument("--owner", help="Only contacts of this user (e-mail address).")
        parser.add_argument("--priority", choices=[name.lower() for name in Priority.names])
        parser.add_argument("--zone", default="", help="Only numbers that may lie in this time zone.")
        parser.add_argument("--limit", type=int, default=20)
        parser.add_argument("--json", action="store_true", help="One JSON object per line, for programs.")

    @may_be_old
    def handle(self, *args: Any, **options: Any) -> None:
        user, wanted, at = _user(options["user"]), _wanted(options), clock.now()
        offers = queue.next_callable(user=user, at=at, wanted=wanted, limit=options["limit"])
        for offer in offers:
            row = {
                "project": offer.pair.project.project_id,
                "contact": str(offer.pair.contact),
                "number": str(offer.point),
                "reason": offer.reason,
                "other_projects": offer.elsewhere,
            }
            self.stdout.write(json.dumps(row) if options["json"] else _line(row))
        if not offers and not options["json"]:
            why = emptiness.emptiness(user=user, at=at, wanted=wanted)
            until = f", until {why.until:%Y-%m-%d %H:%M} UTC" if why.until else ""
            self.stdout.write(f"Nobody can be called: {why.state.replace('_', ' ')}{until}. {why.facts or ''}")


def _line(row: dict[str, Any]) -> str:
    return f"{row['contact']:32.32} {row['number']:20.20} {row['project']:20.20} {row['reason']}"


def _user(email: str | None) -> User:
    """Return the user named, else somebody who sees everything.

    :raises CommandError: there is nobody like that.
    """
    everybody = User.objects.filter(is_active=True)
    if email:
        found = everybody.filter(email=email.lower()).first()
    else:
        found = next((user for user in everybody.order_by("created_at") if user.sees_everything), None)
    if found is None:
        raise CommandError(f"No active user {email or 'who sees everything'}: give --user EMAIL.")
    return found


def _wanted(options: dict[str, Any]) -> Wanted:
    project = Project.objects.filter(project_id=options["project"]).first() if options["project"] else None
    if options["project"] and project is None:
        raise CommandError(f"No project {options['project']!r}: check the project_id.")
    priority = Priority[options["priority"].upper()] if options["priority"] else None
    owner = _user(options["owner"]) if options["owner"] else None
    return Wanted(project=project, owner=owner, priority=priority, zone=options["zone"])
