"""``ingest FILE...``: take files of records in, and give an account of them."""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseTrouble
from psycopg.errors import UndefinedColumn, UndefinedTable

from config.kernel import clock
from config.kernel.errors import DomainError
from config.kernel.redaction import brief
from crm.management.ledger import Ledger, as_table
from crm.management.progress import Progress
from crm.models import IntakeRun
from crm.services import intake
from crm.services.bulk.ahead import File, Opened, Reader
from crm.services.bulk.originals import Originals
from crm.services.bulk.sides import encodable

SHOWN = 5  # reasons of each kind in a dry run


class DatabaseStopped(DomainError):
    """The database gave up on a file; what was committed stays, and the same command goes on behind it."""

    code = "database_stopped"


class NotMigrated(DomainError):
    code = "not_migrated"


class Command(BaseCommand):
    help = (
        "Take files of projects, people and companies in: CSV, TSV, JSON or JSON lines, plain or gzip. What the "
        "columns mean is known from the header. The same file twice changes nothing; an interrupted one goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--feed", default="", metavar="ID", help="the feed map to read with, not the fitting one")
        parser.add_argument("--source", default="", metavar="NAME", help="whose words these are, instead of the map's")
        parser.add_argument("--json", action="store_true", help="the account as one JSON object on standard output")
        parser.add_argument("--chunk", type=int, default=intake.CHUNK, metavar="N", help="rows in one transaction")
        parser.add_argument("--again", action="store_true", help="take a finished file in once more")
        parser.add_argument("--dry-run", action="store_true", help="only read and check; nothing is written")
        parser.add_argument("--refused", type=Path, metavar="PATH", help="where refused rows go (with one file)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["chunk"] < 1:
            raise CommandError("--chunk needs a number of rows, at least 1.")
        if options["refused"] and len(options["files"]) > 1:
            raise CommandError("--refused names one file: take the files in one by one.")
        ledger = Ledger()
        with Reader() as reader:
            for path in options["files"]:
                self._take_one(path, reader, ledger, options)
        if options["json"]:
            self.stdout.write(json.dumps(ledger.as_dict()))
        if ledger.failed:
            raise CommandError("\n".join(ledger.failed))

    def _take_one(self, path: Path, reader: Reader, ledger: Ledger, options: dict[str, Any]) -> None:
        """Take one file in. That it cannot be read as a whole is noted, and the next one has its turn."""
        began, name = clock.monotonic(), encodable(path.name)
        try:
            with reader.open(str(path), name=name, feed=options["feed"], source=options["source"]) as file:
                facts = (self._check if options["dry_run"] else self._take)(path, file, options)
        except (DomainError, OSError) as error:
            ledger.refuse(path, error)
            return
        except DatabaseTrouble as error:
            ledger.refuse(path, _what_stopped(name, error))
            return
        except KeyboardInterrupt:
            self.stderr.write(f"\nStopped. What was taken in of {name} stays; the same command goes on behind it.")
            sys.exit(130)
        opened = file.opened
        facts |= {"file": encodable(str(path)), "feed": opened.feed, "feed_version": opened.feed_version}
        facts |= {"feed_title": opened.feed_title, "source": opened.source, "remarks": list(opened.remarks)}
        facts["seconds"] = round(clock.monotonic() - began, 3)
        ledger.add(facts)
        if not options["json"]:
            self.stdout.write(as_table(facts))

    def _take(self, path: Path, file: File, options: dict[str, Any]) -> dict[str, Any]:
        opened = file.opened
        self._remark(opened)
        run = intake.begin_run(
            content_hash=opened.content_hash,
            feed=f"{opened.feed}@{options['source']}"[:80] if options["source"] else opened.feed,
            feed_version=opened.feed_version,
            source=opened.source,
            file_name=opened.name,
            again=options["again"],
        )
        originals = Originals(str(path), name=opened.name, columns=opened.columns, content_hash=opened.content_hash)
        sides = intake.sides_of(
            run=run, path=path, columns=opened.columns, refused=options["refused"], original=originals.cells
        )
        before = run.rows_done
        progress = Progress(sys.stderr, opened.name, opened.total_bytes, before)
        if before and not run.finished_at:
            self.stderr.write(f"{opened.name}: going on behind row {before:,}, where it was interrupted.")

        def show(run: IntakeRun) -> None:
            progress.show(rows=run.rows_done, done=file.bytes_read)

        rows = file.rows(after=before) if not run.finished_at else iter(())
        with originals:
            account = intake.take_in(
                records=rows, run=run, at=clock.now(), chunk_rows=options["chunk"], on_progress=show, sides=sides
            )
        progress.clear()
        files = {"refused_file": str(sides.refused.path) if account.refused else ""}
        files["warnings_file"] = str(sides.warnings.path) if account.warnings else ""
        return {**account.as_dict(), **files, "rows_now": run.rows_done - before}

    def _check(self, path: Path, file: File, options: dict[str, Any]) -> dict[str, Any]:
        """Read the whole file and say what would be refused or doubted, with the first rows of each kind."""
        opened = file.opened
        self._remark(opened)
        for column, meaning in opened.meanings.items():
            self.stderr.write(f"  {column}: {meaning}")
        progress = Progress(sys.stderr, opened.name, opened.total_bytes)
        rows = refused = warnings = 0
        seen: Counter[str] = Counter()
        for row in file.rows():
            rows += 1
            doubts = [row.refused] if row.refused else row.warnings
            refused += bool(row.refused)
            warnings += len(row.warnings)
            for doubt in doubts:
                seen[doubt.code] += 1
                if seen[doubt.code] <= SHOWN:
                    self.stderr.write(f"  row {doubt.row}, line {doubt.line}: {doubt.field or 'row'}: {doubt.reason}")
            progress.show(rows=rows, done=file.bytes_read)
        progress.clear()
        nothing = {"created": 0, "updated": 0, "unchanged": 0, "entities": {}, "reviews": {}}
        counts = {"rows": rows, "refused": refused, "warnings": warnings, "rows_now": rows, "codes": dict(seen)}
        return {**nothing, **counts, "dry_run": True}

    def _remark(self, opened: Opened) -> None:
        for remark in opened.remarks:
            self.stderr.write(f"{opened.name}: {remark}")


def _what_stopped(name: str, error: DatabaseTrouble) -> DomainError:
    if isinstance(error.__cause__, UndefinedTable | UndefinedColumn):
        return NotMigrated(
            f"{name}: the database lacks tables of this version. Run ./dev migrate, then this once more."
        )
    going_on = "What was taken in stays; the same command goes on behind it."
    return DatabaseStopped(f"{name}: the database stopped ({brief(error)}). {going_on}")
