"""The ledgers of whole days: each is compared until it could be, and what came of it is kept.

Comparing a day again is harmless at any time: it ends with the same row, and of one difference is told once.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Min, OuterRef, Subquery
from django.db.models.functions import Coalesce, Least

from campaigns.models import Attempt, LedgerDay, SendingAccount
from campaigns.services.dispatch import ledgers
from campaigns.services.dispatch.ledgers import Matched
from config.kernel import clock, faults
from config.kernel.transactions import atomic_with_retries

logger = logging.getLogger(__name__)

SETTLED: Final = timedelta(hours=8)  # after the end of a day, when every list has all of it
TRIED: Final = 14  # days for which a day is tried again
PATIENCE: Final = 300.0  # seconds
_DAY: Final = timedelta(days=1)
_UNTRIED: Final = "Nobody has looked yet."
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

faults.register("ledger.before_commit")


def compare_due(*, at: datetime, patience: float = PATIENCE) -> list[LedgerDay]:
    """Compare the days of the last fortnight that could not be compared yet, and return what came of each.

    Those come first that were tried longest ago, so that one which always fails is in nobody's way; after ``patience``
    seconds the rest waits for the next time.
    """
    deadline = clock.monotonic() + patience
    compared: list[LedgerDay] = []
    for provider, day in _due(at):
        if clock.monotonic() > deadline:
            logger.warning("The ledgers of some days wait for the next hour")
            break
        compared.append(compare_day(provider=provider, day=day, at=at))
    return compared


def compare_day(*, provider: str, day: date, at: datetime) -> LedgerDay:
    """Compare one day (in UTC) of one provider, correct what it proves, and keep what came of it or why not."""
    since = datetime.combine(day, time(), tzinfo=UTC)
    try:
        result = ledgers.compare_one(provider, since=since, until=since + _DAY, at=at)
    except Exception as error:  # what is wrong with this day is in no other day's way
        logger.exception("The ledger of %s of %s cannot be compared", provider, day)
        result = Matched(provider, error=f"It stopped by an error ({type(error).__name__}).")
    return _keep(result, day, at)


def providers() -> list[str]:
    """Return the providers of all accounts, by name."""
    return sorted(_first_days())


def _due(at: datetime) -> list[tuple[str, date]]:
    last = (at - SETTLED).astimezone(UTC).date() - _DAY
    days = [last - number * _DAY for number in range(TRIED)]
    kept = {(row.provider, row.day): row for row in LedgerDay.objects.filter(day__gte=days[-1]).defer("named")}
    used = _first_days()
    asked = [(provider, day) for day in days for provider, first in used.items() if day >= first]
    due = [key for key in asked if key not in kept or kept[key].compared_at is None]
    return sorted(due, key=lambda key: kept[key].tried_at if key in kept else _NEVER)


def _first_days() -> Mapping[str, date]:
    """Return the day on which each provider was first used: what it sent before was not sent by us."""
    used = Attempt.objects.filter(provider=OuterRef("provider")).order_by("dispatched_at").values("dispatched_at")[:1]
    known = SendingAccount.objects.order_by().values("provider").annotate(born=Min("created_at"))
    found = known.annotate(first=Least("born", Coalesce(Subquery(used), "born"))).values_list("provider", "first")
    return {provider: first.astimezone(UTC).date() for provider, first in found}


@atomic_with_retries
def _keep(result: Matched, day: date, at: datetime) -> LedgerDay:
    """Write the row. The alarm is raised before the commit: who dies in between raises it twice, not never."""
    found: dict[str, Any] = {"tried_at": at, "error": result.error[:300]}
    if not result.is_unknown:
        found |= {"compared_at": at, "theirs": result.theirs, "ours": result.ours}
    LedgerDay.objects.bulk_create(
        [LedgerDay(provider=result.provider, day=day, tried_at=at, error=_UNTRIED)],
        ignore_conflicts=True,
    )
    row = LedgerDay.objects.select_for_update(no_key=True).get(provider=result.provider, day=day)
    _raise_alarm(result, row)
    found |= _differences(result, row)
    for name, value in found.items():
        setattr(row, name, value)
    row.save(update_fields=list(found))
    faults.point("ledger.before_commit")
    return row


def _differences(result: Matched, row: LedgerDay) -> dict[str, Any]:
    """What differs; where the list broke off, with all that was found before: it has been told of."""
    named = _named(result)
    if result.is_unknown:
        named = {name: list(dict.fromkeys([*row.named.get(name, ()), *ids])) for name, ids in named.items()}
    return {"named": named, **{name: len(ids) for name, ids in named.items()}}


def _named(result: Matched) -> dict[str, list[str]]:
    missing = [str(one) for one in result.missing]
    return {"unexplained": result.strange, "repeated": result.twice, "missing": missing}


def _raise_alarm(result: Matched, row: LedgerDay) -> None:
    """Tell of what the row does not know yet."""
    known = {name: set(ids) for name, ids in row.named.items()}
    new = {name: [one for one in ids if one not in known.get(name, ())] for name, ids in _named(result).items()}
    ledgers.raise_alarm(result.provider, **new)
    if result.is_unknown and row.error == _UNTRIED:
        logger.error(
            "The ledger of %s of %s cannot be had: %s It is tried again each hour for %d days.",
            result.provider, row.day, result.error, TRIED,
        )  # fmt: skip
