"""./dev ledger [--since 2026-11-20T00:00Z] [--until ...] | --day 2026-11-20: what providers say beside what we say."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.services.dispatch import ledger_days, ledgers
from config.kernel import clock


class Command(BaseCommand):
    help = "Compare the ledger of every provider with ours, correct what it proves, and say what does not match."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=_moment, help="the beginning, by default a day before the end")
        parser.add_argument("--until", type=_moment, help="the end, by default now")
        parser.add_argument("--day", type=date.fromisoformat, help="a day in UTC instead; what comes of it is kept")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line per provider. :raises CommandError: something does not match, or a list cannot be had."""
        at = clock.now()
        if options["day"]:
            self._compare_day(options["day"], at)
            return
        until = options["until"] or at
        since = options["since"] or until - timedelta(days=1)
        results = ledgers.compare(since=since, until=until, at=at)
        for one in results:
            self.stdout.write(
                f"{one.provider}: {one.matched} match, {one.corrected} corrected, {len(one.strange)} strange, "
                f"{len(one.twice)} sent twice, {len(one.missing)} missing"
            )
        _refuse([one.provider for one in results if one.is_unknown], any(not one.is_clean for one in results))

    def _compare_day(self, day: date, at: datetime) -> None:
        if day >= at.astimezone(UTC).date():
            raise CommandError(f"{day} is not over yet: give an earlier day, or --since and --until.")
        rows = [ledger_days.compare_day(provider=name, day=day, at=at) for name in ledger_days.providers()]
        for row in rows:
            self.stdout.write(
                f"{row.provider}: {row.theirs} of theirs, {row.ours} of ours, {row.unexplained} strange, "
                f"{row.repeated} sent twice, {row.missing} missing"
            )
        differs = any(row.unexplained or row.repeated or row.missing for row in rows)
        _refuse([row.provider for row in rows if row.error], differs)


def _refuse(unknown: list[str], differs: bool) -> None:
    if unknown:
        raise CommandError(f"The list of {', '.join(unknown)} cannot be had, see the log: try again later.")
    if differs:
        raise CommandError("The ledgers do not match: the log names the messages.")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
