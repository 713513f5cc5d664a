"""Taking records in: a stream of projects, parties and roles becomes rows, each chunk of it at once or not at all.

Taking the same records in twice changes nothing. A run is known by (content hash, feed map, version): one that was
killed goes on behind its last committed chunk, one that is done has nothing left to do. Overlapping runs wait for each
other or resolve their chunk again; they never deadlock for good and never make anything twice.

Who is meant is decided by ``crm.services.matching``, what may be written by ``crm.services.ownership``; the machinery
for many rows at once is ``crm.services.bulk``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from config.kernel.errors import DomainError
from config.kernel.ids import uuid7
from crm.choices import IntakeState
from crm.models import IntakeRun, User
from crm.services.bulk.accounts import Account, Result, account_of, repeated
from crm.services.bulk.preparing import Preparer, RowSaid
from crm.services.bulk.sides import Original, Sides, encodable, side_paths
from crm.services.bulk.taking import Overtaken, Progress, TakenElsewhere, Taking
from crm.services.feeds.posted import VERSION, read_posted
from crm.services.feeds.records import Record, Refused

__all__ = [
    "Account",
    "Overtaken",
    "Result",
    "TakenElsewhere",
    "begin_run",
    "resume",
    "sides_of",
    "take_in",
    "take_in_posted",
]

CHUNK: Final = 10_000  # rows
FIRST_CHUNK: Final = 2_500  # rows; each chunk is twice the one before, so that nobody waits for a whole one to be read
MOST_POSTED: Final = 1_000  # records


class TooMany(DomainError):
    code = "too_many_records"


def begin_run(
    *,
    content_hash: str,
    feed: str,
    feed_version: str,
    source: str,
    file_name: str = "",
    by: User | None = None,
    again: bool = False,
) -> IntakeRun:
    """Return the run of this content under this map: a new one, one to go on with, or one that is done.

    ``rows_done`` says behind which row to go on. With ``again`` a finished run starts from its first row.
    """
    run, _ = IntakeRun.objects.get_or_create(
        content_hash=content_hash,
        feed=feed,
        feed_version=feed_version,
        defaults={"source": source, "file_name": encodable(file_name)[-255:], "by": by},
    )
    if again or run.state == IntakeState.FAILED:
        resume(run=run, again=again)
    return run


def resume(*, run: IntakeRun, again: bool = False) -> IntakeRun:
    """Let a run that failed go on where it stopped, or with ``again`` start anew."""
    run.state, run.error, run.finished_at = IntakeState.RUNNING, "", None
    if again:
        run.rows_done, run.counts, run.refused_bytes, run.warned_bytes = 0, {}, 0, 0
        run.refused_file = run.warned_file = ""  # somebody may be mending rows in those of the first time
    run.save()
    return run


def sides_of(
    *, run: IntakeRun, path: Path, columns: Sequence[str], refused: Path | None = None, original: Original | None = None
) -> Sides:
    """Return the side files of a run that takes in the file at ``path``, and note that they are the run's.

    :raises InTheWay: ``refused`` names a file that would be lost.
    """
    going_on = IntakeRun.objects.filter(state=IntakeState.RUNNING).exclude(pk=run.pk)
    others = {name for names in going_on.values_list("refused_file", "warned_file") for name in names}
    listed, warned = side_paths(path, refused=refused, own=(run.refused_file, run.warned_file), others=others)
    if run.state != IntakeState.DONE:
        run.refused_file, run.warned_file = encodable(str(listed.absolute())), encodable(str(warned))
        run.save(update_fields=["refused_file", "warned_file", "updated_at"])
    return Sides(refused=listed, warnings=warned, columns=columns, original=original)


def take_in(
    *,
    records: Iterable[Record | Refused | RowSaid],
    run: IntakeRun,
    at: datetime,
    chunk_rows: int = CHUNK,
    on_progress: Progress | None = None,
    sides: Sides | None = None,
) -> Account:
    """Take ``records`` in, in chunks that grow up to ``chunk_rows``, and return the account of the whole run.

    Rows up to ``run.rows_done`` are passed over, so a run that was interrupted goes on. Progress, counts and the
    lengths of the side files are committed with each chunk; ``on_progress`` hears of each. A PostgreSQL that went away
    is waited for, a minute in all.

    :raises TakenElsewhere: another process goes on with the same run.
    :raises Overtaken: others changed the same people in every try.
    """
    if run.state == IntakeState.DONE:
        return repeated(run)
    taking = Taking(run=run, at=at, sides=sides, on_progress=on_progress)
    rows = _prepared(records, run)
    try:
        size = min(FIRST_CHUNK, chunk_rows)
        while chunk := list(islice(rows, size)):
            taking.take(chunk)
            size = min(2 * size, chunk_rows)
    except TakenElsewhere:
        raise
    except Exception as error:
        taking.fail(error)
        raise
    taking.finish()
    return account_of(run)


def take_in_posted(*, source: str, records: Sequence[Mapping[str, Any]], by: User | None, at: datetime) -> Account:
    """Take up to 1,000 posted records in at once; ``results`` of the account has one for each, in order.

    A record that cannot be used is refused alone, with its field and the reason; so is one that means somebody whom
    ``by`` does not see. See ``crm.services.feeds.posted`` for what a record may say.

    :raises TooMany: there are more. :raises Overtaken: others changed the same people in every try.
    """
    if len(records) > MOST_POSTED:
        raise TooMany(f"At most {MOST_POSTED:,} records at once; these are {len(records):,}. Send them in parts.")
    run = begin_run(content_hash=uuid7().hex, feed="posted", feed_version=VERSION, source=source, by=by)
    preparer = Preparer(source=source)
    rows = [preparer.prepare(item) for item in read_posted(records)]
    taking = Taking(run=run, at=at, by=by, lasting=False, results=[])
    try:
        if rows:
            taking.take(rows)
    except Exception as error:
        taking.fail(error)
        raise
    taking.finish()
    return account_of(run, taking.results)


def _prepared(records: Iterable[Record | Refused | RowSaid], run: IntakeRun) -> Iterator[RowSaid]:
    preparer = Preparer(source=run.source)
    for item in records:
        row = item if isinstance(item, RowSaid) else preparer.prepare(item)
        if row.row > run.rows_done:
            yield row
