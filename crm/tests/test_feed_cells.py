"""Flags, moments, days and time zones as people and programs write them."""

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.services.feeds.fields import READERS
from crm.services.feeds.flags import CLOSED
from crm.services.feeds.posted import read_posted
from crm.services.feeds.records import PlaceIn, Record
from crm.services.normalization.refusals import Unusable
from crm.tests.reading import records_of, the_party, the_record

FLAGS = ("do_not_call", "do_not_email", "do_not_text")


# Flags that forbid contact


@pytest.mark.parametrize(
    "word",
    ["1.0", "DNC", "s\u00ed", "-1", "2", "checked", "opted out", "2024-03-01", "12/31/2023 14:05", "X", "TRUE", "Ja"],
)
def test_a_refusal_is_understood_however_it_is_written(word):
    record = the_record(f"name,phone,do_not_call\nAda Example,512 555 0134,{word}\n")

    assert record.parties[0].do_not_call is True
    assert record.warnings == ()


@pytest.mark.parametrize("word", ["0.0", "no", "0", "unchecked", "opted in", "0000-00-00", "False"])
def test_no_refusal_is_none(word):
    record = the_record(f"name,phone,do_not_call\nAda Example,512 555 0134,{word}\n")

    assert record.parties[0].do_not_call is False
    assert record.warnings == ()


@pytest.mark.parametrize("field", sorted(CLOSED - {"suppress_for_project"}))
def test_a_refusal_that_cannot_be_read_counts_and_is_told(field):
    head = "project_id,contact_id,role,phone"

    record = the_record(f"{head},{field}\nP-1,C-1,owner,512 555 0134,ask Bo\n")

    holder = record.project if field == "call_suppressed" else record.parties[0]
    assert getattr(holder, field) is True
    assert holder.attributes[field] == "ask Bo"
    assert [(doubt.field, doubt.code, doubt.value) for doubt in record.warnings] == [(field, "taken_as_yes", "ask Bo")]


def test_a_refusal_that_cannot_be_read_counts_in_what_is_posted_too():
    [record] = read_posted([{"contacts": [{"phone": "512 555 0134", "do_not_text": "ask Bo", "do_not_call": 2}]}])

    assert isinstance(record, Record)
    assert (record.parties[0].do_not_text, record.parties[0].do_not_call) == (True, True)
    assert [(doubt.field, doubt.code) for doubt in record.warnings] == [("contacts.0.do_not_text", "taken_as_yes")]


def test_an_opt_out_that_names_no_channel_closes_them_all():
    party = the_party("Full Name,Phone,Opt Out,Do Not Call\nAda Example,512 555 0134,yes,no\n")

    assert [getattr(party, name) for name in FLAGS] == [True, True, True]


def test_a_blank_opt_out_says_nothing():
    party = the_party("Full Name,Phone,Opted Out?\nAda Example,512 555 0134,N/A\n")

    assert [getattr(party, name) for name in FLAGS] == [None, None, None]


@pytest.mark.parametrize(("word", "given"), [("opted in", True), ("1.0", True), ("Revoked", False), ("opt-out", False)])
def test_consent_has_words_of_its_own(word, given):
    assert the_party(f"contact_id,email,role,consent_given\nC-1,ada@example.com,x,{word}\n").consent_given is given


def test_a_consent_that_cannot_be_read_is_none():
    record = the_record("contact_id,email,role,consent_given\nC-1,ada@example.com,x,2024-01-02\n")

    assert record.parties[0].consent_given is None
    assert [doubt.code for doubt in record.warnings] == ["not_a_flag"]


# Our own words for parts in a project, points and owners


def test_parts_points_and_owners_have_words_of_their_own():
    record = the_record(
        "project_id,project_owner,contact_id,role,phone,phone_verified_at,mobile,mobile_verified_at,email,"
        "email_verified_at,owner,preferred_channel,conversion_probability,is_primary,suppress_for_project,"
        "suppress_reason,pair_priority,facebook,mailing_street,mailing_city,mailing_region\n"
        "P-1,Pat@Example.com,C-1,owner,512 555 0134,2026-01-02T09:00:00Z,512 555 0135,yes,ada@example.com,no,"
        "sam@example.com,Phone,35%,yes,ask Bo,Signed,urgent,https://example.com/ada,1 Main St,Reno,Nevada\n"
    )

    project, [party] = record.project, record.parties
    assert (project.owner, party.owner) == ("pat@example.com", "sam@example.com")
    assert [phone.verified for phone in party.phones] == [datetime(2026, 1, 2, 9, tzinfo=UTC), True]
    assert party.emails[0].verified is None
    assert (party.preferred_channel, party.conversion_probability) == ("call", 0.35)
    assert (party.is_primary, party.suppress_for_project) == (True, True)
    assert (party.suppress_reason, party.pair_priority) == ("Signed", "urgent")
    assert party.places == (
        PlaceIn("address", "", "mailing", "1 Main St", "Reno", "NV"),
        PlaceIn("social", "https://example.com/ada", "facebook"),
    )
    assert [doubt.field for doubt in record.warnings] == ["suppress_for_project"]


@pytest.mark.parametrize("text", ["35", "-0.1", "101%", "likely"])
def test_a_probability_is_between_nought_and_one(text):
    record = the_record(f"contact_id,email,role,conversion_probability\nC-1,ada@example.com,x,{text}\n")

    assert record.parties[0].conversion_probability is None
    assert [doubt.code for doubt in record.warnings] == ["not_a_share"]


# Moments


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+14:00", "1799-12-31", "2200-01-01"])
def test_a_moment_out_of_range_is_told_and_nothing_else_is_lost(text):
    record = the_record(f"project_id,phone,role,next_call_eligible_at\nP-1,512 555 0134,owner,{text}\n")

    assert record.project.next_call_eligible_at is None
    assert record.project.attributes["next_call_eligible_at"] == text
    assert [doubt.field for doubt in record.warnings] == ["next_call_eligible_at"]


def test_a_moment_is_kept_in_utc():
    assert READERS["next_call_eligible_at"]("2026-04-01T09:00:00+02:00") == datetime(2026, 4, 1, 7, tzinfo=UTC)
    assert READERS["next_call_eligible_at"]("2026-04-01 09:00").tzinfo is UTC


@given(
    st.datetimes(timezones=st.timezones() | st.none()).map(datetime.isoformat)
    | st.text("0123456789-:+TZ./ APM", max_size=30)
)
def test_whatever_stands_in_a_moment_it_is_one_in_utc_or_a_reason(text):
    with suppress(Unusable):
        assert READERS["next_call_eligible_at"](text).tzinfo is UTC


# Days


def days(*cells, column="date_issued"):
    rows = "".join(f"P-{number},{cell},Ada Example\n" for number, cell in enumerate(cells, start=1))
    _, records = records_of(f"permit_number,{column},applicant\n{rows}")
    starts = [record.project.starts_on for record in records]
    return starts, [(doubt.row, doubt.code) for record in records for doubt in record.warnings]


def test_a_column_that_puts_the_day_first_somewhere_does_so_everywhere():
    assert days("05/04/2024", "31/12/2024", "7-8-24") == (
        [date(2024, 4, 5), date(2024, 12, 31), date(2024, 8, 7)],
        [],
    )


def test_a_column_that_puts_the_month_first_somewhere_does_so_everywhere():
    assert days("05/04/2024", "12/31/2024") == ([date(2024, 5, 4), date(2024, 12, 31)], [])


def test_a_column_in_both_orders_is_read_month_first_and_doubted_where_that_matters():
    starts, doubts = days("05/04/2024", "31/12/2024", "12/31/2024", "03/03/2024", "2024-05-04")

    assert starts == [date(2024, 5, 4), date(2024, 12, 31), date(2024, 12, 31), date(2024, 3, 3), date(2024, 5, 4)]
    assert doubts == [(1, "ambiguous_date")]


def test_a_column_that_tells_nothing_is_read_month_first():
    assert days("05/04/2024", "01/02/2024") == ([date(2024, 5, 4), date(2024, 1, 2)], [])


def test_the_order_is_that_of_each_column_by_itself():
    record = the_record("permit_number,date_issued,bid_date,applicant\nP-1,31/12/2024,05/04/2024,Ada Example\n")

    assert (record.project.starts_on, record.project.bid_on) == (date(2024, 12, 31), date(2024, 5, 4))


# Time zones


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("Eastern", "America/New_York"),
        ("EST", "America/New_York"),
        ("ct", "America/Chicago"),
        ("MT", "America/Denver"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("US Mountain Standard Time", "America/Phoenix"),
        ("US/Central", "America/Chicago"),
        ("america_slash_chicago", "America/Chicago"),
        ("Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_time_zone_is_kept_under_its_iana_name(said, zone):
    assert the_party(f"contact_id,email,role,time_zone\nC-1,ada@example.com,x,{said}\n").time_zone == zone


@pytest.mark.parametrize(
    ("said", "code"),
    [("Mars/Phobos", "unknown_zone"), ("UTC", "not_a_place"), ("Central European Time", "unknown_zone")],
)
def test_a_time_zone_that_nobody_understands_is_told(said, code):
    record = the_record(f"contact_id,email,role,time_zone\nC-1,ada@example.com,x,{said}\n")

    assert record.parties[0].time_zone == ""
    assert record.parties[0].attributes["time_zone"] == said
    assert [(doubt.field, doubt.code) for doubt in record.warnings] == [("time_zone", code)]
