"""Naughty strings and malformed JSON through the doors that take text: kept as they are, or refused; never a crash."""

import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from config.tests.clients import Caller, admin
from crm.models import Contact, Project
from crm.tests.factories import ContactFactory
from crm.tests.real_inputs import json_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return admin()


@pytest.fixture(scope="module")
def naughty() -> list[str]:
    return [text for text in json_of("fuzz/blns_half.json") if text]


def visible(text: str) -> str:
    """What of a one-line text is kept: all but white space and characters that control or show nothing."""
    shown = (
        letter for letter in unicodedata.normalize("NFC", text) if unicodedata.category(letter) not in {"Cc", "Cf"}
    )
    return "".join("".join(shown).split())


def patched(caller: Caller, row: Any, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    status, said = caller.send("patch", f"{path}/{row.pk}/", body)
    assert status in {200, 400}, (body, said)
    return status, said


def test_text_of_several_lines_comes_back_as_it_went_in_or_is_refused(caller, naughty):
    project, kept = Project.objects.create(project_id="P-1"), 0

    for text in naughty[::4]:
        status, said = patched(caller, project, "projects", {"description": text})
        kept += status == 200
        assert said["description"] == text.strip() if status == 200 else said["details"][0]["field"] == "description"

    assert kept >= 0.9 * len(naughty[::4])


def test_a_line_of_text_keeps_all_that_can_be_seen_of_it(caller, naughty):
    contact = ContactFactory()

    for text in naughty[1::4]:
        status, said = patched(caller, contact, "contacts", {"title": text})
        assert visible(said["title"]) == visible(text) if status == 200 else said["details"][0]["field"] == "title"


def test_a_json_object_comes_back_as_it_went_in(caller, naughty):
    told = {"list": naughty, "object": {text[:100]: {"deep": [text]} for text in naughty}}

    status, said = patched(caller, ContactFactory(), "contacts", {"attributes": told})

    assert status == 200, said
    assert said["attributes"] == told


DOORS: list[Callable[[Caller, str], Any]] = [
    lambda caller, text: caller.post("/api/v1/contacts/", {"name": text, "contact_id": text}),
    lambda caller, text: caller.post("/api/v1/contacts/", {"name": "Ada Example", "phone": text}),
    lambda caller, text: caller.post("/api/v1/contacts/", {"name": "Ada Example", "email": text}),
    lambda caller, text: caller.post("/api/v1/companies/", {"name": text, "website": text, "technologies": [text]}),
    lambda caller, text: caller.get("/api/v1/contacts/", {"search": text, "phone": text, "email": text}),
    lambda caller, text: caller.get("/api/v1/contacts/", {"owner": text}),
    lambda caller, text: caller.get("/api/v1/projects/", {"cursor": text}),
    lambda caller, text: caller.get(f"/api/v1/contacts/{quote(text, safe='')}/"),
    lambda caller, text: caller.get("/api/v1/eligible-calls/", {"zone": text}),
]


def test_no_text_makes_a_door_fall(caller, naughty):
    answers = [DOORS[number % len(DOORS)](caller, text) for number, text in enumerate(naughty)]

    assert {answer.status_code for answer in answers} <= {200, 201, 400, 404, 409}
    refused = [answer.json() for answer in answers if answer.status_code >= 400]
    assert all({"error", "error_code", "details"} == set(said) for said in refused)


def test_intake_takes_or_refuses_each_record_by_itself(caller, naughty):
    records = [
        {
            "project": {"project_id": f"P-{number}", "name": text, "description": text},
            "contacts": [{"name": text, "phone": text, "email": text, "title": text, "roles": [text], "company": text}],
        }
        for number, text in enumerate(naughty)
    ]

    status, account = caller.send("post", "intake/", {"source": "naughty", "records": records})

    assert status == 200, account
    assert account["rows"] == len(records) == account["created"] + account["refused"]
    assert all(result["reason"] for result in account["results"] if result["outcome"] == "refused")
    again = caller.send("post", "intake/", {"source": "naughty", "records": records})[1]
    assert (again["created"], again["updated"]) == (0, 0)


def test_a_script_in_a_name_is_text_for_whoever_browses(caller):
    Contact.objects.create(name="<script>alert(1)</script>")

    page = caller.get("/api/v1/contacts/", HTTP_ACCEPT="text/html").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
