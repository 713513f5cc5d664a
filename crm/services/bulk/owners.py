"""Users whom records name as owners, by their e-mail address. Whom a record cannot give somebody to is told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from django.db.models.functions import Lower

from crm.models import User
from crm.services.bulk.preparing import RowSaid
from crm.services.feeds.records import Doubt

UNKNOWN: Final = "unknown_owner", "Nobody active signs in with this address, so the owner stays as it is."
NOT_YOURS: Final = "owner_not_yours_to_choose", "Only an administrator may give a record to somebody else."


@dataclass(slots=True)
class Owners:
    """The owners that the rows of one run name. ``by`` may only name themselves, unless they see everything."""

    by: User | None = None
    ids: dict[str, str] = field(default_factory=dict)  # e-mail address: id; only those that count
    _asked: set[str] = field(default_factory=set)

    def learn(self, rows: Iterable[RowSaid]) -> None:
        """Look up the addresses that were not looked up before, in one statement."""
        wanted = {email for row in rows for _, email in _named(row)} - self._asked
        if not wanted:
            return
        users = User.objects.filter(is_active=True).annotate(folded=Lower("email")).filter(folded__in=wanted)
        if self.by is not None and not self.by.sees_everything:
            users = users.filter(pk=self.by.pk)
        self.ids.update((email, str(pk)) for email, pk in users.values_list("folded", "pk"))
        self._asked |= wanted

    def doubted(self, row: RowSaid) -> RowSaid:
        """Return the row with a warning for every owner that it names in vain."""
        code, reason = UNKNOWN if self.by is None or self.by.sees_everything else NOT_YOURS
        doubts = [
            Doubt(row.row, row.line, column, code, reason, email)
            for column, email in _named(row)
            if email not in self.ids
        ]
        return row._replace(warnings=(*row.warnings, *doubts)) if doubts else row


def _named(row: RowSaid) -> Iterator[tuple[str, str]]:
    if row.project and row.project.owner:
        yield "project.owner", row.project.owner
    for number, party in enumerate(row.parties):
        if party.owner:
            yield f"contacts.{number}.owner", party.owner
