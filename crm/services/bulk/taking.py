"""A run that is being taken in: a transaction for each chunk, again where it must be, in pieces where it cannot be."""

import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure, UniqueViolation

from config.kernel.audit import acting
from config.kernel.errors import Conflict, DomainError
from config.kernel.redaction import brief, redact_quoted
from crm.choices import IntakeState
from crm.models import IntakeRun, User
from crm.services.bulk.accounts import Result, added, results_of
from crm.services.bulk.chunks import Taken, Taker
from crm.services.bulk.preparing import RowSaid
from crm.services.bulk.sides import Sides
from crm.services.bulk.staging import RaceLost
from crm.services.feeds.records import Refused

logger = logging.getLogger(__name__)

OVERTAKEN, ROLLED_BACK, GONE, OURS = "overtaken", "rolled back", "gone", "ours"
TRIES: Final = {
    OVERTAKEN: 20,  # by others; each time one of them got further
    ROLLED_BACK: 3,  # by PostgreSQL, for somebody else's sake
    OURS: 1,
}
OVERTAKEN_TOO_OFTEN: Final = "Others keep changing the same people. Send the rest again later."
LIMITS: Final = "54"  # class of SQLSTATE: a row is larger than an index or a page takes
WAITS: Final = (0.5, 1, 2, 4, 8, 15, 30)  # seconds between tries to reach PostgreSQL again

Progress = Callable[[IntakeRun], None]


class TakenElsewhere(Conflict):
    """Another process is taking the same file in right now."""

    code = "taken_elsewhere"


class Overtaken(Conflict):
    """Others kept changing the same people; what was committed stays, the rest can be sent again."""

    code = "overtaken"


@dataclass(slots=True)
class Taking:
    """``by`` limits whom a row may touch; without a user there is no limit. A ``lasting`` one outlives a restart of
    PostgreSQL: it waits a minute and goes on behind what was committed.
    """

    run: IntakeRun
    at: datetime
    sides: Sides | None = None
    on_progress: Progress | None = None
    lasting: bool = True
    by: User | None = None
    results: list[Result] | None = None  # of every row, if somebody wants them
    _taker: Taker = field(init=False)

    def __post_init__(self) -> None:
        self._taker = Taker(source=self.run.source, run=self.run.pk.hex, at=self.at, by=self.by)

    def take(self, chunk: list[RowSaid]) -> None:
        """Take a chunk in. A row that the database itself refuses is refused alone, the others go in.

        :raises TakenElsewhere: another process goes on with this run.
        :raises Overtaken: others changed the same people in every try.
        """
        try:
            self._take_in_the_end(chunk)
        except DatabaseError as error:
            if not _is_about_rows(error):
                raise
            if len(chunk) > 1:
                self.take(chunk[: len(chunk) // 2])
                self.take(chunk[len(chunk) // 2 :])
                return
            logger.exception("The database refused row %s of run %s", chunk[0].row, self.run.pk)
            self._take_in_the_end([refused_by(chunk[0], error)])
        if self.on_progress:
            self.on_progress(self.run)

    def finish(self) -> None:
        self.run.state, self.run.finished_at = IntakeState.DONE, self.at
        self.run.save(update_fields=["state", "finished_at", "updated_at"])

    def fail(self, error: Exception) -> None:
        """Note why the run stopped; what was committed stays, and the next start goes on behind it."""
        said = redact_quoted(str(error)) if isinstance(error, DomainError) else brief(error)
        self.run.state, self.run.error = IntakeState.FAILED, said[:2_000]
        try:
            self.run.save(update_fields=["state", "error", "updated_at"])
        except DatabaseError:
            logger.warning("Run %s stopped, and the database could not be told", self.run.pk)

    def _take_in_the_end(self, chunk: list[RowSaid]) -> None:
        """Take a chunk in, again where others were faster, PostgreSQL chose us as a victim, or it went away."""
        tries: Counter[str] = Counter()
        waits = iter(WAITS if self.lasting else ())
        while self.run.rows_done < chunk[-1].row:
            try:
                self._take_once(chunk)
            except (RaceLost, DatabaseError, InterfaceError) as error:
                trouble = _trouble(error)
                tries[trouble] += 1
                if trouble == GONE:
                    self._come_back(waits, error)
                elif tries[trouble] >= TRIES[trouble]:
                    if isinstance(error, RaceLost):
                        raise Overtaken(OVERTAKEN_TOO_OFTEN) from error
                    raise  # with its cause: PostgreSQL's own words

    def _take_once(self, chunk: list[RowSaid]) -> None:
        run = self.run
        with connection.wrap_database_errors, no_cycles():
            chunk = self._taker.prepare(chunk)
            with acting(service="intake", bulk=True, user=run.by_id and str(run.by_id)), transaction.atomic():
                self._claim()
                taken = self._taker.take(chunk)
                progress = self._progress(chunk, taken)
                IntakeRun.objects.filter(pk=run.pk).update(**progress)
        for name, value in progress.items():
            setattr(run, name, value)
        if self.results is not None:
            self.results += results_of(chunk, taken)

    def _claim(self) -> None:
        """Hold the run for this chunk. It also tells the audit, which COPY does not, who acts in this transaction."""
        mine = IntakeRun.objects.filter(pk=self.run.pk, rows_done=self.run.rows_done, state=IntakeState.RUNNING)
        if not mine.update(updated_at=self.at):
            raise TakenElsewhere(
                "Another process is taking this file in right now, and is further. Wait until it has finished."
            )

    def _progress(self, chunk: list[RowSaid], taken: Taken) -> dict[str, object]:
        lengths = (self.run.refused_bytes, self.run.warned_bytes)
        if self.sides is not None:
            self.sides.rewind(*lengths)
            warnings = (doubt for row in chunk for doubt in row.warnings)
            lengths = self.sides.append(taken.refused, warnings, lengths)
        return {
            "rows_done": chunk[-1].row,
            "counts": added(self.run.counts, taken),
            "refused_bytes": lengths[0],
            "warned_bytes": lengths[1],
        }

    def _come_back(self, waits: Iterator[float], error: Exception) -> None:
        """Reach PostgreSQL again and look how far we got: a commit whose answer was lost may have happened."""
        if connection.in_atomic_block:
            raise error
        for wait in waits:
            connection.close()
            logger.warning("PostgreSQL is gone (%s); trying again in %s s", type(error).__name__, wait)
            time.sleep(wait)
            try:
                self.run.refresh_from_db()
            except (OperationalError, InterfaceError):
                continue
            return
        raise error


@contextmanager
def no_cycles() -> Iterator[None]:
    """Spare the search for cycles: a chunk makes a million objects in none, and looking takes as long as the rest."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def refused_by(row: RowSaid, error: Exception) -> RowSaid:
    """Return ``row`` as one that the database refused: a case nobody has thought of."""
    diagnosis = getattr(getattr(error.__cause__, "diag", None), "message_primary", None) or type(error).__name__
    reason = f"The database does not take this row: {diagnosis}."
    refused = Refused(row.row, row.line, {}, "database_refused", reason)
    return RowSaid(row.row, row.line, None, (), row.warnings, refused)


def _is_about_rows(error: Exception) -> bool:
    """Whether some row of the chunk is at fault: the others would go in without it."""
    too_large = str(getattr(error.__cause__, "sqlstate", None) or "").startswith(LIMITS)
    return too_large or isinstance(error, DataError | IntegrityError)


def _trouble(error: Exception) -> str:
    if isinstance(error, RaceLost) or isinstance(error.__cause__, UniqueViolation | ForeignKeyViolation):
        return OVERTAKEN
    if isinstance(error.__cause__, DeadlockDetected | SerializationFailure):
        return ROLLED_BACK
    state = getattr(error.__cause__, "sqlstate", None)  # None: there was nobody to give one
    if isinstance(error, OperationalError | InterfaceError) and (state is None or state.startswith(("08", "57P"))):
        return GONE
    return OURS
