"""Real files, through feed maps, into the database: what must come out is known from independent counts."""

from copy import deepcopy
from functools import lru_cache
from itertools import islice
from pathlib import Path

import pytest

from config.testing import NOON, times
from crm.models import Contact, Endpoint, OtherName, Project, ProjectContact
from crm.services import intake
from crm.services.bulk.preparing import Preparer, RowSaid
from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.maps import FeedMap
from crm.services.feeds.reading import read_records
from crm.services.feeds.records import Record, Refused
from crm.services.files.tables import open_table
from crm.tests.dumps import versions
from crm.tests.oracle import Oracle
from crm.tests.real_inputs import path_of
from crm.tests.test_intake import OwnNames, told_by, told_by_database

pytestmark = pytest.mark.django_db

ROWS = times(2_000)  # of a file whose kind is the subject
PERMITS = [
    "austin_daily_2014-01/2014-01-02.csv",
    "austin_schema_drift/2004-06-01.csv",
    "austin_schema_drift/2015-10-20.csv",
    "cary_nc_permits_2014_NOHEADER.csv.gz",
    "chicago_crane_permits_with_roles_2016.csv",
    "chicago_general_contractor_licences_2014.csv",
    "cslb_master_licence_noheader.csv",
    "georgia_dot_contractor_directory.json",
    "maryland_mbe_directory.json",
    "nashville_permits_epoch_ms_first4000.csv.gz",
    "nyc_dob_leads_float_phones.csv",
    "nyc_dob_permit_issuance_2022_sample.csv",
    "nycdb_fixture_dob_now_jobs.csv",
    "nycdb_fixture_dobjobs.csv",
    "nycdb_fixture_hpd_contacts.csv",
    "nycdb_fixture_hpd_registrations.csv",
    "sf_temp_occupancy_permits_companyphone.csv",
]


EXPORTS = [
    ("apollo_export_A.csv", 24, 0),
    ("apollo_export_B.csv", 25, 0),
    ("apollo_export_C.csv", 16, 0),
    ("apollo_export_D_2025.csv", 10, 0),
    ("apollo_scraper_out.csv", 18, 0),
    ("dittofeed_users.csv", 5, 0),
    ("listmonk_subs_json_column.csv", 100, 0),
    ("mautic_fakeleaddata.csv", 50, 4),
    ("salesforce_accounts_allquoted.csv", 59, 0),
    ("transformed_leads_A.csv", 21, 0),
    ("vicidial_lead_file_noheader.csv", 14, 0),
]


@lru_cache(maxsize=2)
def read(path: Path, rows: int | None) -> tuple[FeedMap, str, list[Record | Refused], list[RowSaid]]:
    """Most files are taken in twice: reading and preparing their rows is half of it."""
    with open_table(path, name=path.name) as table:
        feed = choose_feed(table)
        records = list(islice(read_records(table, feed), rows))
        return feed, table.content_hash, records, list(map(Preparer(source=feed.source).prepare, records))


def take(
    name: str,
    *,
    folder: str = "permits",
    oracle: Oracle | None = None,
    again: bool = False,
    chunk_rows: int = 5_000,
    rows: int | None = None,
) -> intake.Account:
    feed, content_hash, records, prepared = read(path_of(f"{folder}/{name}"), rows)
    run = intake.begin_run(
        content_hash=content_hash, feed=feed.id, feed_version=feed.version, source=feed.source, again=again
    )
    for item in records if oracle else ():
        oracle.take(item)
    return intake.take_in(records=iter(prepared), run=run, at=NOON, chunk_rows=chunk_rows)


def test_a_day_and_then_its_quarter_come_out_as_counted_elsewhere():
    """The day is in the quarter. `./dev bench year` counts the whole year."""
    oracle = Oracle()
    day = take("austin_daily_2014-01/2014-01-02.csv", oracle=oracle)
    account = take("austin_permits_2014_q1.csv.gz", oracle=oracle)

    assert account.rows == 14_803
    assert account.refused == 0
    assert account.unchanged >= day.rows > 0
    assert Project.objects.count() == 14_185
    assert Contact.objects.count() == 5_658
    assert Contact.objects.exclude(primary_phone="").count() == 2_546
    assert ProjectContact.objects.count() == 16_678
    assert sum(map(len, ProjectContact.objects.values_list("roles", flat=True))) == 16_705
    assert OtherName.objects.values("contact").distinct().count() == 79
    assert told_by_database() == told_by(oracle)
    assert (len(oracle.projects), len(oracle.contacts), len(oracle.pairs)) == (14_185, 5_658, 16_678)
    assert (oracle.contacts_created_by("phone"), oracle.roles) == (2_546, 16_705)
    once = deepcopy(oracle)

    written = versions()
    again = take("austin_permits_2014_q1.csv.gz", oracle=oracle, again=True)
    assert told_by(oracle) == told_by(once), "nor does a second pass tell the oracle anything new"
    assert (oracle.by_id, oracle.by_name, oracle.reviews) == (once.by_id, once.by_name, once.reviews)

    assert (again.created, again.updated, again.unchanged, again.refused) == (0, 0, 14_803, 0)
    assert versions() == written, "a second pass writes no row at all"


@pytest.mark.parametrize(("name", "contacts", "refused"), EXPORTS)
def test_every_export_of_another_program_agrees_with_the_oracle_and_comes_in_once(name, contacts, refused):
    oracle = OwnNames()

    account = take(name, folder="contact_exports", oracle=oracle)

    assert (account.rows, account.refused) == (oracle.rows, refused)
    assert Contact.objects.count() == contacts
    assert told_by_database() == told_by(oracle)
    written = versions()
    again = take(name, folder="contact_exports", again=True, chunk_rows=7)
    assert (again.created, again.updated, again.unchanged) == (0, 0, account.rows - refused)
    assert versions() == written, "a second pass writes no row at all"


@pytest.mark.parametrize("name", PERMITS)
def test_every_kind_of_permit_file_agrees_with_the_oracle_and_comes_in_once(name):
    oracle = Oracle()

    account = take(name, oracle=oracle, rows=ROWS)

    assert account.rows == oracle.rows
    assert account.created > 0
    assert told_by_database() == told_by(oracle)
    written = versions()
    again = take(name, again=True, chunk_rows=700, rows=ROWS)
    assert (again.created, again.updated) == (0, 0)
    assert versions() == written, "a second pass writes no row at all"


def test_licences_that_are_repeated_23_times_are_197_contacts():
    take("chicago_general_contractor_licences_2014.csv")

    assert Contact.objects.count() == 197


def test_phones_that_went_through_a_spreadsheet_are_understood():
    take("nyc_dob_leads_float_phones.csv")

    assert Endpoint.objects.filter(kind="phone").count() == 224


def test_two_snapshots_of_a_directory_meet_by_its_ids():
    take("maryland_mbe_directory_earlier_snapshot.csv")
    account = take("maryland_mbe_directory.json")

    assert 815 <= Contact.objects.count() <= 818
    assert account.updated > 100
