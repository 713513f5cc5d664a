"""Work that fails again and again is tried again later and later, whoever tries it; its campaign says so meanwhile."""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from campaigns.models import EnrollmentRun, Execution, Setback
from config.kernel.apart import Apart, is_away
from config.kernel.transactions import atomic_with_retries

FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=10)


class Turns(Apart):
    """As ``Apart``, and what has failed has no turn before its pause is over, in whatever process that was."""

    def __init__(self, *, at: datetime) -> None:
        super().__init__()
        self._at = at
        self._known = {(row.what, row.key): row.retry_at for row in Setback.objects.all()}

    def of(self, what: str, keys: Iterable[UUID]) -> list[UUID]:
        """Return those of ``keys`` whose turn it is. They are all for whom it is to be done: others have no setback."""
        wanted = list(keys)
        for gone in [key for known, key in self._known if known == what and key not in wanted]:
            self._forget(what, gone)
        return [key for key in wanted if not self.has_failed(what, key) and self._waits_until(what, key) <= self._at]

    def troubled(self, what: str) -> list[UUID]:
        """Return those for whom it has failed, whether it is their turn again or not."""
        return sorted({key for known, key in (*self._known, *self._failed) if known == what})

    @contextmanager
    def turn(self, what: str, key: UUID) -> Iterator[None]:
        with super().turn(what, key):
            try:
                yield
            except Exception as error:
                if not is_away(error):
                    _remember(what, key, error, at=self._at)
                raise
            if (what, key) in self._known:
                self._forget(what, key)

    def _waits_until(self, what: str, key: UUID) -> datetime:
        return self._known.get((what, key), self._at)

    def _forget(self, what: str, key: UUID) -> None:
        del self._known[what, key]
        Setback.objects.filter(what=what, key=key).delete()


@atomic_with_retries
def _remember(what: str, key: UUID, error: Exception, *, at: datetime) -> None:
    """Keep that it failed once more. ``key`` is a campaign's, or that of one of its runs or executions."""
    parts = (EnrollmentRun.objects, Execution.objects)
    found = (rows.filter(pk=key).values_list("campaign", flat=True).first() for rows in parts)
    row, _ = Setback.objects.get_or_create(
        campaign_id=next(filter(None, found), key), what=what, key=key,
        defaults={"since": at, "tries": 0, "retry_at": at},
    )  # fmt: skip
    row.tries += 1
    row.retry_at, row.error = at + pause_after(row.tries), f"It stopped by an error ({type(error).__name__})."
    row.save(update_fields=["tries", "retry_at", "error"])


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many failures in a row; not all wait equally long."""
    pause = min(FIRST_PAUSE * (1 << min(tries - 1, 20)), LONGEST_PAUSE)
    return pause * random.uniform(0.75, 1)  # noqa: S311 - spreads rivals, protects nothing
