"""Columns in our own words: which are understood, guessed, kept or refused."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from crm.tests.reading import records_of, the_party


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
