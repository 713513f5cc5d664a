"""One chunk of a file, from prepared rows to written rows, inside the transaction of whoever calls."""

import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from django.db import connection

from config.kernel import faults
from config.kernel.ids import uuid7
from crm.models import User
from crm.services.bulk.applying import CREATED, Applier
from crm.services.bulk.births import Midwife
from crm.services.bulk.book import Book
from crm.services.bulk.namesakes import read_namesakes
from crm.services.bulk.owners import Owners
from crm.services.bulk.places import known_places
from crm.services.bulk.preparing import RowSaid
from crm.services.bulk.resolving import Known, Resolved, Resolver
from crm.services.bulk.scope import out_of_scope
from crm.services.bulk.staging import Staging
from crm.services.bulk.writing import Writer
from crm.services.feeds.records import Refused
from crm.services.profiles import profile_ids

LINE_OF_SOMEBODY_DELETED: Final = (
    "The number or address in this row belongs to a contact who was deleted, under another name. If this is the same "
    "person, restore that contact. If not, restore them, mark the number as a wrong person's and delete them again. "
    "Then send this row once more."
)

faults.register("intake.before_writing", "intake.before_commit")


@dataclass(slots=True)
class Taken:
    """What became of a chunk: an outcome for every row, in order, and how much of everything there was."""

    outcomes: list[str] = field(default_factory=list)  # created, updated, unchanged, refused
    refused: list[Refused] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # "contacts.created": n, "reviews.same_name": n
    warnings: int = 0


@dataclass(slots=True)
class Taker:
    """Takes the chunks of one run. ``by`` limits whom a row may touch; without a user there is no limit."""

    source: str
    run: str
    at: datetime
    by: User | None = None
    _profiles: dict[str, str] = field(default_factory=dict)
    owners: Owners = field(init=False)

    def __post_init__(self) -> None:
        self.owners = Owners(by=self.by)

    def prepare(self, rows: Sequence[RowSaid]) -> list[RowSaid]:
        """Make the hours profiles that the rows may need, and return the rows with warnings about unknown owners.

        Outside the transaction, so that nobody waits for it.
        """
        self.owners.learn(rows)
        keys = {point.profile for row in rows for party in row.parties for point in party.points} | {""}
        if missing := keys - self._profiles.keys():
            self._profiles.update({key: str(id_) for key, id_ in profile_ids(missing).items()})
        return [self.owners.doubted(row) for row in rows]

    def take(self, rows: Sequence[RowSaid]) -> Taken:
        """Take ``rows`` in; written is all of them or, if this raises, nothing.

        :raises RaceLost: somebody else changed the same people meanwhile; a new transaction will see what they did.
        """
        with connection.cursor() as cursor, Staging(cursor, source=self.source) as staging:
            known = staging.known(rows)
            refused = {row.row: row.refused for row in rows if row.refused}
            if self.by is not None:
                refused |= out_of_scope(known, rows, self.by)
            kept = [row for row in rows if row.row not in refused] if refused else rows
            found, book, reviews = self._write(cursor, staging, known, kept)
            refused |= {row.row: _refusal(row) for row in kept if row.row in found.swallowed}
        return _account(rows, kept, refused, book, reviews)

    def _write(
        self, cursor: object, staging: Staging, known: Known, rows: Sequence[RowSaid]
    ) -> tuple[Resolved, Book, Counter[str]]:
        new_id, at = ids(), self.at.astimezone(UTC).isoformat()
        found = Resolver(known, run=self.run, new_id=new_id).resolve(rows)
        staging.read_things(found)
        pairs = staging.pairs(found)
        namesakes = read_namesakes(staging, known, found, pairs)
        points = staging.points(known, found)
        applier = Applier(
            known=known, pairs=pairs, points=points, places=known_places(cursor, found), owners=self.owners.ids,
            namesakes=namesakes, new_id=new_id, at=at,
        )  # fmt: skip
        book = applier.apply(found)
        midwife = Midwife(known, found, book, self.source, at, self._profiles, new_id)
        faults.point("intake.before_writing")
        reviews = Writer(cursor, run=self.run, known=known, found=found, book=book, midwife=midwife).write()
        faults.point("intake.before_commit")
        return found, book, reviews


def ids() -> Callable[[], str]:
    """Return a maker of UUIDv7 in 32 hexadecimal digits, each greater than the one before: the order of birth."""
    last = uuid7().int & ~(1 << 61)  # room to count on inside the random bits
    step = 1 + secrets.randbits(32)

    def new_id() -> str:
        nonlocal last
        last += step
        return f"{last:032x}"

    return new_id


def _refusal(row: RowSaid) -> Refused:
    return Refused(row.row, row.line, {}, "line_of_somebody_deleted", LINE_OF_SOMEBODY_DELETED)


def _account(
    rows: Sequence[RowSaid],
    kept: Sequence[RowSaid],
    refused: Mapping[int, Refused],
    book: Book,
    reviews: Counter[str],
) -> Taken:
    words = {row.row: _word(book.outcomes.get(number, 0)) for number, row in enumerate(kept)}
    return Taken(
        outcomes=["refused" if row.row in refused else words[row.row] for row in rows],
        refused=[refused[row.row] for row in rows if row.row in refused],
        counts=book.counts + Counter({f"reviews.{kind}": count for kind, count in reviews.items()}),
        warnings=sum(len(row.warnings) for row in rows),
    )


def _word(outcome: int) -> str:
    if outcome & CREATED:
        return "created"
    return "updated" if outcome else "unchanged"
