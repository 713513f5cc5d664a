"""./dev ledger [--since 2026-11-20T00:00Z] [--until ...]: what providers say was sent, beside what we say."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.services.dispatch import ledgers
from config.kernel import clock


class Command(BaseCommand):
    help = "Compare the ledger of every provider with ours, correct what it proves, and say what does not match."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=_moment, help="the beginning, by default a day before the end")
        parser.add_argument("--until", type=_moment, help="the end, by default now")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line per provider. :raises CommandError: something does not match, or a list cannot be had."""
        at = clock.now()
        until = options["until"] or at
        since = options["since"] or until - timedelta(days=1)
        results = ledgers.compare(since=since, until=until, at=at)
        for one in results:
            self.stdout.write(
                f"{one.provider}: {one.matched} match, {one.corrected} corrected, {len(one.strange)} strange, "
                f"{len(one.twice)} sent twice, {len(one.missing)} missing"
            )
        if unknown := [one.provider for one in results if one.is_unknown]:
            raise CommandError(f"The list of {', '.join(unknown)} cannot be had, see the log: try again later.")
        if any(not one.is_clean for one in results):
            raise CommandError("The ledgers do not match: the log names the messages.")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
