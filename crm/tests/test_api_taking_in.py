"""Records that a program posts: each is taken in once, or refused by itself and accounted for."""

import pytest

from config.tests import callers
from crm.models import Contact, IntakeRun
from crm.tests.births import RECORD

pytestmark = pytest.mark.django_db
admin, rep = callers.admin, callers.rep


def test_records_are_taken_in_once_and_accounted_for(admin):
    status, account = admin.send("post", "intake/", {"source": "permits", "records": [RECORD, {"contacts": [{}]}]})

    assert status == 200
    assert (account["rows"], account["created"], account["refused"]) == (2, 1, 1)
    assert [result["outcome"] for result in account["results"]] == ["created", "refused"]
    assert account["results"][1]["reason"]
    again = admin.send("post", "intake/", {"source": "permits", "records": [RECORD]})[1]
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 1)
    run = admin.send("get", f"intake-runs/{account['run']}/")[1]
    assert (run["state"], run["by"], run["source"]) == ("done", str(admin.user.pk), "permits")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"records": []},
        {"records": "x"},
        {"records": [RECORD], "sauce": "x"},
        [RECORD],
        {"records": [RECORD] * 1001},
    ],
)
def test_a_body_without_usable_records_takes_nothing_in(admin, body):
    status, said = admin.send("post", "intake/", body)

    assert status == 400
    assert said["error_code"] in {"invalid", "too_many_records"}
    assert not IntakeRun.objects.exists()


@pytest.mark.parametrize("record", [None, 7, "x", [], {}, {"project": 7}, {"contacts": 7}, {"contacts": [7]}])
def test_a_record_of_the_wrong_shape_is_refused_alone(admin, record):
    status, account = admin.send("post", "intake/", {"records": [record, RECORD]})

    assert status == 200
    assert [result["outcome"] for result in account["results"]] == ["refused", "created"]


def test_a_field_that_is_spelled_twice_refuses_its_record_by_name(admin):
    twice = {"contacts": [{"name": "Bo Sample", "phone": "512 555 0135", "Phone": "512 555 0136"}]}

    status, account = admin.send("post", "intake/", {"records": [twice, RECORD]})

    said = [(result["outcome"], result["code"], result["field"]) for result in account["results"]]
    assert (status, said) == (200, [("refused", "unknown_field", "contacts.0.Phone"), ("created", "", "")])


def test_attributes_that_differ_in_case_are_both_kept(admin):
    contact = {"name": "Bo Sample", "phone": "512 555 0135", "attributes": {"note": "one", "Note": "two"}}

    admin.send("post", "intake/", {"records": [{"contacts": [contact]}]})

    assert Contact.objects.get().attributes == {"note": "one", "Note": "two"}


def test_a_rep_takes_nothing_in(rep):
    assert rep.send("post", "intake/", {"records": [RECORD]})[0] == 403


def test_intake_only_takes(admin):
    status, said = admin.send("get", "intake/")

    assert status == 405
    assert "/api/v1/intake-runs/" in said["error"]
