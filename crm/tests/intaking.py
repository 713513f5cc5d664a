"""People and rows for tests of what an intake does."""

from typing import Any

from config.testing import NOON
from crm.services import intake
from crm.services.feeds.records import EmailIn, Party, PhoneIn, ProjectIn, Record, Refused
from crm.services.normalization.names import match_key

PHONE, OTHER_PHONE = "+15125550134", "+15125550135"


def somebody(name: str = "", *, phone: str = "", email: str = "", **said: Any) -> Party:
    return Party(
        name=name,
        name_as_listed=said.pop("name_as_listed", name),
        listed_key=match_key(name),
        phones=(PhoneIn(phone, phone, "", "mobile_or_landline", "work"),) if phone else (),
        emails=(EmailIn(email, email),) if email else (),
        **said,
    )


def take(*rows: Any, source: str = "permits", **how: Any) -> intake.Account:
    """Take rows in, each a record, or (project, party, ...), or a party."""
    take.runs += 1
    records = [_record(number, row) for number, row in enumerate(rows, start=1)]
    run = intake.begin_run(content_hash=str(take.runs), feed="test", feed_version="1", source=source)
    return intake.take_in(records=records, run=run, at=NOON, **how)


take.runs = 0


def _record(number: int, row: Any) -> Record | Refused:
    if isinstance(row, Record | Refused):
        return row
    project, *parties = row if isinstance(row, tuple) else (None, row)
    return Record(number, number + 1, ProjectIn(project) if isinstance(project, str) else project, tuple(parties))
