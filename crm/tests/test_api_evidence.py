"""Suppressions, consents, intake, review and the audit, as a program writes and reads them."""

from typing import Any

import pytest

from config.kernel.audit import acting
from config.tests import callers
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from crm.models import AuditEvent, Consent, Contact, Endpoint, IntakeRun, Project, Suppression
from crm.tests.factories import (
    ContactFactory,
    EndpointFactory,
    ProjectFactory,
    ReviewItemFactory,
    UserFactory,
    give_point,
)

pytestmark = pytest.mark.django_db
admin, rep = callers.admin, callers.rep


def test_a_line_is_suppressed_once_and_freed_by_an_admin_with_a_reason(admin, rep):
    point = give_point(ContactFactory(owner=rep.user), "phone", "+15125550134")
    body = {"endpoint": str(point.endpoint_id), "reason": "asked", "words": "Never again, please."}

    status, made = rep.send("post", "suppressions/", body)
    again, known = rep.send("post", "suppressions/", body)

    assert (status, again, made["id"]) == (201, 200, known["id"])
    assert (made["source"], made["by"], made["words"]) == ("api", str(rep.user.pk), "Never again, please.")
    lift = f"suppressions/{made['id']}/lift/"
    assert rep.send("post", lift, {"reason": "They called back."})[0] == 403
    assert admin.send("post", lift, {})[0] == 400
    assert admin.send("post", lift, {"reason": "They called back."})[1]["lift_reason"] == "They called back."
    assert admin.send("post", lift, {"reason": "Again."})[1]["error_code"] == "already_lifted"
    listed = rep.get("/api/v1/suppressions/", {"phone": "512 555 0134", "standing": "true"}).json()
    assert listed["results"] == []


def test_a_line_that_one_cannot_see_cannot_be_suppressed(rep):
    line = give_point(ContactFactory(owner=UserFactory(bdr=True)), "phone", "+15125550134").endpoint

    assert rep.send("post", "suppressions/", {"endpoint": str(line.pk)})[0] == 400
    assert not Suppression.objects.exists()


def test_a_channel_that_does_not_use_the_line_is_refused(admin):
    body = {"endpoint": str(EndpointFactory().pk), "channel": "email"}

    status, said = admin.send("post", "suppressions/", body)

    assert (status, said["details"][0]["field"]) == (400, "channel")


def test_consent_is_given_and_withdrawn_by_evidence(rep):
    contact = ContactFactory(owner=rep.user)
    body = {"contact": str(contact.pk), "source": "web form", "evidence": "Ticked the box."}

    status, given = rep.send("post", "consents/", {**body, "kind": "given"})
    contact.refresh_from_db()
    assert (status, given["by"], contact.consent_given) == (201, str(rep.user.pk), True)

    rep.send("post", "consents/", {**body, "kind": "withdrawn"})
    contact.refresh_from_db()
    assert contact.consent_given is False
    assert Consent.objects.count() == 2


def test_the_same_evidence_is_kept_once_and_says_when_it_was_given(rep):
    contact = ContactFactory(owner=rep.user)
    body = {"contact": str(contact.pk), "kind": "given", "source": "web form", "evidence": "Ticked the box."}

    first, again = rep.send("post", "consents/", body), rep.send("post", "consents/", body)
    old, old_again = (rep.send("post", "consents/", {**body, "at": "2024-05-06T07:08:09Z"}) for _ in range(2))
    withdrawn = rep.send("post", "consents/", {**body, "kind": "withdrawn"})
    anew = rep.send("post", "consents/", body)

    assert [answer[0] for answer in (first, again, old, old_again, withdrawn, anew)] == [201, 200, 201, 200, 201, 201]
    assert (first[1]["id"], old[1]["id"]) == (again[1]["id"], old_again[1]["id"])
    assert old[1]["at"] == "2024-05-06T07:08:09Z"
    assert Consent.objects.count() == 4
    status, said = rep.send("post", "consents/", {**body, "at": "2198-01-01T00:00:00Z"})
    assert (status, said["details"][0]["field"], said["details"][0]["code"]) == (400, "at", "future")


@pytest.mark.parametrize(("named", "value"), [
    ({"phone": "(512) 555-0134"}, "+15125550134"), ({"email": "Stop@Example.com"}, "stop@example.com"),
])  # fmt: skip
def test_a_list_of_numbers_that_nobody_knows_is_held(rep, named, value):
    body = {**named, "reason": "list", "source": "do-not-call list", "at": "2024-05-06T07:08:09Z"}

    status, made = rep.send("post", "suppressions/", body)
    again, known = rep.send("post", "suppressions/", body)

    line = Endpoint.objects.get()
    assert (status, again, made["id"]) == (201, 200, known["id"])
    assert (made["at"], made["endpoint"]) == ("2024-05-06T07:08:09Z", str(line.pk))
    assert (line.value, line.owner, line.suppressed_at.year) == (value, None, 2024)
    assert rep.send("get", f"suppressions/{made['id']}/")[0] == 200
    # whoever turns up with it later is not called
    _, person = rep.send("post", "contacts/", {"name": "Ada Example", **named})
    assert person["points"][0]["suppressed_at"] == "2024-05-06T07:08:09Z"
    assert Endpoint.objects.get().owner_id is not None


@pytest.mark.parametrize(("body", "field"), [
    ({}, "endpoint"),
    ({"phone": "512 555 0134", "email": "a@example.com"}, "endpoint"),
    ({"phone": "555-0134"}, "phone"),
    ({"email": "nobody@"}, "email"),
    ({"email": "a@example.com", "channel": "sms"}, "channel"),
    ({"phone": "512 555 0134", "at": "2198-01-01T00:00:00Z"}, "at"),
])  # fmt: skip
def test_what_is_to_be_left_alone_is_named_once_and_makes_sense(rep, body, field):
    status, said = rep.send("post", "suppressions/", body)

    assert (status, said["details"][0]["field"]) == (400, field)
    assert not Suppression.objects.exists()
    assert not Endpoint.objects.exists()


def test_a_number_that_reaches_only_somebody_hidden_is_suppressed_by_admins(rep, admin):
    ContactFactory(owner=UserFactory(bdr=True), phone="+15125550134")

    status, said = rep.send("post", "suppressions/", {"phone": "512 555 0134"})

    assert (status, said["error_code"], said["details"]) == (409, "exists_out_of_scope", [])
    assert not Suppression.objects.exists()
    assert admin.send("post", "suppressions/", {"phone": "512 555 0134"})[0] == 201


def test_what_a_person_has_looked_at_is_put_away(admin, rep):
    item = ReviewItemFactory()

    assert rep.send("post", f"review-items/{item.pk}/resolve/")[0] == 403
    status, said = admin.send("post", f"review-items/{item.pk}/resolve/")
    assert (status, said["resolved_by"]) == (200, str(admin.user.pk))
    assert admin.get("/api/v1/review-items/", {"open": "true"}).json()["results"] == []
    assert len(admin.get("/api/v1/review-items/", {"open": "false"}).json()["results"]) == 1


RECORD = {
    "project": {"project_id": "P-1", "name": "Example Tower"},
    "contacts": [{"name": "Ada Example", "phone": "512 555 0134", "roles": ["owner"]}],
}


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


def changes(caller: Caller, **asked: Any) -> list[dict[str, Any]]:
    answer = caller.get("/api/v1/audit-log/", asked)
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


def test_the_audit_tells_the_whole_life_of_a_row_newest_first(admin):
    _, contact = admin.send("post", "contacts/", {"name": "Ada Example"})
    admin.send("patch", f"contacts/{contact['id']}/", {"title": "Owner"})
    admin.send("delete", f"contacts/{contact['id']}/")

    life = changes(admin, entity_id=contact["id"])

    assert [event["operation"] for event in life] == ["update", "update", "create"]
    assert life[0]["changes"]["deleted_at"]["old"] is None
    assert life[1]["changes"]["title"] == {"old": "", "new": "Owner"}
    assert life[2]["changes"]["name"] == {"old": None, "new": "Ada Example"}
    assert {event["actor_name"] for event in life} == {admin.user.name}
    assert {event["entity"] for event in life} == {"crm.contact"}


def test_the_birth_of_a_row_that_came_in_bulk_is_read_from_the_row_itself(admin):
    with acting(service="intake", bulk=True):
        contact = Contact.objects.create(name="Ada Example", title="Foreman")
    contact.title = "Owner"
    contact.save()
    assert not AuditEvent.objects.filter(entity_id=contact.pk, operation="create").exists()

    life = changes(admin, entity_id=str(contact.pk))

    assert [event["operation"] for event in life] == ["update", "create"]
    birth = life[1]
    assert birth["changes"]["title"] == {"old": None, "new": "Foreman"}
    assert birth["changes"]["name"]["new"] == "Ada Example"
    assert (birth["id"], birth["entity"], birth["at"][:10]) == (None, "crm.contact", f"{contact.created_at:%Y-%m-%d}")
    assert changes(admin, entity_id=str(contact.pk), entity="crm.contact")[1] == birth
    assert changes(admin, entity_id=str(contact.pk), operation="update") == life[:1]


@pytest.mark.django_db(transaction=True)  # rows are born at the moment of their own transaction
def test_a_row_that_was_posted_in_bulk_names_who_posted_it_from_where_and_with_what(admin):
    other = an_admin()
    headers = {"HTTP_USER_AGENT": "Scraper/3", "REMOTE_ADDR": "192.0.2.33"}
    answer = admin.post("/api/v1/intake/", {"source": "permits", "records": [RECORD]}, **headers)
    changed_record = {**RECORD, "contacts": [{**RECORD["contacts"][0], "title": "Owner"}]}
    contact = Contact.objects.get()
    rows = [contact, contact.points.get(), contact.pairs.get(), Endpoint.objects.get(), Project.objects.get()]

    for changed in (False, True):  # also when a later run of somebody else has changed the record
        if changed:
            other.send("post", "intake/", {"source": "permits", "records": [changed_record]})
        for row in rows:
            (birth,) = changes(admin, entity_id=str(row.pk), operation="create")
            assert (birth["actor"], birth["actor_name"]) == (str(admin.user.pk), admin.user.name), (row, changed)
            assert (birth["service"], birth["ip"], birth["user_agent"]) == ("intake", "192.0.2.33", "Scraper/3")
            assert birth["request_id"] == answer["X-Request-ID"]
    assert IntakeRun.objects.filter(user_agent="Scraper/3").count() == 1


def test_a_birth_is_told_only_where_the_question_asks_for_it(admin):
    admin.send("post", "intake/", {"source": "permits", "records": [RECORD]})
    contact = Contact.objects.get()
    key, other = str(contact.pk), an_admin()

    assert len(changes(admin, entity_id=key, actor="me")) == 1
    assert len(changes(admin, entity_id=key, actor=str(admin.user.pk).upper())) == 1
    assert len(changes(admin, entity_id=key, since="2001-01-01T00:00:00Z")) == 1
    assert changes(admin, entity_id=key, since="2198-01-01T00:00:00Z") == []
    assert changes(admin, entity_id=key, actor="none") == []
    assert changes(other, entity_id=key, actor="me") == []
    assert changes(admin, entity_id=key, entity="crm.project") == []


def test_a_birth_stands_in_order_whichever_way_one_reads(admin):
    with acting(service="intake", bulk=True):
        contact = Contact.objects.create(name="Ada Example")
    for title in ("Foreman", "Owner", "Director"):
        contact.title = title
        contact.save()
    asked = {"entity_id": str(contact.pk), "limit": 2, "ordering": "id"}

    first = admin.get("/api/v1/audit-log/", asked).json()
    last = admin.get(first["next"]).json()

    assert [event["operation"] for event in first["results"]] == ["create", "update", "update"]
    assert [event["operation"] for event in last["results"]] == ["update"]
    moments = [event["at"] for event in (*first["results"], *last["results"])]
    assert moments == sorted(moments)


def test_the_birth_stands_on_the_last_page_only(admin):
    with acting(service="intake", bulk=True):
        contact = Contact.objects.create(name="Ada Example")
    for title in ("Foreman", "Owner", "Director"):
        contact.title = title
        contact.save()

    first = admin.get("/api/v1/audit-log/", {"entity_id": str(contact.pk), "limit": 2}).json()
    last = admin.get(first["next"]).json()

    assert [event["operation"] for event in first["results"]] == ["update", "update"]
    assert [event["operation"] for event in last["results"]] == ["update", "create"]


def test_nobodys_life_is_empty(admin):
    assert changes(admin, entity_id="01900000-0000-7000-8000-000000000000") == []


def test_a_birth_tells_no_password(admin):
    with acting(service="intake", bulk=True):
        user = UserFactory(bdr=True)

    (birth,) = changes(admin, entity_id=str(user.pk), operation="create")

    assert birth["changes"]["email"]["new"] == user.email
    assert "password" not in birth["changes"]


def test_the_audit_is_asked_by_who_and_when_and_what(admin):
    project = ProjectFactory()
    _, contact = admin.send("post", "contacts/", {"name": "Ada Example"})

    mine = changes(admin, actor="me")
    assert {event["entity_id"] for event in mine} == {contact["id"]}
    assert changes(admin, since="2198-01-01T00:00:00Z") == []
    assert {event["entity_id"] for event in changes(admin, entity="crm.project")} == {str(project.pk)}
