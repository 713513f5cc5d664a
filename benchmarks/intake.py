"""Intake beside COPY of the same final rows, and beside the bare statements of an upsert.

Ours is the whole way of a file: read and normalized by a second process, matched, written with foreign keys, audit and
error report. The yardsticks are given rows that are ready, and tables without foreign keys and triggers.
"""

import gc
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from benchmarks import records
from benchmarks.measure import Result
from config.kernel import clock
from config.kernel.ids import uuid7
from crm.services import intake
from crm.services.bulk.ahead import Reader
from crm.services.bulk.columns import copy_line
from crm.services.bulk.sides import Sides, side_paths

RUNS = 5
NEW = 20_000  # rows of the files with new records
CHANGED = 10_000  # rows of the file with changes
TICKS = os.sysconf("SC_CLK_TCK")
TABLES = ("project", "company", "contact", "endpoint", "contactpoint", "projectcontact", "sourcerecord")
BESIDE = ("othername", "consent", "reviewitem", "intakeperson", "intakerun", "auditevent")
COLUMNS = """
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"""
# Everybody has an id, a number and an address, and another source has spoken of them.
KNOWN = (
    "CREATE TEMP TABLE k AS SELECT n, clearline_uuid7() AS id, initcap(translate(n::text, '0123456789', 'aeioulmnrs')) AS last "
    "FROM generate_series(0, {size} - 1) n",
    """INSERT INTO crm_contact (id, contact_id, name, first_name, last_name, title, primary_phone, primary_email)
       SELECT id, 'C-' || n, 'Person ' || last, 'Person', last, 'Owner', '+1512' || 2000000 + n, 'p' || n || '@example.com'
       FROM k""",
    """INSERT INTO crm_endpoint (kind, value, owner_id, hours_profile_id)
       SELECT 'phone', primary_phone, c.id, p.id FROM crm_contact c, crm_hoursprofile p WHERE p.key = ''
       UNION ALL SELECT 'email', primary_email, c.id, NULL FROM crm_contact c""",
    """INSERT INTO crm_contactpoint (contact_id, endpoint_id, kind, value_given, is_primary)
       SELECT owner_id, id, kind, value, true FROM crm_endpoint""",
    """INSERT INTO crm_sourcerecord (source, kind, key, hash, raw, contact_id, first_seen_at, changed_at)
       SELECT 'elsewhere', 'party', 'C-' || n, md5(n::text)::uuid, '{{}}', id, now(), now() FROM k""",
    "DROP TABLE k",
)
UPSERT = (
    "CREATE TEMP TABLE m ON COMMIT DROP AS SELECT y.*, coalesce(c.id, p.owner_id, e.owner_id) AS id FROM y "
    "LEFT JOIN crm_contact c ON c.contact_id = y.contact_id "
    "LEFT JOIN crm_endpoint p ON p.value = y.phone AND p.kind = 'phone' "
    "LEFT JOIN crm_endpoint e ON e.value = y.email AND e.kind = 'email'",
    "ANALYZE m",
    "SELECT c.id FROM crm_contact c JOIN m USING (id) ORDER BY c.id FOR NO KEY UPDATE OF c",
    "UPDATE crm_contact c SET title = m.raw ->> 'title', updated_at = now() FROM m WHERE m.id = c.id",
    "UPDATE crm_sourcerecord s SET hash = m.hash, raw = m.raw, changed_at = now() FROM m "
    "WHERE s.key = m.key AND s.kind = 'party' AND s.source = 'bench'",
)
NEW_BUDGET = ">= 0.25 of COPY, stretch 0.4; >= 10,000 contacts/s quiet; <= 300 MB a process"
UPSERT_BUDGET = ">= 0.5 of the same statements without audit and error report; <= 300 MB a process"


@dataclass
class Spent:
    """What one side of a comparison took: a number for each run."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of all processes
    peaks: tuple[int, int] = (0, 0)  # MB of this process and of the one that reads


def run(sizes: list[int]) -> list[Result]:
    with tempfile.TemporaryDirectory() as scratch, Reader() as reader:
        home = Path(scratch)
        contacts, permits = records.contacts(home / "contacts.csv", NEW), records.permits(home / "permits.csv", NEW)
        with connection.cursor() as cursor:
            _copies(cursor)
            results = [
                *_new("clean contacts", contacts, reader, cursor, home),
                *_new("permits", permits, reader, cursor, home),
            ]
            per_row = {size: _upsert(size, reader, cursor, home, results) for size in sizes}
    few, many = min(per_row), max(per_row)
    if few < many:
        name = f"a changed row among {many:,} beside one among {few:,}, CPU"
        ratio, budget = per_row[many] / per_row[few], "<= 1.5x"
        results.append(Result(name, per_row[many] * 1e6, per_row[few] * 1e6, "µs", ratio, budget, ""))
    return results


def _new(what: str, path: Path, reader: Reader, cursor: Any, home: Path) -> Iterator[Result]:
    """New records, and COPY of the very rows that they became, in turns."""
    ours, theirs, made = Spent(), Spent(), {}
    for number in range(RUNS + 1):
        empty(cursor, "crm", TABLES + BESIDE)
        with _measured(cursor, ours, keep=number > 0):
            made = _take(path, reader, source="bench").entities
        _unload(cursor, home)
        empty(cursor, "crm", TABLES + BESIDE)
        empty(cursor, "bench", TABLES)
        with _measured(cursor, theirs, keep=number > 0):
            _load(cursor, home)
    people = made["contacts"]["created"]
    yield _result(f"intake of new records: {what}, rows", ours, theirs, NEW, NEW_BUDGET)
    yield _result(f"intake of new records: {what}, contacts", ours, theirs, people, NEW_BUDGET)


def _upsert(size: int, reader: Reader, cursor: Any, home: Path, results: list[Result]) -> float:
    """Changes of known people, and the bare statements that change the same, in turns; return the CPU of a row."""
    _know(cursor, size)
    ours, theirs, versions = Spent(), Spent(), count(1)
    files = (records.changes(home / "changes.csv", CHANGED, of=size, version=version) for version in versions)
    _take(next(files), reader, source="bench")  # the first word of a source fills blanks; later ones change
    for number in range(RUNS + 1):
        path = next(files)
        with _measured(cursor, ours, keep=number > 0):
            account = _take(path, reader, source="bench")
        assert account.updated == CHANGED, account
        lines = _lines(next(files), reader)
        with _measured(cursor, theirs, keep=number > 0):
            _bare(cursor, lines)
    results.append(_result(f"upsert into {size:,} by id, phone, e-mail, rows", ours, theirs, CHANGED, UPSERT_BUDGET))
    return statistics.median(ours.cpu) / CHANGED


def _take(path: Path, reader: Reader, *, source: str) -> intake.Account:
    """Take a file in as the command does, side files and all."""
    with reader.open(str(path), name=path.name, source=source) as file:
        opened = file.opened
        run = intake.begin_run(
            content_hash=uuid7().hex, feed=opened.feed, feed_version=opened.feed_version, source=source
        )
        refused, warnings = side_paths(path)
        sides = Sides(refused=refused, warnings=warnings, columns=opened.columns)
        return intake.take_in(records=file.rows(), run=run, at=clock.now(), sides=sides)


# The yardsticks


def empty(cursor: Any, prefix: str, names: Sequence[str]) -> None:
    """Empty these tables, the append-only ones too."""
    tables = ", ".join(f"{prefix}_{name}" for name in names)
    cursor.execute(
        f"SET session_replication_role = replica; TRUNCATE {tables} CASCADE; SET session_replication_role = origin"
    )


def _copies(cursor: Any) -> None:
    for name in TABLES:
        cursor.execute(f"DROP TABLE IF EXISTS bench_{name}; CREATE TABLE bench_{name} (LIKE crm_{name} INCLUDING ALL)")


def _unload(cursor: Any, home: Path) -> None:
    for name in TABLES:
        with (
            (home / name).open("wb") as file,
            cursor.copy(f"COPY (SELECT {_columns(cursor, name)} FROM crm_{name}) TO STDOUT") as copy,
        ):
            for block in copy:
                file.write(block)


def _load(cursor: Any, home: Path) -> None:
    with transaction.atomic():
        for name in TABLES:
            with (
                (home / name).open("rb") as file,
                cursor.copy(f"COPY bench_{name} ({_columns(cursor, name)}) FROM STDIN") as copy,
            ):
                while block := file.read(1 << 16):
                    copy.write(block)


def _columns(cursor: Any, name: str) -> str:
    cursor.execute(COLUMNS, [f"crm_{name}"])
    return str(cursor.fetchone()[0])


def _lines(path: Path, reader: Reader) -> list[str]:
    """The rows of a file ready for the staging table of the yardstick."""
    lines = []
    with reader.open(str(path), name=path.name, source="bench") as file:
        for row in file.rows():
            (party,) = row.parties
            point = {said.kind: said.value for said in party.points}
            keys = [party.contact_id or None, point.get("phone"), point.get("email")]
            lines.append(copy_line([*keys, *party.said]))
    return lines


def _bare(cursor: Any, lines: Sequence[str]) -> None:
    with transaction.atomic():
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "CREATE TEMP TABLE y (contact_id text, phone text, email text, key text, hash uuid, raw jsonb) ON COMMIT DROP"
        )
        with cursor.copy("COPY y FROM STDIN") as copy:
            copy.write("\n".join(lines) + "\n")
        cursor.execute("ANALYZE y")
        for statement in UPSERT:
            cursor.execute(statement)


def _know(cursor: Any, size: int) -> None:
    empty(cursor, "crm", TABLES + BESIDE)
    cursor.execute("INSERT INTO crm_hoursprofile (key) VALUES ('') ON CONFLICT DO NOTHING")
    cursor.execute("SET session_replication_role = replica")
    for statement in KNOWN:
        cursor.execute(statement.format(size=size))
    cursor.execute("SET session_replication_role = origin")
    for name in ("contact", "endpoint", "contactpoint", "sourcerecord"):
        cursor.execute(f"VACUUM (ANALYZE) crm_{name}")


# Measuring


@contextmanager
def _measured(cursor: Any, spent: Spent, *, keep: bool) -> Iterator[None]:
    """Time the block, and add up the CPU of this process, of the database's and of the reader; a first run is not kept."""
    cursor.execute("SELECT pg_backend_pid()")
    backend, reader = cursor.fetchone()[0], [child.pid for child in multiprocessing.active_children()]
    gc.collect()
    for pid in (os.getpid(), *reader):
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # forget the peak so far
    cpu, began = time.process_time() + sum(map(_cpu, [backend, *reader])), time.perf_counter()
    yield
    if keep:
        spent.wall.append(time.perf_counter() - began)
        spent.cpu.append(time.process_time() + sum(map(_cpu, [backend, *reader])) - cpu)
        spent.peaks = max(spent.peaks[0], _peak(os.getpid())), max(spent.peaks[1], *map(_peak, reader))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) >> 10


def _result(name: str, ours: Spent, theirs: Spent, amount: int, budget: str) -> Result:
    mine, yardstick = (statistics.median(amount / taken for taken in side.wall) for side in (ours, theirs))
    cpu = [statistics.median(side.cpu) / amount * 1e6 for side in (ours, theirs)]
    rates = sorted(amount / taken for taken in ours.wall)
    spread = f"{rates[0]:,.0f}..{rates[-1]:,.0f}; CPU {cpu[0]:.0f} against {cpu[1]:.0f} µs; peak {ours.peaks[0]} + {ours.peaks[1]} MB"
    return Result(name, mine, yardstick, "/s", mine / yardstick, budget, spread)
