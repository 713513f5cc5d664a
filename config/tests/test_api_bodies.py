"""What a body may say, and how one is refused that two readers could understand differently."""

import json

import pytest
from rest_framework.test import APIClient

from crm.models import Contact
from crm.tests.factories import UserFactory
from crm.tests.real_inputs import path_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> APIClient:
    client = APIClient()
    client.force_login(UserFactory(admin=True))
    return client


def post(client: APIClient, body: bytes, path: str = "/api/v1/contacts/", kind: str = "application/json"):
    return client.generic("POST", path, body, content_type=kind)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"{", "parse_error", "line 1, column 2"),
        (b'{"name": "Ada"} {}', "parse_error", "Extra data"),
        (b'{"name": "Ada", "name": "Bea"}', "duplicate_name", "twice: name"),
        (b'{"attributes": {"a": [{"b": 1, "b": 2}]}}', "duplicate_name", "twice: b"),
        (b'{"lead_score": NaN}', "parse_error", "NaN is not JSON"),
        (b'{"lead_score": -Infinity}', "parse_error", "-Infinity is not JSON"),
        (b'{"lead_score": 1e999}', "parse_error", "1e999 is too large"),
        (b'{"lead_score": 1' + b"0" * 5000 + b"}", "parse_error", "too large"),
        (b'{"name": "\xff"}', "not_utf8", "byte 10"),
        (b'{"name": "\xed\xa0\x80"}', "not_utf8", "UTF-8"),
        ('{"name": "Ada"}'.encode("utf-16"), "not_utf8", "UTF-8"),
        (b"[" * 100_000, "too_deep", "20 deep"),
        (b'{"attributes": ' + b'{"a":' * 30 + b"1" + b"}" * 30 + b"}", "too_deep", "20 deep"),
    ],
)
def test_a_body_that_is_no_sound_json_is_refused_with_the_reason(admin, body, code, said):
    answer = post(admin, body)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == code
    assert said in answer.json()["error"]


def test_text_that_postgresql_cannot_keep_is_refused_by_its_path(admin):
    body = rb'{"name": "A\u0000da", "attributes": {"deep": ["fine", "\ud800"], "b\u0000d": 1}}'

    answer = post(admin, body)

    assert answer.status_code == 400
    assert {detail["field"]: detail["message"] for detail in answer.json()["details"]} == {
        "name": "Text may not hold the NUL character.",
        "attributes.deep.1": "Text may not hold half of a surrogate pair.",
        "attributes.b\\u0000d": "A name may not hold that character.",
    }
    assert not Contact.objects.exists()


def test_a_body_of_more_than_a_megabyte_is_413(admin):
    answer = post(admin, json.dumps({"name": "x" * 1_000_001}).encode())

    assert answer.status_code == 413
    assert answer.json()["error_code"] == "too_large"
    assert "1,000,000 bytes" in answer.json()["error"]


def test_intake_takes_ten_times_as_much(admin):
    record = {"contacts": [{"name": "Ada Example", "attributes": {"note": "x" * 1000}}]}

    answer = admin.post("/api/v1/intake/", {"records": [record] * 1200})

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "too_many_records"


@pytest.mark.parametrize("body", [b"[]", b'"Ada"', b"7", b"true", b"[{}]"])
def test_a_body_that_is_no_object_is_refused(admin, body):
    answer = post(admin, body)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "invalid"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_another_kind_of_body_is_415(admin, kind):
    answer = post(admin, b"name=Ada", kind=kind)

    assert answer.status_code == 415
    assert answer.json()["error_code"] == "unsupported_media_type"


def test_a_byte_order_mark_does_no_harm(admin):
    assert post(admin, b"\xef\xbb\xbf" + b'{"name": "Ada Example"}').status_code == 201


def test_an_answer_in_another_format_is_406(admin):
    answer = admin.get("/api/v1/contacts/", HTTP_ACCEPT="application/xml")

    assert answer.status_code == 406
    assert answer.json()["error_code"] == "not_acceptable"


def test_the_parser_agrees_with_the_json_test_suite(admin):
    """y_: sound JSON, never a parse error. n_: no JSON, always refused. i_: up to the reader, but never a crash."""
    files = sorted(path_of("fuzz/json_parsing").glob("*.json"))

    answers = {path.name: post(admin, path.read_bytes()) for path in files}

    assert len(answers) > 100
    assert all(answer.status_code < 500 for answer in answers.values())
    wrong = {name for name, answer in answers.items() if name.startswith("n_") and answer.status_code != 400}
    assert not wrong
    refused = {name for name, answer in answers.items() if answer.json().get("error_code") == "parse_error"}
    assert not {name for name in refused if name.startswith("y_")}
