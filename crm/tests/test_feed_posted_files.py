"""Records in the shape of our API, given as a file; and rows at which our own code stumbles."""

import json
import logging

import pytest

from crm.services.feeds import fields
from crm.services.feeds.posted import read_posted
from crm.services.feeds.records import Record, Refused
from crm.tests.reading import records_of, the_record

ADA = {"name": "Ada Example", "phone": 5125550134, "roles": ["owner"]}
TOWER = {"project": {"project_id": "P-1", "name": "Tower", "value": 125000}, "contacts": [ADA]}


def file_of(value):
    return json.dumps(value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (file_of([TOWER]), "leads.json"),
        (file_of(TOWER), "leads.json"),
        (file_of({"source": "permits", "records": [TOWER]}), "leads.json"),
        (file_of(TOWER) + "\n", "leads.jsonl"),
    ],
)
def test_a_file_in_our_own_shape_says_what_the_same_records_say_when_they_are_posted(text, name):
    feed, [record] = records_of(text, name)

    [posted] = read_posted([TOWER])
    assert feed.id == "posted"
    assert (record.project, record.parties) == (posted.project, posted.parties)
    assert (record.project.name, record.parties[0].phones[0].e164) == ("Tower", "+15125550134")


def test_a_record_in_our_own_shape_that_cannot_be_used_keeps_both_parts():
    _, [good, bad] = records_of(file_of([TOWER, {"contacts": [{"name": "Bo Sample", "shoe_size": 43}]}]), "leads.json")

    assert isinstance(good, Record)
    assert (bad.row, bad.code, bad.field) == (2, "unknown_field", "contacts.0.shoe_size")
    assert json.loads(bad.raw["contacts"]) == [{"name": "Bo Sample", "shoe_size": "43"}]


@pytest.mark.parametrize("name", ["phone", "Phone"])
def test_a_field_that_a_record_says_twice_refuses_it(name):
    text = '[{"contacts": [{"name": "Ada Example", "phone": "512 555 0134", "again": "512 555 0135"}]}]'

    _, [refused] = records_of(text.replace("again", name), "leads.json")

    said = {"phone": "phone (2)", "Phone": "Phone"}[name]
    assert (refused.code, refused.field) == ("unknown_field", f"contacts.0.{said}")


def test_refused_records_that_were_mended_are_read_from_their_table():
    text = 'project,contacts,_row,_reason\n"{""project_id"": ""P-1""}","[{""name"": ""Ada""}]",7,Why\n,"[{",8,Why\n'

    feed, [record, broken] = records_of(text)

    assert (feed.id, record.project.project_id, record.parties[0].name) == ("posted", "P-1", "Ada")
    assert (broken.code, broken.raw["contacts"]) == ("broken_json", "[{")


def test_records_in_our_own_shape_are_read_as_such_among_others():
    _, [plain, own] = records_of(file_of([{"name": "Bo Sample", "email": "bo@example.com"}, TOWER]), "mixed.json")

    assert plain.parties[0].emails[0].value == "bo@example.com"
    assert (own.project.project_id, own.parties[0].name) == ("P-1", "Ada Example")


def test_a_list_of_objects_is_no_phone():
    row = {"name": "Ada Example", "email": "ada@example.com", "phone": [{"value": "512 555 0134", "ext": "7"}]}

    record = the_record(file_of([row]), "people.json")

    assert record.parties[0].phones == ()
    assert json.loads(record.parties[0].attributes["phone"]) == row["phone"]
    assert [(doubt.field, doubt.code) for doubt in record.warnings] == [("phone", "nested")]


def test_a_row_at_which_our_code_stumbles_is_refused_alone_and_logged_without_what_it_says(monkeypatch, caplog):
    def stumble(text):
        if text == "Bo":
            raise ZeroDivisionError(text)
        return text

    monkeypatch.setitem(fields.READERS, "title", stumble)
    with caplog.at_level(logging.ERROR):
        _, items = records_of("name,phone,title\nAda,512 555 0134,Ada\nBo,512 555 0135,Bo\nCy,512 555 0136,Cy\n")

    assert [type(item) for item in items] == [Record, Refused, Record]
    assert (items[1].code, items[1].raw) == ("our_fault", {"name": "Bo", "phone": "512 555 0135", "title": "Bo"})
    assert "Row 2" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "Bo" not in caplog.text


@pytest.mark.parametrize("company", [
    {"website": "javascript:alert(1)"}, {"profiles": {"linkedin": "javascript:alert(1)"}},
])  # fmt: skip
def test_a_posted_page_that_a_browser_would_run_is_refused(company):
    posted = {"contacts": [{"name": "Ada Example", "phone": "512 555 0134", "company": {"name": "Ace", **company}}]}

    (refused,) = read_posted([posted])

    assert refused.code == "no_page"


@pytest.mark.parametrize("word", ["yes", 1, "false"])
def test_whether_somebody_is_a_company_is_true_or_false(word):
    [refused] = read_posted([{"contacts": [{"name": "Example Builders", "is_company": word}]}])

    assert isinstance(refused, Refused)
    assert (refused.code, refused.field) == ("wrong_type", "contacts.0.is_company")
