"""Files of leads for `./dev ingest`."""

import csv
from pathlib import Path

COLUMNS = ("project_id", "project_name", "contact_name", "role", "phone", "email", "title")


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
