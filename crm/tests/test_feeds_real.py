"""Real files: exports of contacts and feeds of permits, with the counts that independent scripts found."""

import csv
from collections import Counter

import pytest

from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.reading import describe, read_records
from crm.services.feeds.records import Record, Refused
from crm.services.files.tables import open_table
from crm.tests.reading import file_of, oracle_of, records_of, table_of, the_party
from crm.tests.real_inputs import json_of, path_of

# Exports of contacts


def test_the_fixtures_of_headers_map_fully():
    """Every column that says who somebody is or how to reach them; notes, anniversaries and the like are attributes."""
    wanted = {
        "google_contacts_csv": (
            "google_contacts",
            ["Given Name", "Family Name", "E-mail 2 - Value", "Phone 2 - Value"],
        ),
        "outlook_csv": (
            "outlook_contacts",
            ["E-mail 3 Address", "Mobile Phone", "Business Street", "Job Title", "Company"],
        ),
        "hubspot_contacts": ("hubspot_contacts", ["Record ID", "Phone Number", "Lead Status", "Associated Company"]),
        "linkedin_connections": ("linkedin_connections", ["URL", "Email Address", "Position"]),
    }
    judged = 0
    for fixture in json_of("contact_exports/header_fixtures.json"):
        feed_id, columns = wanted[fixture["system"]]
        with table_of(fixture.get("csv") or fixture["header"] + "\n") as table:
            feed = choose_feed(table)
            meanings = describe(feed, table.columns)
        assert feed.id == feed_id
        assert all(meanings[column] != "attribute" for column in columns), meanings
        judged += 1

    assert judged == 4


def test_hubspot_and_linkedin_rows_come_out_as_their_fixtures_say():
    fixtures = {fixture["system"]: fixture for fixture in json_of("contact_exports/header_fixtures.json")}
    for system in ("hubspot_contacts", "linkedin_connections"):
        fixture = fixtures[system]
        _, items = records_of(fixture["csv"])

        assert len(items) == fixture["expect"]["data_rows"]
        assert sum(isinstance(item, Record) for item in items) == fixture["expect"]["importable"]
    _, items = records_of(fixtures["hubspot_contacts"]["csv"])
    assert [item.line for item in items if isinstance(item, Refused)] == fixtures["hubspot_contacts"]["expect"][
        "rejected_lines"
    ]
    assert (
        len(
            {
                email.value
                for item in items
                if isinstance(item, Record)
                for party in item.parties
                for email in party.emails
            }
        )
        == 3
    )


def test_a_title_is_no_job_where_it_means_mister():
    header = {f["system"]: f for f in json_of("contact_exports/header_fixtures.json")}["outlook_csv"]["header"]
    names = next(csv.reader([header]))
    cells = {
        "Title": "Mr",
        "First Name": "Carl",
        "Last Name": "Sample",
        "Job Title": "Foreman",
        "Mobile Phone": "512 555 0134",
    }

    party = the_party(header + "\n" + ",".join(cells.get(name, "") for name in names) + "\n")

    assert (party.title, party.name, party.phones[0].label) == ("Foreman", "Carl Sample", "mobile")


def test_a_google_label_and_several_numbers_in_one_cell_are_understood():
    party = the_party(
        "First Name,Last Name,Organization Name,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,"
        "Phone 1 - Type\nAda,Example,Example Inc,* Work,ada@example.com,Mobile,512 555 0134 ::: 512 555 0135,Mobile\n"
    )

    assert [(phone.e164, phone.label) for phone in party.phones] == [
        ("+15125550134", "mobile"),
        ("+15125550135", "mobile"),
    ]
    assert party.company.name == "Example Inc"


def test_a_person_without_number_or_address_is_known_again_by_their_profile():
    text = (
        "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n{},{},{},,Example Inc,CEO,15 Jun 2026\n"
    )

    ada = the_party(text.format("Ada", "Example", "https://example.com/in/ada"))
    again = the_party(text.format("Ada", "Example", "https://example.com/in/ada"))
    namesake = the_party(text.format("Ada", "Example", "https://example.com/in/ada-2"))

    assert ada.key == again.key != namesake.key


def test_phones_are_read_as_in_the_country_the_row_names():
    party = the_party(
        "title,firstname,lastname,city,address1,state,zipcode,country,email,phone,company,points\n"
        "Mrs.,Ada,Example,Wells,1 Way,,GL15 1XD,United Kingdom,ada@example.com,020 7946 0134,Example Bros.,100\n"
    )

    assert [phone.e164 for phone in party.phones] == ["+442079460134"]
    assert (party.country, party.title) == ("GB", "")


@pytest.mark.parametrize(
    ("name", "contacts"),
    [("apollo_export_A", 24), ("apollo_export_B", 25), ("apollo_export_C", 16), ("apollo_export_D_2025", 10)],
)
def test_apollo_contacts_are_as_many_as_their_ids_whatever_lines_they_share(name, contacts):
    oracle = oracle_of(f"contact_exports/{name}.csv")

    assert (len(oracle.contacts), oracle.refused) == (contacts, 0)
    assert json_of("contact_exports/EXPECTED.json")[f"{name}.csv"]["distinct_contact_ids"] == contacts


@pytest.mark.parametrize(
    ("name", "feed_id", "contacts", "refused"),
    [
        ("apollo_scraper_out", "apollo_scraper", 18, 0),  # people of one company share its number
        ("dittofeed_users", "dittofeed_users", 5, 0),
        ("listmonk_subs_json_column", "listmonk_subscribers", 100, 0),
        ("mautic_fakeleaddata", "mautic_contacts", 50, 4),  # four rows name nobody
        ("salesforce_accounts_allquoted", "salesforce_accounts", 59, 0),
        ("transformed_leads_A", "zoho_leads", 21, 0),
        ("vicidial_lead_file_noheader", "vicidial_leads", 14, 0),
    ],
)
def test_every_export_is_read_by_its_map(name, feed_id, contacts, refused):
    path = path_of(f"contact_exports/{name}.csv")
    with open_table(path, name=path.name) as table:
        assert choose_feed(table).id == feed_id

    oracle = oracle_of(f"contact_exports/{name}.csv")
    assert (len(oracle.contacts), oracle.refused) == (contacts, refused)


# Permits; `test_intake_files` counts a quarter of Austin


def test_the_days_of_a_feed_are_its_year_in_pieces():
    names = sorted(path.name for path in path_of("permits/austin_daily_2014-01").glob("*.csv"))

    oracle = oracle_of(*(f"permits/austin_daily_2014-01/{name}" for name in names))

    assert (len(names), oracle.refused) == (13, 0)
    assert oracle.rows == 1_927
    assert len(oracle.projects) > 1_600


@pytest.mark.parametrize(
    ("name", "columns"),
    [("2004-06-01", 43), ("2015-10-06", 37), ("2015-10-20", 51), ("2015-11-10", 51), ("2017-01-03", 43)],
)
def test_other_years_of_austin_need_no_other_map(name, columns):
    path = path_of(f"permits/austin_schema_drift/{name}.csv")
    with open_table(path, name=path.name) as table:
        items = list(read_records(table, choose_feed(table)))

        assert (choose_feed(table).id, len(table.columns)) == ("austin_permits", columns)
    assert not any(isinstance(item, Refused) for item in items)


@pytest.mark.parametrize(
    ("name", "feed_id", "rows", "projects", "contacts", "phones"),
    [
        ("chicago_general_contractor_licences_2014.csv", "chicago_contractor_licences", 4_554, 0, 197, 197),
        ("chicago_crane_permits_with_roles_2016.csv", "chicago_crane_permits", 203, 203, 458, 75),
        ("nyc_dob_leads_float_phones.csv", "nyc_dob_leads", 274, 274, 226, 224),
        ("nyc_dob_permit_issuance_2022_sample.csv", "nyc_dob_permit_issuance", 497, 427, 591, 589),
        ("nycdb_fixture_dobjobs.csv", "nyc_dob_jobs", 100, 99, 197, 0),
        ("nycdb_fixture_dob_now_jobs.csv", "nyc_dob_now_jobs", 100, 100, 279, 0),
        ("nycdb_fixture_hpd_contacts.csv", "nyc_hpd_contacts", 100, 26, 65, 0),
        ("nycdb_fixture_hpd_registrations.csv", "nyc_hpd_registrations", 100, 100, 0, 0),
        ("sf_temp_occupancy_permits_companyphone.csv", "sf_temp_occupancy", 464, 412, 309, 307),
        ("nashville_permits_epoch_ms_first4000.csv.gz", "nashville_permits", 4_000, 3_998, 3_755, 0),
        ("cary_nc_permits_2014_NOHEADER.csv.gz", "cary_permits", 8_726, 8_726, 15_951, 0),
        ("cslb_master_licence_noheader.csv", "cslb_licences", 56, 0, 56, 56),
        ("georgia_dot_contractor_directory.json", "georgia_dot_contractors", 11, 0, 11, 11),
    ],
)
def test_every_permit_feed_is_read_by_its_map(name, feed_id, rows, projects, contacts, phones):
    with open_table(path_of(f"permits/{name}"), name=name) as table:
        assert choose_feed(table).id == feed_id

    oracle = oracle_of(f"permits/{name}")
    assert (oracle.rows, oracle.refused) == (rows, 0)
    assert (len(oracle.projects), len(oracle.contacts)) == (projects, contacts)
    assert sum(kind == "phone" for kind, _ in oracle.owners) == phones


def test_the_groups_of_a_crane_permit_are_its_parties_in_their_roles():
    expected = json_of("permits/EXPECTED.json")["chicago_crane_permits_with_roles_2016.csv"]
    _, records = file_of("permits/chicago_crane_permits_with_roles_2016.csv")
    parties = [party for record in records for party in record.parties]

    roles = Counter(role for party in parties for role in party.roles)
    assert len(parties) == expected["party_rows"] == 683
    assert sorted(roles.values()) == sorted(expected["roles"].values())
    assert roles["contractor_general_contractor"] == 192


def test_two_snapshots_of_maryland_meet_in_their_ids_phones_and_addresses():
    oracle = oracle_of("permits/maryland_mbe_directory_earlier_snapshot.csv", "permits/maryland_mbe_directory.json")

    assert 815 <= len(oracle.contacts) <= 818


def test_a_phone_and_an_address_in_one_cell_both_come_out():
    _, records = file_of("permits/georgia_dot_contractor_directory.json")
    parties = [party for record in records for party in record.parties]

    assert all(len(party.phones) == len(party.emails) == 1 and party.first_name for party in parties)
