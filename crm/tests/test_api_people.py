"""People, companies, projects and how they are reached, as a program writes and reads them."""

from typing import Any

import pytest

from config.testing import NOON
from config.tests import callers
from config.tests.clients import Caller
from crm.api import inputs
from crm.models import Company, Contact, Endpoint, Project, ProjectContact
from crm.services.editing import EDITABLE
from crm.tests.factories import ContactFactory, ProjectContactFactory, ProjectFactory, TouchFactory, UserFactory

pytestmark = pytest.mark.django_db
admin, rep = callers.admin, callers.rep


def fields(said: dict[str, Any]) -> set[str]:
    return {detail["field"] for detail in said["details"]}


@pytest.mark.parametrize(
    ("model", "offered"),
    [
        (Contact, inputs.CONTACT),
        (Company, inputs.COMPANY),
        (Project, inputs.PROJECT),
        (ProjectContact, inputs.PAIR),
    ],
)
def test_the_api_offers_exactly_the_fields_that_a_person_may_edit(model, offered):
    assert sorted(offered) == sorted(EDITABLE[model])


def test_a_contact_is_made_once_and_known_again_by_any_of_its_keys(admin):
    body = {"contact_id": "A-1", "phone": "512 555 0134", "email": "ada@example.com", "name": "Ada Example"}
    status, made = admin.send("post", "contacts/", {**body, "priority": "urgent", "attributes": {"shoe": 38}})

    assert status == 201
    assert (made["primary_phone"], made["primary_email"]) == ("+15125550134", "ada@example.com")
    assert (made["priority"], made["attributes"]) == ("urgent", {"shoe": 38})
    assert {(point["kind"], point["value"]) for point in made["points"]} == {
        ("phone", "+15125550134"),
        ("email", "ada@example.com"),
    }
    for key in ("contact_id", "phone", "email"):
        status, known = admin.send("post", "contacts/", {key: body[key], "title": "Owner"})
        assert (status, known["id"], known["title"]) == (200, made["id"], "Owner")
        assert known["name"] == "Ada Example"


def test_a_new_row_has_an_address(admin):
    answer = admin.post("/api/v1/contacts/", {"name": "Ada Example"})

    assert answer["Location"] == f"/api/v1/contacts/{answer.json()['id']}/"
    assert admin.get(answer["Location"]).json() == answer.json()


def test_somebody_elses_contact_is_neither_changed_nor_told_of(rep):
    theirs = ContactFactory(phone="+15125550134", owner=UserFactory(bdr=True), contact_id="A-1", title="Owner")

    for key in ({"phone": "512 555 0134"}, {"contact_id": "A-1"}):
        status, said = rep.send("post", "contacts/", {**key, "title": "Stolen"})

        assert (status, said["error_code"]) == (409, "exists_out_of_scope")
        assert str(theirs.pk) not in str(said)
        assert theirs.name not in str(said)
    theirs.refresh_from_db()
    assert theirs.title == "Owner"


def test_somebody_elses_project_is_neither_changed_nor_told_of(rep):
    ProjectFactory(project_id="P-77", owner=UserFactory(bdr=True))

    status, said = rep.send("post", "projects/", {"project_id": "P-77", "name": "Stolen"})

    assert (status, said["error_code"]) == (409, "exists_out_of_scope")


def test_an_edit_is_remembered_as_a_persons(admin):
    contact = ContactFactory(title="Foreman")

    status, said = admin.send("patch", f"contacts/{contact.pk}/", {"title": "Owner", "lead_score": 70})

    assert (status, said["title"], said["lead_score"]) == (200, "Owner", 70)
    assert set(said["edited"]) == {"title", "lead_score"}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"lead_score": 101}, "lead_score"),
        ({"conversion_probability": 1.5}, "conversion_probability"),
        ({"priority": 3}, "priority"),
        ({"priority": "enormous"}, "priority"),
        ({"lifecycle": "married"}, "lifecycle"),
        ({"country": "USAS"}, "country"),
        ({"time_zone": "Moon/Crater"}, "time_zone"),
        ({"attributes": ["x"]}, "attributes"),
        ({"owner": "01900000-0000-7000-8000-000000000000"}, "owner"),
        ({"company": "not an id"}, "company"),
        ({"name": "x" * 201}, "name"),
        ({"primary_phone": "+15125550134"}, "primary_phone"),
        ({"id": "01900000-0000-7000-8000-000000000000"}, "id"),
        ({"do_not_call": "perhaps"}, "do_not_call"),
        ({"do_not_call": None}, "do_not_call"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_field(admin, body, wrong):
    contact = ContactFactory()

    status, said = admin.send("patch", f"contacts/{contact.pk}/", {"title": "Owner", **body})

    assert status == 400
    assert wrong in fields(said), said
    contact.refresh_from_db()
    assert contact.title == ""


def test_a_number_that_cannot_be_used_is_refused_with_the_reason(admin):
    status, said = admin.send("post", "contacts/", {"name": "Ada Example", "phone": "555-0134"})

    assert (status, said["error_code"]) == (400, "unusable_value")
    assert fields(said) == {"phone"}
    assert not Contact.objects.exists()


def test_somebody_elses_company_owner_or_contact_cannot_be_referred_to(rep):
    theirs = ContactFactory(owner=UserFactory(bdr=True))

    status, said = rep.send("post", "contact-points/", {"contact": str(theirs.pk), "kind": "phone", "value": "x"})

    assert status == 400
    assert said["details"][0]["code"] == "does_not_exist"


def test_a_deleted_contact_is_gone_until_it_is_restored(admin):
    contact = ContactFactory()
    path = f"contacts/{contact.pk}/"

    assert admin.send("delete", path) == (204, None)
    assert admin.send("get", path)[0] == 404
    assert admin.send("get", "contacts/")[1]["results"] == []
    assert admin.send("patch", path, {"title": "Owner"})[0] == 404
    assert admin.send("delete", path)[0] == 404
    assert admin.send("post", f"{path}restore/")[0] == 200
    assert admin.send("get", path)[0] == 200
    assert admin.send("post", f"{path}restore/")[1]["error_code"] == "not_deleted"


def test_what_belongs_to_a_deleted_contact_is_gone_with_it(admin):
    contact = ContactFactory(phone="+15125550134")
    point = f"contact-points/{contact.points.get().pk}/"
    admin.send("delete", f"contacts/{contact.pk}/")

    assert admin.send("get", "contact-points/", {"contact": str(contact.pk)})[1]["results"] == []
    assert admin.send("get", point)[0] == 404
    assert admin.send("patch", point, {"verified": True})[0] == 404
    assert admin.send("delete", point)[0] == 404


@pytest.fixture
def shared(rep, admin) -> tuple[Contact, Contact]:
    """A colleague's contact and the rep's, on one line that means the colleague's; an admin has seen to that."""
    colleague = UserFactory(bdr=True)
    theirs = ContactFactory(phone="+15125550134", owner=colleague)
    mine = ContactFactory(owner=rep.user)
    ProjectContactFactory(contact=theirs, project__owner=colleague)
    ProjectContactFactory(contact=theirs)
    body = {"contact": str(mine.pk), "kind": "phone", "value": "512 555 0134"}
    assert rep.send("post", "contact-points/", body)[1]["error_code"] == "exists_out_of_scope"
    assert admin.send("post", "contact-points/", body)[0] == 201
    return theirs, mine


def test_whom_a_shared_line_means_is_not_told_to_who_does_not_see_them(rep, admin, shared):
    theirs, mine = shared

    (line,) = rep.get("/api/v1/endpoints/", {"phone": "512 555 0134"}).json()["results"]

    assert line["owner"] is None
    assert rep.send("get", f"endpoints/{line['id']}/")[1]["owner"] is None
    assert admin.send("get", f"endpoints/{line['id']}/")[1]["owner"] == str(theirs.pk)
    Endpoint.objects.update(owner=mine)
    assert rep.send("get", f"endpoints/{line['id']}/")[1]["owner"] == str(mine.pk)


def test_an_id_learnt_elsewhere_tells_nothing(rep, admin, shared):
    theirs, mine = shared
    hidden = ProjectFactory(owner=UserFactory(bdr=True))
    ProjectContactFactory(contact=mine, project=hidden)
    touch = TouchFactory(contact=mine, project=hidden, at=NOON)
    asked = [
        ("projects", {"contact": str(theirs.pk)}, 2),
        ("endpoints", {"contact": str(theirs.pk)}, 1),
        ("endpoints", {"owner": str(theirs.pk)}, 1),
        ("contacts", {"project": str(hidden.pk)}, 1),
        ("touches", {"project": str(hidden.pk)}, 1),
    ]

    for path, query, there in asked:
        assert found(rep, path, **query) == [], path
        assert len(found(admin, path, **query)) == there, path
    assert rep.send("get", f"touches/{touch.pk}/")[1]["project"] is None
    assert admin.send("get", f"touches/{touch.pk}/")[1]["project"] == str(hidden.pk)
    assert len(found(rep, "endpoints", contact=str(mine.pk))) == 1


def test_what_an_admin_decides_a_rep_decides_nowhere(rep):
    contact, project = ContactFactory(owner=rep.user), ProjectFactory(call_suppressed=True)
    pair = ProjectContactFactory(contact=contact, project=project, suppress_for_project=True)
    both = {"contact": str(contact.pk), "project": str(project.pk)}

    for method, path, body, code in (
        ("patch", f"contacts/{contact.pk}/", {"owner": str(UserFactory(bdr=True).pk)}, "may_not_assign"),
        ("patch", f"projects/{project.pk}/", {"call_suppressed": False}, "may_not_loosen"),
        ("post", "projects/", {"project_id": project.project_id, "call_suppressed": False}, "may_not_loosen"),
        ("patch", f"project-contacts/{pair.pk}/", {"suppress_for_project": False}, "may_not_loosen"),
        ("post", "project-contacts/", {**both, "suppress_for_project": False}, "may_not_loosen"),
    ):
        status, said = rep.send(method, path, body)
        assert (status, said["error_code"]) == (400, code), path


def test_a_rep_deletes_nobody(rep):
    contact = ContactFactory(owner=rep.user)

    assert rep.send("delete", f"contacts/{contact.pk}/")[0] == 403


def test_a_company_is_known_by_its_id_elsewhere_else_by_its_name(admin):
    first = admin.send("post", "companies/", {"name": "Example Plumbing, Inc."})
    again = admin.send("post", "companies/", {"name": "EXAMPLE PLUMBING", "industry": "Plumbing"})
    other = admin.send("post", "companies/", {"name": "Example Plumbing", "external_id": "C-9"})

    assert [first[0], again[0], other[0]] == [201, 200, 200]
    assert first[1]["id"] == again[1]["id"] == other[1]["id"]
    assert (other[1]["industry"], other[1]["external_id"]) == ("Plumbing", "C-9")


def test_money_travels_as_text_and_keeps_its_cents(admin):
    _, company = admin.send("post", "companies/", {"name": "Example Plumbing", "annual_revenue": "1234567.80"})
    _, project = admin.send("post", "projects/", {"project_id": "P-1", "value": 99.5, "bid_on": "2026-03-01"})

    assert company["annual_revenue"] == "1234567.80"
    assert (project["value"], project["bid_on"]) == ("99.50", "2026-03-01")


def test_a_contact_has_one_part_in_a_project_with_all_its_roles(admin):
    contact, project = ContactFactory(), ProjectFactory()
    both = {"contact": str(contact.pk), "project": str(project.pk)}

    status, made = admin.send("post", "project-contacts/", {**both, "roles": ["Owner"]})
    again, known = admin.send("post", "project-contacts/", {**both, "roles": ["Applicant"], "priority": "high"})

    assert (status, again) == (201, 200)
    assert made["id"] == known["id"]
    assert (known["roles"], known["priority"]) == (["owner", "applicant"], "high")
    assert (known["contact_name"], known["project_name"]) == (contact.name, project.name)


def found(caller: Caller, path: str, **asked: Any) -> list[str]:
    answer = caller.get(f"/api/v1/{path}/", asked)
    assert answer.status_code == 200, answer.json()
    return [item["id"] for item in answer.json()["results"]]
