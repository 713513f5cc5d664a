"""Which map reads a file, and what a map may say."""

from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured

from crm.services.feeds.choosing import NoSuchMap, UnknownFeed, choose_feed, feed_named
from crm.services.feeds.maps import library, read_map
from crm.services.feeds.reading import read_records
from crm.services.files.names import fold
from crm.services.files.tables import open_table
from crm.tests.reading import AUSTIN, records_of, table_of, the_party
from crm.tests.real_inputs import path_of

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
