"""From rows to records: one item for every row, what stands in the cells, and the laws of reading."""

import csv
import io
import json
import pickle
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.testing import examples
from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.maps import library
from crm.services.feeds.reading import read_records
from crm.services.feeds.records import Record, Refused
from crm.services.files.tables import open_table
from crm.tests.reading import AUSTIN, records_of, table_of, the_party, the_record
from crm.tests.real_inputs import path_of

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


@pytest.mark.parametrize("second", ["phone", "Phone"])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name,phone,{}\nAda Example,512 555 0134,512 555 0135\n", "people.csv"),
        ('[{{"name": "Ada Example", "phone": "512 555 0134", "{}": "512 555 0135"}}]', "people.json"),
        ('{{"name": "Ada Example", "phone": "512 555 0134", "{}": "512 555 0135"}}\n', "people.jsonl"),
    ],
)
def test_a_column_that_is_there_twice_gives_two_numbers(text, name, second):
    party = the_party(text.format(second), name)

    assert [phone.e164 for phone in party.phones] == ["+15125550134", "+15125550135"]


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


# Laws

# A file full of control characters is no text, and refused as a whole.
WORD = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\t\r\n"), max_size=30)
HEADERS = st.sampled_from([feed.match.names or [part[0] for part in feed.match.columns] for feed in library().values()])


@given(header=HEADERS, rows=st.lists(st.lists(WORD, min_size=12, max_size=12), max_size=6))
@examples(90)
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
@examples(50)
def test_json_of_any_shape_gives_one_item_for_every_element(objects):
    with table_of(json.dumps([{"phone": "", "name": ""}, *objects]), "a.json") as table:
        items = list(read_records(table, choose_feed(table)))

    assert [item.row for item in items] == list(range(1, len(objects) + 2))
