"""Files for the benchmarks of intake, the same for the same seed: people, companies and numbers that do not exist."""

import csv
import gzip
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

from sample.make import SAMPLE
from sample.masks import PHONES

SEED = 7
AREAS = (512, 737, 212, 415, 303, 602, 713, 214, 312, 206)
TITLES = ("Project Manager", "Superintendent", "Estimator", "Owner", "President", "Foreman", "Architect", "Engineer")
FIRST = "al be ca da el fa ga ha is jo ka lu ma na ol pa ro sa ti vi", "na rin lo mira ton len vis dro ssa ric"
LAST = "bar cal dun fer gil hart kel lam mor nor quin sel tor und wex", "a e i o u", "ford ley son ton well wick worth"
TRADES = ("Builders", "Electric Inc.", "Plumbing LLC", "Roofing", "& Sons Contractors", "Mechanical Co.")
CONTACTS = (
    "contact_id",
    "first_name",
    "last_name",
    "title",
    "company",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "zip",
)
CHANGES = ("contact_id", "name", "title", "email", "phone")


def contacts(path: Path, count: int, *, first: int = 0) -> Path:
    """A clean file: everybody with an id, an e-mail address and a number of their own, five to a company."""
    return _write(path, CONTACTS, (_person(number) for number in range(first, first + count)))


def permits(path: Path, count: int) -> Path:
    """A dirty one, after the sample: its rows over and over, each time about other permits, people and lines."""
    with gzip.open(SAMPLE, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    copies = (_another(row, turn) for turn in itertools.count() for row in rows)
    return _write(path, tuple(rows[0]), (tuple(row.values()) for row in itertools.islice(copies, count)))


def changes(path: Path, count: int, *, of: int, version: int) -> Path:
    """New titles for ``count`` of ``of`` known people: a third named by id, a third by phone, a third by e-mail."""
    return _write(path, CHANGES, (_change(number * (of // count), number % 3, version) for number in range(count)))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _person(number: int) -> tuple[str, ...]:
    dice, theirs = Random(SEED * 1_000_003 + number), Random(SEED * 1_000_003 + number // 5)
    first, last = _word(dice, FIRST), _word(dice, LAST)
    company = f"{_word(theirs, LAST)} {_word(theirs, LAST)} {theirs.choice(TRADES)}"
    line = f"({AREAS[number % 10]}) {200 + number // 10_000 % 700}-{number % 10_000:04}"
    street = f"{dice.randrange(100, 9_999)} {_word(dice, LAST)} St"
    email = f"{first}.{last}.{number}@example.com".lower()
    place = ("Austin", "TX", f"787{dice.randrange(10, 60)}")
    return f"C-{number}", first, last, dice.choice(TITLES), company, email, line, street, *place


def _word(dice: Random, parts: Sequence[str]) -> str:
    return "".join(dice.choice(part.split()) for part in parts).capitalize()


def _another(row: dict[str, str], turn: int) -> dict[str, str]:
    """The same row about others: another permit, other first names, the same lines of another exchange."""
    if not turn:
        return row
    word = _word(Random(SEED * 7_919 + turn), FIRST)
    names = {name: f"{word}{row[name].lower()}" for name in ("folder_owner", "property_owner") if row[name]}
    lines = {name: row[name].replace("555-", f"{200 + turn % 700}-") for name in PHONES}
    return {**row, **names, **lines, "permit_number": f"{turn}-{row['permit_number']}"}


def _change(number: int, key: int, version: int) -> Iterator[str]:
    keys = (f"C-{number}", f"p{number}@example.com", f"+1512{2_000_000 + number}")
    contact_id, email, phone = (value if place == key else "" for place, value in enumerate(keys))
    last = (
        str(number).translate(str.maketrans("0123456789", "aeioulmnrs")).capitalize()
    )  # a digit would make it a company
    return iter((contact_id, f"Person {last}", f"Title {version} of {number}", email, phone))
