"""Files of leads for `./dev ingest`."""

import csv
import multiprocessing
from pathlib import Path

import pytest

from crm.services.bulk import ahead

READING = ["crm.services.bulk.preparing", "crm.services.feeds.choosing", "crm.services.feeds.reading"]
COLUMNS = ("project_id", "project_name", "contact_name", "role", "phone", "email", "title")


@pytest.fixture
def quick_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers are forked from one process that has loaded what they need; `test_ingest_interrupted` starts real ones.

    Like a real one, such a reader shares nothing with the test: neither its connections nor its end of the pipe.
    """
    multiprocessing.set_forkserver_preload(READING)
    monkeypatch.setattr(ahead, "START", "forkserver")


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def rows(count: int) -> list[tuple[str, ...]]:
    """People who meet again and again, unusable numbers, and now and then a row that names nobody."""
    return [
        ("", "", "", "", "12", "", "Clerk")
        if number % 97 == 0
        else (
            f"P-{number % 700}",
            "Tower",
            f"Person {number % 900}",
            "owner" if number % 2 else "builder",
            f"512 555 {number % 900:04}" if number % 50 else "555",
            f"p{number % 400}@example.com" if number % 3 == 0 else "",
            ("Clerk", "Owner")[number % 7 == 0],
        )
        for number in range(1, count + 1)
    ]
