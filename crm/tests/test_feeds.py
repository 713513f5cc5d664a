import csv
import io
import json
import pickle
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.services.feeds.choosing import NoSuchMap, UnknownFeed, choose_feed, feed_named
from crm.services.feeds.maps import fold, library, read_map
from crm.services.feeds.reading import describe, read_records
from crm.services.feeds.records import Record, Refused
from crm.services.files.tables import open_table
from crm.tests.oracle import Oracle
from crm.tests.real_inputs import json_of, path_of

AUSTIN = (
    "permit_number,sub_type,work_type,permit_location,date_issued,work_description,status,folder_owner,"
    "folder_owner_addrhouse,folder_owner_addrstreet,folder_owner_addrcity,folder_owner_phone,property_owner,"
    "property_owner_phone,total_job_valuation"
)


def table_of(text, name="people.csv"):
    return open_table(io.BytesIO(text.encode() if isinstance(text, str) else text), name=name)


def records_of(text, name="people.csv"):
    with table_of(text, name) as table:
        feed = choose_feed(table)
        return feed, list(read_records(table, feed))


def the_record(text, name="people.csv"):
    _, [record] = records_of(text, name)
    return record


def the_party(text, name="people.csv"):
    [party] = the_record(text, name).parties
    return party


def oracle_of(*names):
    oracle = Oracle()
    for name in names:
        with open_table(path_of(name), name=name) as table:
            for item in read_records(table, choose_feed(table)):
                oracle.take(item)
    return oracle


# One item for every row


def test_every_row_comes_out_once_as_a_record_or_refused_with_its_cells():
    _, items = records_of('Name,Phone,Email\nAda Example,+1 512 555 0134,\n,,no address\n"Bo,1,2\nCy,,cy@example.com\n')

    assert [(type(item), item.row, item.line) for item in items] == [
        (Record, 1, 2),
        (Refused, 2, 3),
        (Refused, 3, 4),
        (Record, 4, 5),
    ]
    assert items[1].raw == {"Name": "", "Phone": "", "Email": "no address"}
    assert (items[1].code, items[1].field) == ("no_key", "Email")
    assert "no usable id, phone or e-mail and no name" in items[1].reason
    assert "There is no @" in items[1].reason
    assert (items[2].code, items[2].raw) == ("unclosed_quote", {"row": '"Bo,1,2\n'})


def test_a_bad_phone_does_not_refuse_a_row_that_has_another_key():
    record = the_record("Name,Phone,Email\nAda Example,555-01,ada@example.com\n")

    [party], [doubt] = record.parties, record.warnings
    assert (party.phones, [email.value for email in party.emails]) == ((), ["ada@example.com"])
    assert party.attributes == {"Phone": "555-01"}
    assert (doubt.row, doubt.line, doubt.field, doubt.value) == (1, 2, "Phone", "555-01")
    assert doubt.code
    assert doubt.reason


def test_phone_and_address_in_each_others_columns_are_taken_as_what_they_are_and_told():
    record = the_record("Name,Phone,Email\nAda,ada@example.com,+1 512 555 0134\n")

    [party] = record.parties
    assert [phone.e164 for phone in party.phones] == ["+15125550134"]
    assert [email.value for email in party.emails] == ["ada@example.com"]


def test_columns_that_are_swapped_throughout_are_told_once_and_not_for_every_row():
    rows = "".join(f"Ada {number},ada{number}@example.com,+1 512 555 01{number:02}\n" for number in range(40))

    feed, records = records_of("Name,Phone,Email\n" + rows)

    assert all(record.parties[0].phones and record.parties[0].emails and not record.warnings for record in records)
    assert any("Phone holds e-mail addresses" in remark for remark in feed.remarks)
    assert feed.version.endswith("-swapped")


def test_a_row_swapped_among_rows_that_are_not_is_told_by_itself():
    rows = "".join(f"Ada {number},+1 512 555 01{number:02},ada{number}@example.com\n" for number in range(40))

    _, records = records_of("Name,Phone,Email\n" + rows + "Bo,bo@example.com,+1 512 555 0199\n")

    [party] = records[-1].parties
    assert [phone.e164 for phone in party.phones] == ["+15125550199"]
    assert [email.value for email in party.emails] == ["bo@example.com"]
    assert {doubt.code for doubt in records[-1].warnings} == {"email_in_phone_column", "phone_in_email_column"}


def test_reading_goes_on_behind_any_row_with_the_same_records():
    with open_table(path_of("permits/chicago_crane_permits_with_roles_2016.csv"), name="crane.csv") as table:
        feed = choose_feed(table)
        whole = list(read_records(table, feed))

        for start in (1, 100, 203):
            assert list(read_records(table, feed, start_row=start)) == whole[start:]


def test_records_survive_the_way_to_another_process():
    _, items = records_of(f"{AUSTIN}\n2014-1 PP,R,New,1 Main St,01/02/2014,Pool,Final,Ada Example,1,Main,Austin,x,,,\n")

    assert pickle.loads(pickle.dumps(items)) == items


def test_an_oddity_of_the_file_is_a_warning_of_its_row():
    _, records = records_of('Name,Phone,Email\nAda "A" Example,,ada@example.com\nBo,+1 512 555 0135\n')

    assert [[doubt.code for doubt in record.warnings] for record in records] == [["stray_quote"], ["short_row"]]


# What stands in the cells


def test_a_permit_becomes_a_project_with_the_people_in_their_roles():
    record = the_record(
        f"{AUSTIN}\n"
        '2014-000001 PP,R- 101 Single Family Houses,New,4 Sample St,01/31/2014,"New pool, heated",Final,'
        '"Carl Sample, Ace Electric, Inc.",12,Main St,Austin,(512) 555-0134,SAMPLE HOMES LLC,,"$35,300.50"\n'
    )

    project, (applicant, owner) = record.project, record.parties
    assert (project.project_id, project.name, project.kind) == (
        "2014-000001 PP",
        "4 Sample St",
        "R- 101 Single Family Houses",
    )
    assert (project.value, project.starts_on) == (Decimal("35300.50"), date(2014, 1, 31))
    assert (project.city, project.region, project.country) == ("Austin", "TX", "US")
    assert (applicant.roles, applicant.name, applicant.first_name, applicant.last_name) == (
        ("folder_owner",),
        "Carl Sample",
        "Carl",
        "Sample",
    )
    assert applicant.company.name == "Ace Electric, Inc."
    assert (applicant.street, applicant.city) == ("12 Main St", "Austin")
    assert applicant.listed_key == "carl sample, ace electric, inc."
    assert (owner.roles, owner.is_company, owner.name, owner.company.name) == (
        ("property_owner",),
        True,
        "SAMPLE HOMES LLC",
        "SAMPLE HOMES LLC",
    )
    assert owner.key == ("name", "sample homes llc")
    assert applicant.key == ("phone", "+15125550134")


def test_a_row_without_anybody_is_a_project_all_the_same():
    record = the_record(f"{AUSTIN}\n2014-000001 PP,R,New,4 Sample St,01/31/2014,Pool,Final,,,,,,,,\n")

    assert (record.project.project_id, record.parties) == ("2014-000001 PP", ())


def test_somebody_without_a_project_number_is_kept_and_told():
    record = the_record(f"{AUSTIN}\n,R,New,4 Sample St,01/31/2014,Pool,Final,Ada Example,,,,(512) 555-0134,,,\n")

    assert record.project is None
    assert [party.name for party in record.parties] == ["Ada Example"]
    assert [(doubt.field, doubt.code) for doubt in record.warnings] == [("permit_number", "no_project_id")]


def test_the_unusable_phone_of_nobody_is_kept_with_the_project():
    record = the_record(f"{AUSTIN}\n2014-1 PP,R,New,4 Sample St,01/31/2014,Pool,Final,,,,,() 555-01,,,\n")

    assert record.parties == ()
    assert record.project.attributes["folder_owner_phone"] == "() 555-01"
    assert [doubt.field for doubt in record.warnings] == ["folder_owner_phone"]


def test_text_that_is_too_long_is_cut_and_kept_whole_among_the_attributes():
    long = "x" * 400

    record = the_record(f"{AUSTIN}\n2014-1 PP,{long},New,4 Sample St,,,Final,Ada Example,,,,,,,\n")

    assert len(record.project.kind) == 120
    assert record.project.attributes["sub_type"] == long
    assert [(doubt.field, doubt.code) for doubt in record.warnings] == [("sub_type", "too_long")]


def test_a_project_number_that_is_too_long_is_refused_rather_than_cut():
    _, [item] = records_of(f"{AUSTIN}\n{'9' * 101},R,New,4 Sample St,,,Final,,,,,,,,\n")

    assert (item.code, item.field) == ("no_key", "permit_number")
    assert "at most 100 characters" in item.reason


def test_a_day_in_three_notations_is_one_day():
    rows = "".join(
        f"2014-{number},,,,{day},,,,,,,,,,\n" for number, day in enumerate(("01/31/2014", "2014-01-31", "31 Jan 2014"))
    )

    _, records = records_of(f"{AUSTIN}\n{rows}")

    assert {record.project.starts_on for record in records} == {date(2014, 1, 31)}


def test_our_own_words_are_understood_to_the_last():
    _, [record] = records_of(
        "project_id,project_name,project_value,bid_on,event_on,call_suppressed,next_call_eligible_at,contact_id,role,"
        "first_name,last_name,title,phone,mobile,email,do_not_call,do_not_email,lifecycle_status,priority,lead_score,"
        "consent_given,consent_on,time_zone,country,region,company,company_employees,favorite_color\n"
        "P-1,Town hall,1.2M,2026-03-01,,yes,2026-04-01T09:00:00+02:00,C-1,Site Manager,Ada,Example,VP Sales,"
        "512 555 0134 x12,,ada@example.com,no,true,nurturing,high,77,1,2026-01-02,America/Chicago,United States,Texas,"
        '"Example, Inc.",51-200,green\n'
    )

    project, [party] = record.project, record.parties
    assert (project.name, project.value, project.bid_on) == ("Town hall", Decimal("1200000.00"), date(2026, 3, 1))
    assert (project.call_suppressed, project.event_on) == (True, None)
    assert project.next_call_eligible_at == datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert (party.contact_id, party.roles, party.name) == ("C-1", ("site_manager",), "Ada Example")
    assert (party.phones[0].e164, party.phones[0].extension) == ("+15125550134", "12")
    assert (party.do_not_call, party.do_not_email, party.do_not_text) == (False, True, None)
    assert (party.lifecycle_status, party.priority, party.lead_score) == ("nurturing", "high", 77)
    assert (party.consent_given, party.consent_on) == (True, date(2026, 1, 2))
    assert (party.time_zone, party.country, party.region) == ("America/Chicago", "US", "TX")
    assert (party.seniority, party.department) == ("VP", "Sales-Marketing")
    assert (party.company.name, party.company.employees) == ("Example, Inc.", 51)
    assert (project.attributes, party.attributes) == ({}, {"favorite_color": "green"})
    assert record.warnings == ()


def test_a_column_that_is_nearly_ours_is_read_as_it_suggests_and_told():
    feed, records = records_of(
        "Full Name,Phone,Project ID,Do Not Call,Architect Name,Project Colour,Note\n"
        "Ada Example,512 555 0134,P-1,no,Bo Sample,red,first\n"
        "Cid Example,512 555 0135,P-1,no,,red,second\n"
    )

    assert feed.id == "clearline"
    assert feed.version.startswith("3+")
    assert feed.remarks[0].endswith("Full Name is the contact's name, Architect Name is the architect's name.")
    said = [[(party.name, party.roles, party.attributes) for party in record.parties] for record in records]
    assert said == [
        [("Ada Example", (), {}), ("Bo Sample", ("architect",), {})],
        [("Cid Example", (), {})],
    ]
    assert records[0].project.attributes == {"Project Colour": "red", "Note": "first"}


def test_what_a_row_says_of_its_one_person_beyond_our_words_stays_with_the_person():
    _, records = records_of(
        "contact_id,first_name,last_name,project_id,project_colour,note,consent_date,consent_given\n"
        "C-1,Ada,Example,P-1,red,first,2026-10-01,yes\n"
        "C-2,Bo,Sample,P-1,red,second,,\n"
        ",,,P-1,red,third,,\n"
    )

    notes = [[party.attributes["note"] for party in record.parties] for record in records]
    assert notes == [["first"], ["second"], []]
    assert [record.project.attributes.get("note") for record in records] == [None, None, "third"]
    assert {record.project.attributes["project_colour"] for record in records} == {"red"}
    given = [(party.consent_given, party.consent_on) for record in records for party in record.parties]
    assert given == [(True, date(2026, 10, 1)), (None, None)]


def test_a_guess_tells_what_it_made_of_the_columns_and_which_it_only_keeps():
    feed, _ = records_of("Full Name,Mobile,Shoe Size\nAda Example,512 555 0134,39\n")

    assert feed.remarks[0].endswith("Mobile is a phone (mobile). Kept as they are, as attributes: Shoe Size.")


def test_what_cannot_be_read_in_our_own_words_says_why():
    _, [record] = records_of(
        "contact_id,email,do_not_call,lead_score,priority,lifecycle_status,country,consent_on\n"
        "C-1,ada@example.com,perhaps,101,soon,lost,Atlantis,someday\n"
    )

    assert Counter((doubt.field, doubt.code) for doubt in record.warnings) == Counter(
        {
            ("do_not_call", "taken_as_yes"): 1,
            ("lead_score", "out_of_range"): 1,
            ("priority", "unknown_word"): 1,
            ("lifecycle_status", "unknown_word"): 1,
            ("country", "unknown_country"): 1,
            ("consent_on", "unknown_format"): 1,
        }
    )
    assert record.parties[0].do_not_call is True
    assert record.parties[0].attributes["country"] == "Atlantis"


def test_a_number_that_is_given_twice_is_one_number_under_its_first_label():
    party = the_party("name,mobile,phone\nAda Example,512 555 0134,(512) 555-0134\n")

    assert [(phone.e164, phone.label) for phone in party.phones] == [("+15125550134", "mobile")]


def test_cells_that_somebody_quoted_twice_are_read_without_the_quotes():
    party = the_party('name,email\nAda Example,"""ada@example.com"""\n')

    assert party.emails[0].value_as_given == "ada@example.com"


def test_names_in_capitals_are_given_their_usual_case_and_listed_as_they_stand():
    party = the_party("first_name,last_name,email\nADA,MCEXAMPLE,ada@example.com\n")

    assert (party.name, party.name_as_listed) == ("Ada McExample", "ADA MCEXAMPLE")


def test_a_field_that_first_appears_late_in_json_is_read_like_any_other():
    people = [{"name": f"Ada {number}", "phone": f"512 555 01{number % 100:02}"} for number in range(600)]

    _, records = records_of(json.dumps([*people, {"name": "Bo", "phone": "", "email": "bo@example.com"}]), "a.json")

    assert records[-1].parties[0].emails == ()  # a guess knows the columns it has seen
    assert records[-1].parties[0].attributes == {"email": "bo@example.com"}


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


# Permits: the counts that independent scripts found


@pytest.mark.parametrize(
    ("name", "rows", "projects", "contacts", "by_phone", "pairs", "roles", "with_second_names"),
    [
        ("austin_permits_2014_q1.csv.gz", 14_803, 14_185, 5_658, 2_546, 16_678, 16_705, 79),
        ("austin_permits_2014.csv.gz", 63_120, 61_380, 18_092, 5_606, 70_452, 70_743, 322),
    ],
)
def test_austin_comes_out_as_counted(name, rows, projects, contacts, by_phone, pairs, roles, with_second_names):
    oracle = oracle_of(f"permits/{name}")

    assert (oracle.rows, oracle.refused, len(oracle.projects)) == (rows, 0, projects)
    assert (len(oracle.contacts), oracle.contacts_created_by("phone")) == (contacts, by_phone)
    assert (len(oracle.pairs), oracle.roles) == (pairs, roles)
    assert sum(bool(known.other_names) for known in oracle.contacts.values()) == with_second_names


def test_a_second_import_of_austin_brings_nothing_new():
    once = oracle_of("permits/austin_permits_2014_q1.csv.gz")
    twice = oracle_of("permits/austin_permits_2014_q1.csv.gz", "permits/austin_permits_2014_q1.csv.gz")

    for what in ("projects", "owners", "by_id", "by_name", "reviews", "pairs"):
        assert getattr(once, what) == getattr(twice, what)
    assert len(once.contacts) == len(twice.contacts)


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
    path = path_of(f"permits/{name}")
    with open_table(path, name=path.name) as table:
        assert choose_feed(table).id == feed_id

    oracle = oracle_of(f"permits/{name}")
    assert (oracle.rows, oracle.refused) == (rows, 0)
    assert (len(oracle.projects), len(oracle.contacts)) == (projects, contacts)
    assert sum(kind == "phone" for kind, _ in oracle.owners) == phones


def test_the_groups_of_a_crane_permit_are_its_parties_in_their_roles():
    expected = json_of("permits/EXPECTED.json")["chicago_crane_permits_with_roles_2016.csv"]
    with open_table(path_of("permits/chicago_crane_permits_with_roles_2016.csv"), name="crane.csv") as table:
        parties = [party for record in read_records(table, choose_feed(table)) for party in record.parties]

    roles = Counter(role for party in parties for role in party.roles)
    assert len(parties) == expected["party_rows"] == 683
    assert sorted(roles.values()) == sorted(expected["roles"].values())
    assert roles["contractor_general_contractor"] == 192


def test_two_snapshots_of_maryland_meet_in_their_ids_phones_and_addresses():
    oracle = oracle_of("permits/maryland_mbe_directory_earlier_snapshot.csv", "permits/maryland_mbe_directory.json")

    assert 815 <= len(oracle.contacts) <= 818


def test_a_phone_and_an_address_in_one_cell_both_come_out():
    path = path_of("permits/georgia_dot_contractor_directory.json")
    with open_table(path, name=path.name) as table:
        parties = [party for record in read_records(table, choose_feed(table)) for party in record.parties]

    assert all(len(party.phones) == len(party.emails) == 1 and party.first_name for party in parties)


# Who is who: the rule itself, on made-up people


def oracle_for(*rows):
    oracle = Oracle()
    text = "project_id,role,contact_id,name,phone,email\n" + "".join(f"{row}\n" for row in rows)
    _, items = records_of(text)
    return oracle, [oracle.take(item)[0] for item in items]


def test_an_id_on_one_side_only_prevents_no_match_and_is_adopted():
    oracle, numbers = oracle_for(
        ",,,Ada,512 555 0134,", ",,C-1,Ada,512 555 0134,", ",,C-1,Ada,,ada@example.com", ",,,Ada,,ada@example.com"
    )

    assert numbers == [1, 1, 1, 1]
    assert oracle.by_id == {"C-1": 1}


def test_two_ids_on_one_line_are_two_people_and_the_line_stays_with_the_first():
    oracle, numbers = oracle_for(",,C-1,Ada,512 555 0134,", ",,C-2,Bo,512 555 0134,", ",,,Cy,512 555 0134,")

    assert numbers == [1, 2, 1]
    assert oracle.owners["phone", "+15125550134"] == 1
    assert ("shared_line", 1, 2, "+15125550134") in oracle.reviews
    assert oracle.contacts[1].other_names == {"cy": 1}


def test_an_unknown_phone_joins_whom_the_known_address_finds():
    oracle, numbers = oracle_for(
        ",,,Ada,,ada@example.com", ",,,Ada,512 555 0134,ada@example.com", ",,,Ada,512 555 0134,"
    )

    assert numbers == [1, 1, 1]
    assert oracle.owners["phone", "+15125550134"] == 1


def test_where_phone_and_address_are_of_two_people_the_phone_decides_and_both_are_listed():
    oracle, numbers = oracle_for(",,,Ada,512 555 0134,", ",,,Bo,,bo@example.com", ",,,Ada,512 555 0134,bo@example.com")

    assert numbers == [1, 2, 1]
    assert oracle.owners["email", "bo@example.com"] == 2
    assert ("two_owners", 1, 2, "bo@example.com") in oracle.reviews


def test_a_name_finds_only_whom_it_created_and_only_in_its_project():
    oracle, numbers = oracle_for(
        "P-1,owner,,Ada,512 555 0134,", "P-1,owner,, ADA ,,", "P-1,agent,,ada,,", "P-2,owner,,Ada,,"
    )

    assert numbers == [1, 2, 2, 3]
    assert oracle.pairs["P-1", 2] == {"owner", "agent"}
    assert ("same_name", 1, 2, "P-1") in oracle.reviews


# Choosing a map


@pytest.mark.parametrize(
    "header",
    [
        AUSTIN,
        AUSTIN.upper(),
        ",".join(reversed(AUSTIN.split(","))),
        "new_column," + AUSTIN.replace("_", " ") + ",another",
        ",".join(f" {name.title()}  " for name in AUSTIN.split(",")),
    ],
)
def test_a_header_is_known_however_it_is_written_and_ordered(header):
    names = [fold(name) for name in header.split(",")]
    cells = {"permitnumber": "2014-1 PP", "folderowner": "Ada Example", "folderownerphone": "(512) 555-0134"}

    feed, [record] = records_of(header + "\n" + ",".join(cells.get(name, "") for name in names) + "\n")

    assert feed.id == "austin_permits"
    assert record.project.project_id == "2014-1 PP"
    assert record.parties[0].phones[0].e164 == "+15125550134"


def test_curly_apostrophes_are_straight_ones():
    straight = (
        "Job #,Permittee's First Name,Permittee's Last Name,Permittee's Business Name,Permittee's Phone #,"
        "Owner's Business Name"
    )
    row = "123456789,Ada,Example,Example Inc,5125550134,Sample LLC\n"

    _, straight_records = records_of(f"{straight}\n{row}")
    feed, curly_records = records_of(f"{straight}\n{row}".replace("'", "\u2019"))

    assert feed.id == "nyc_dob_permit_issuance"
    assert curly_records == straight_records


def test_a_map_can_be_asked_for_and_an_unknown_one_is_refused_with_those_there_are():
    with table_of("a,b\n1,2\n") as table:
        assert choose_feed(table, feed_id="austin_permits").id == "austin_permits"
    with pytest.raises(NoSuchMap, match="austin_permits"):
        feed_named("nowhere")


def test_a_file_that_no_map_is_for_is_guessed_from_its_words_and_says_so():
    feed, [record] = records_of(
        "Permit Number,Site Address,Issue Date,Job Cost,Contractor Name,Contractor Phone,Owner,Owner E-Mail\n"
        "B-17,4 Sample St,2026-01-31,$12000,Ace Electric LLC,512.555.0134,Ada Example,ada@example.com\n"
    )

    contractor, owner = record.parties
    assert feed.id == "guessed"
    assert "Contractor Phone is a phone (work)" in feed.remarks[0]
    assert (record.project.project_id, record.project.street, record.project.value) == (
        "B-17",
        "4 Sample St",
        Decimal("12000.00"),
    )
    assert (contractor.roles, contractor.is_company, contractor.phones[0].e164) == (
        ("contractor",),
        True,
        "+15125550134",
    )
    assert (owner.roles, owner.name, owner.emails[0].value) == (("owner",), "Ada Example", "ada@example.com")


def test_a_list_of_companies_with_their_owners_gives_one_person_for_each():
    party = the_party("business_name,owner_name,phone_number\nExample Builders,Ada Example,512 555 0134\n")

    assert (party.name, party.company.name, len(party.phones)) == ("Ada Example", "Example Builders", 1)


def test_a_list_of_companies_with_websites_is_one_of_companies():
    party = the_party("name,phone,website\nExample Builders,512 555 0134,http://www.example.com/us\n")

    assert (party.is_company, party.company.name, party.company.domain) == (True, "Example Builders", "example.com")


def test_what_a_browser_would_run_is_neither_a_website_nor_a_profile_and_stays_text():
    _, [record] = records_of(
        "name,phone,company,website,linkedin url\nAda Example,512 555 0134,Example Builders,javascript:alert(1),"
        "data:text/html;base64\n"
    )

    (party,) = record.parties
    assert (party.company.website, party.company.domain, party.profiles) == ("", "", {})
    assert "javascript:alert(1)" in {**party.attributes, **party.company.attributes}.values()
    assert [doubt.code for doubt in record.warnings].count("no_page") == 2


def test_the_open_standard_for_permits_is_understood_without_a_map():
    _, [record] = records_of(
        "PermitNum,PermitClass,PermitTypeDesc,Description,EstProjectCost,IssuedDate,StatusCurrent,OriginalAddress1,"
        "OriginalCity,OriginalState,OriginalZip,ContractorCompanyName,Contractor's Phone,Applicant Full Name\n"
        "6000-CN,Residential,Building,New roof,12500,2026-01-02,Issued,4 Sample St,Seattle,WA,98101,"
        "Example Roofing LLC,206 555 0134,Ada Example\n"
    )

    project, (contractor, applicant) = record.project, record.parties
    assert (project.project_id, project.status, project.value) == ("6000-CN", "Issued", Decimal("12500.00"))
    assert (project.street, project.city, project.postal_code) == ("4 Sample St", "Seattle", "98101")
    assert (contractor.roles, contractor.company.name) == (("contractor",), "Example Roofing LLC")
    assert contractor.phones[0].e164 == "+12065550134"
    assert (applicant.roles, applicant.name) == (("applicant",), "Ada Example")


def test_an_owner_is_one_of_ours_where_there_is_no_project():
    party = the_party("name,email,owner,owner phone\nAda Example,ada@example.com,Rita Rep,\n")

    assert (party.name, party.attributes) == ("Ada Example", {"owner": "Rita Rep"})


def test_a_map_of_very_common_names_does_not_take_files_that_say_more():
    header = "id,email,firstName,lastName,phone"

    plain, _ = records_of(f"{header}\nu-1,ada@example.com,Ada,Example,\n")
    wider, [record] = records_of(f"{header},company\nu-1,ada@example.com,Ada,Example,,Example Inc\n")

    assert (plain.id, wider.id) == ("dittofeed_users", "guessed")
    assert record.parties[0].company.name == "Example Inc"


def test_a_guess_is_the_same_for_the_same_columns_and_another_for_others():
    first, _ = records_of("Full Name,Cell Phone\nAda Example,512 555 0134\n")
    again, _ = records_of("Full Name,Cell Phone\nBo Example,512 555 0135\n")
    other, _ = records_of("Full Name,Home Phone\nBo Example,512 555 0135\n")

    assert (first.version, first.source) == (again.version, again.source)
    assert first.version != other.version


def test_columns_without_telling_names_are_known_by_what_they_hold():
    rows = "".join(f"x{number},(512) 555-01{number:02},ada{number}@example.com\n" for number in range(30))

    feed, records = records_of("alpha,beta,gamma\n" + rows)

    assert feed.id == "guessed"
    assert records[7].parties[0].phones[0].e164 == "+15125550107"
    assert records[7].parties[0].emails[0].value == "ada7@example.com"


def test_a_file_without_a_header_is_guessed_by_what_it_holds():
    rows = "".join(f"Ada Example{chr(97 + n)},51255501{n:02},ada{n}@example.com,2026-01-02\n" for n in range(26))

    feed, records = records_of(rows)

    assert (feed.id, len(records)) == ("guessed", 26)
    assert records[3].parties[0].name == "Ada Exampled"
    assert records[3].parties[0].phones[0].e164 == "+15125550103"


def test_nothing_usable_is_refused_with_the_columns_seen_and_what_to_do():
    with table_of("qux,quux,quuz\n1,2,3\n") as table, pytest.raises(UnknownFeed) as refusal:
        choose_feed(table)

    assert "'qux', 'quux', 'quuz'" in str(refusal.value)
    assert "Rename at least one" in str(refusal.value)


def test_no_messy_file_crashes_choosing_or_reading():
    read = refused = 0
    for path in sorted(path_of("messy_csv").rglob("*.csv")):
        if not path.read_bytes().strip(b"\r\n, "):
            continue
        with open_table(path, name=path.name) as table:
            try:
                feed = choose_feed(table)
            except UnknownFeed:
                refused += 1
                continue
            rows = [item.row for item in read_records(table, feed)]
            assert rows == list(range(1, len(rows) + 1)), path.name
            read += 1

    assert read > 3
    assert refused > 200


# The maps themselves


def test_every_map_that_ships_is_sound():
    assert len(library()) >= 30
    for feed in library().values():
        assert feed.match.columns or feed.match.shape, feed.id
        assert feed.project or feed.parties, feed.id
        assert all(name for name in feed.known if name), feed.id


@pytest.mark.parametrize(
    "mistake",
    [
        {"party": [{"telefone": "Phone"}]},
        {"party": [{"names": "nobody", "name": "Name"}]},
        {"project": {"project_id": "Id", "worth": "Value"}},
        {"party": [{"phones": [{"colum": "Phone"}]}]},
        {"match": {"columns": ["Id"], "shape": {"1": "("}}},
    ],
)
def test_a_mistake_in_a_map_is_found_when_it_is_read(mistake):
    sound = {"id": "x", "version": 1, "source": "x", "title": "x", "match": {"columns": ["Id"]}}

    with pytest.raises(ImproperlyConfigured, match=r"x\.toml"):
        read_map({**sound, **mistake}, name="x.toml")


# Laws

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
HEADERS = st.sampled_from([feed.match.names or [part[0] for part in feed.match.columns] for feed in library().values()])


@given(header=HEADERS, rows=st.lists(st.lists(WORD, min_size=12, max_size=12), max_size=6))
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_the_cells_one_item_comes_out_for_every_row(header, rows):
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([*header, "email"])
    writer.writerows([*row[: len(header)], *["x"] * (len(header) - 12), "ada@example.com"] for row in rows)

    _, items = records_of(out.getvalue())

    assert [item.row for item in items] == list(range(1, len(rows) + 1))


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["phone", "email", "name", "note"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | WORD,
                lambda inner: st.lists(inner, max_size=3),
                max_leaves=4,
            ),
            max_size=4,
        ),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=80, deadline=None)
def test_json_of_any_shape_gives_one_item_for_every_element(objects):
    with table_of(json.dumps([{"phone": "", "name": ""}, *objects]), "a.json") as table:
        items = list(read_records(table, choose_feed(table)))

    assert [item.row for item in items] == list(range(1, len(objects) + 2))
