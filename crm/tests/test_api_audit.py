"""The audit, as a program reads it: the whole life of a row, births in bulk included."""

from typing import Any

import pytest

from config.kernel.audit import acting
from config.tests import callers
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from crm.models import AuditEvent, Contact, Endpoint, IntakeRun, Project
from crm.tests.births import RECORD
from crm.tests.factories import ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
admin = callers.admin


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
