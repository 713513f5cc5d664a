"""From rows to records: one item for every row, and what stands in the cells of known feeds."""

import pickle
from datetime import date
from decimal import Decimal

from crm.services.feeds.choosing import choose_feed
from crm.services.feeds.reading import read_records
from crm.services.feeds.records import Record, Refused
from crm.services.files.tables import open_table
from crm.tests.reading import AUSTIN, records_of, the_record
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


# Laws
