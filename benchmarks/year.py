"""A whole year of a city's permits, from its file into the database: how fast, and that it comes out as counted.

The tests take in a quarter of it. This fails where a number is another than the one that was counted independently, or
where the database holds something else than the streaming oracle of the tests says.
"""

import time

from django.db import connection

from benchmarks.intake import BESIDE, TABLES, empty
from benchmarks.measure import Result
from config.kernel import clock
from config.kernel.ids import uuid7
from crm.models import Contact, OtherName, Project, ProjectContact
from crm.services import intake
from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.reading import read_records
from crm.services.files.tables import open_table

FILE = "permits/austin_permits_2014.csv.gz"
COUNTED = {
    "rows": 63_120, "refused": 0, "projects": 61_380, "contacts": 18_092, "by_phone": 5_606, "pairs": 70_452, "roles": 70_743,
    "renamed": 322,
}  # fmt: skip


def run(sizes: list[int]) -> list[Result]:
    from crm.tests.oracle import Oracle
    from crm.tests.real_inputs import FOLDER
    from crm.tests.test_intake import told_by, told_by_database

    path = FOLDER / FILE
    if not path.exists():
        print(f"The year is left out: its file is not there ({path}).")
        return []
    with connection.cursor() as cursor:
        empty(cursor, "crm", TABLES + BESIDE)
    oracle = Oracle()
    with open_table(path, name=path.name) as table:
        feed = choose_feed(table)
        records = list(read_records(table, feed))
        for item in records:
            oracle.take(item)
        begun = intake.begin_run(
            content_hash=uuid7().hex, feed=feed.id, feed_version=feed.version, source=feed.source, again=False
        )
        began = time.perf_counter()
        account = intake.take_in(records=records, run=begun, at=clock.now(), chunk_rows=intake.CHUNK)
        seconds = time.perf_counter() - began

    found = {
        "rows": account.rows,
        "refused": account.refused,
        **_in_the_database(),
        "by_phone": oracle.contacts_created_by("phone"),
    }
    if found != COUNTED:
        raise SystemExit(f"The year came out as {found}; counted were {COUNTED}.")
    if told_by_database() != told_by(oracle):
        raise SystemExit("The year came out otherwise than the oracle of crm/tests/oracle.py says.")
    rate = account.rows / seconds
    name = "a whole year of a city's permits, already read, as counted and as the oracle says, rows"
    return [Result(name, rate, None, "/s", None, "exact", f"{seconds:.1f} s")]


def _in_the_database() -> dict[str, int]:
    return {
        "projects": Project.objects.count(),
        "contacts": Contact.objects.count(),
        "pairs": ProjectContact.objects.count(),
        "roles": sum(map(len, ProjectContact.objects.values_list("roles", flat=True))),
        "renamed": OtherName.objects.values("contact").distinct().count(),
    }
