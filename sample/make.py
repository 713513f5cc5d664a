"""Make ``sample/records.csv.gz``: permits of Austin as they are, about people who do not exist.

    python -m sample.make ../shared/data/permits/austin_permits_2014_q1.csv.gz

The shape and the dirt stay: several rows for a permit, two people in a cell, shifted digits, trailing commas, lines
that two companies share, parties without a number. What could point at anybody is replaced (see ``sample.masks``).
The same source and seed give the same sample.
"""

import csv
import gzip
import io
import sys
from collections import defaultdict
from pathlib import Path

from sample.masks import NAMES, PHONES, Dice, Masks, Row, area_code

ROWS = 1_500
LINES = 100  # 555-0100 to 555-0199 in each area code: no two lines become one
MOST_NAMES = 25  # of these the lines on which most names are listed; the others are drawn
SAMPLE = Path(__file__).resolve().parent / "records.csv.gz"


def read(path: Path) -> list[Row]:
    with gzip.open(path, "rt", newline="") as source:
        return list(csv.DictReader(source))


def make(rows: list[Row]) -> str:
    """The sample as CSV, from the rows of the source."""
    masks = Masks(rows)
    masked = [masks.masked(row) for row in choose_rows(rows)]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(masked[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(masked)
    return out.getvalue()


def choose_rows(rows: list[Row]) -> list[Row]:
    """Whole permits all of whose lines are among the chosen, in the order of the file; every line is on a row."""
    lines = choose_lines(rows)
    permits: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        permits[row["permit_number"]].append(number)
    said = {
        permit: {rows[number][phone] for number in numbers for phone in PHONES} - {""}
        for permit, numbers in permits.items()
    }
    fitting = [permit for permit in permits if all(line in lines or not area_code(line) for line in said[permit])]
    drawn = sorted(fitting, key=lambda permit: Dice("permit", permit).below(1 << 60))
    chosen: dict[str, None] = {}
    seen: set[str] = set()
    for permit in drawn:
        if said[permit] - seen:
            chosen[permit] = None
            seen |= said[permit]
    for permit in drawn:
        if sum(len(permits[taken]) for taken in chosen) >= ROWS:
            break
        chosen[permit] = None
    return [rows[number] for number in sorted(number for permit in chosen for number in permits[permit])]


def choose_lines(rows: list[Row]) -> set[str]:
    """The lines to keep: in each area code those with most names, then drawn ones, a hundred at most."""
    names: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        for phone, name in zip(PHONES, NAMES, strict=True):
            if code := area_code(row[phone]):
                names[code][row[phone]].add(row[name])
    chosen: set[str] = set()
    for lines in names.values():
        by_names = [line for line, _ in sorted(lines.items(), key=lambda item: (-len(item[1]), item[0]))]
        drawn = sorted(by_names[MOST_NAMES:], key=lambda line: Dice("line", line).below(1 << 60))
        chosen.update([*by_names[:MOST_NAMES], *drawn][:LINES])
    return chosen


if __name__ == "__main__":
    SAMPLE.write_bytes(gzip.compress(make(read(Path(sys.argv[1]))).encode(), mtime=0))
