"""People, companies, projects and how they are reached, as a program writes and reads them."""

from typing import Any

import pytest
from django.db import OperationalError
from psycopg.errors import DeadlockDetected

from config.testing import NOON
from config.tests.clients import Caller
from config.tests.clients import admin as an_admin
from config.tests.clients import rep as a_rep
from crm.api import inputs
from crm.models import Company, Contact, ContactPoint, Endpoint, Project, ProjectContact
from crm.services import accounts, points
from crm.services.editing import EDITABLE
from crm.tests.factories import (
    CompanyFactory,
    ContactFactory,
    EndpointFactory,
    ProjectContactFactory,
    ProjectFactory,
    SourceRecordFactory,
    TouchFactory,
    UserFactory,
    give_point,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Caller:
    return an_admin()


@pytest.fixture
def rep() -> Caller:
    return a_rep()


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


def test_a_number_is_shared_between_contacts_and_added_once(admin):
    first, second = ContactFactory(phone="+15125550134"), ContactFactory()
    body = {"contact": str(second.pk), "kind": "phone", "value": "(512) 555-0134 x12", "label": "Office"}

    status, point = admin.send("post", "contact-points/", body)
    again, known = admin.send("post", "contact-points/", body)

    assert (status, again, point["id"]) == (201, 200, known["id"])
    assert (point["value"], point["extension"], point["label"]) == ("+15125550134", "12", "Office")
    assert point["endpoint"] == str(first.points.get().endpoint_id)


def test_what_was_found_out_about_a_number_is_told_in_one_patch(admin):
    contact = ContactFactory(phone="+15125550134")
    other = give_point(contact, "phone", "+15125550135")

    _, said = admin.send(
        "patch",
        f"contact-points/{other.pk}/",
        {"is_primary": True, "verified": True, "label": "Desk", "extension": "7"},
    )
    _, wrong = admin.send(
        "patch", f"contact-points/{contact.points.exclude(pk=other.pk).get().pk}/", {"state": "wrong_person"}
    )

    assert said["is_primary"]
    assert said["verified_at"]
    assert (said["label"], said["extension"]) == ("Desk", "7")
    assert wrong["state"] == "wrong_person"
    contact.refresh_from_db()
    assert contact.primary_phone == "+15125550135"


def test_a_patch_of_a_number_happens_whole_or_not_at_all(admin):
    point = give_point(ContactFactory(), "phone", "+15125550134")

    status, said = admin.send("patch", f"contact-points/{point.pk}/", {"state": "wrong_person", "verified": True})

    assert (status, said["error_code"]) == (409, "wrong_person")
    point.refresh_from_db()
    assert point.state == "good"


def test_a_fact_about_a_number_is_not_taken_back(admin):
    point = give_point(ContactFactory(), "phone", "+15125550134")

    for body in ({"verified": False}, {"is_primary": False}):
        assert admin.send("patch", f"contact-points/{point.pk}/", body)[0] == 400


def test_a_number_that_is_removed_leaves_its_line(admin):
    point = give_point(ContactFactory(), "phone", "+15125550134", is_primary=True)

    assert admin.send("delete", f"contact-points/{point.pk}/") == (204, None)
    assert not ContactPoint.objects.exists()
    assert Endpoint.objects.filter(pk=point.endpoint_id).exists()


def test_a_line_that_does_not_work_rests_until_a_time_to_come(admin):
    line = EndpointFactory()

    assert admin.send("patch", f"endpoints/{line.pk}/", {"failed_until": "2001-01-01T00:00:00Z"})[0] == 400
    status, said = admin.send("patch", f"endpoints/{line.pk}/", {"failed_until": "2199-01-01T00:00:00+02:00"})
    assert (status, said["failed_until"]) == (200, "2198-12-31T22:00:00Z")
    assert admin.send("patch", f"endpoints/{line.pk}/", {"failed_until": None})[1]["failed_until"] is None


def found(caller: Caller, path: str, **asked: Any) -> list[str]:
    answer = caller.get(f"/api/v1/{path}/", asked)
    assert answer.status_code == 200, answer.json()
    return [item["id"] for item in answer.json()["results"]]


def test_contacts_are_found_by_words_numbers_owners_and_projects(admin):
    ada = ContactFactory(name="Ada Example", title="Foreman", phone="+15125550134", owner=admin.user)
    bea = ContactFactory(name="Bea Sample", email="bea@example.com", company=CompanyFactory())
    pair = ProjectContactFactory(contact=bea)
    key = {"ada": [str(ada.pk)], "bea": [str(bea.pk)], "both": [str(bea.pk), str(ada.pk)]}

    assert found(admin, "contacts", search="exam foreman") == key["ada"]
    assert found(admin, "contacts", search="EXAMPLE.com") == key["bea"]
    assert found(admin, "contacts", search="0134") == key["ada"]
    assert found(admin, "contacts", phone="512 555 0134") == key["ada"]
    assert found(admin, "contacts", phone="nonsense") == []
    assert found(admin, "contacts", email="BEA@example.com") == key["bea"]
    assert found(admin, "contacts", owner="me") == key["ada"]
    assert found(admin, "contacts", owner="none") == key["bea"]
    assert found(admin, "contacts", owner=str(admin.user.pk)) == key["ada"]
    assert found(admin, "contacts", company=str(bea.company_id)) == key["bea"]
    assert found(admin, "contacts", project=str(pair.project_id)) == key["bea"]
    assert found(admin, "contacts", updated_since="2001-01-01T00:00:00Z") == key["both"][::-1]
    assert found(admin, "contacts", updated_since="2001-01-01T00:00:00Z", ordering="-id") == key["both"]
    assert found(admin, "contacts", created_since="2999-01-01T00:00:00Z") == []
    assert found(admin, "contacts", created_since="1066-10-14T00:00:00Z") == key["both"]
    assert found(admin, "projects", contact=str(bea.pk)) == [str(pair.project_id)]


def test_contacts_are_found_by_what_matters_about_them(admin):
    ada = ContactFactory(priority=4, source="permits", do_not_call=True, lead_score=80)
    bea = ContactFactory(do_not_email=True, lifecycle="qualified", owner=admin.user, lead_score=20)
    cleo = ContactFactory(do_not_text=True, owner=admin.user)
    key = {"ada": str(ada.pk), "bea": str(bea.pk), "cleo": str(cleo.pk)}

    for asked, names in (
        ({"priority": "urgent"}, ["ada"]),
        ({"priority": "low"}, []),
        ({"source": "permits"}, ["ada"]),
        ({"do_not_call": "true"}, ["ada"]),
        ({"do_not_email": "true"}, ["bea"]),
        ({"do_not_text": "true"}, ["cleo"]),
        ({"do_not_call": "false"}, ["cleo", "bea"]),
        ({"lead_score_min": "20"}, ["bea", "ada"]),
        ({"lead_score_min": "21", "lead_score_max": "80"}, ["ada"]),
        ({"lead_score_max": "79"}, ["bea"]),
        ({"lifecycle": "qualified", "owner": "me"}, ["bea"]),
    ):
        assert found(admin, "contacts", **asked) == [key[name] for name in names], asked


def test_projects_companies_and_pairs_are_found_by_what_they_are(admin):
    tower = ProjectFactory(kind="Roof", stage="Bidding", status="Open", source="permits", call_suppressed=True)
    shed = ProjectFactory(kind="Shed")
    ace = CompanyFactory(name="Ace Electric, Inc.", industry="Electrical")
    CompanyFactory(name="Other", industry="Plumbing")
    pair = ProjectContactFactory(
        project=tower, roles=["general_contractor", "owner"], priority=4, suppress_for_project=True
    )
    other = ProjectContactFactory(project=shed)

    for path, row, asked in (
        *(("projects", tower, {name: getattr(tower, name)}) for name in ("kind", "stage", "status", "source")),
        ("projects", tower, {"call_suppressed": "true"}),
        ("projects", shed, {"call_suppressed": "false"}),
        ("companies", ace, {"name": "ACE ELECTRIC"}),
        ("companies", ace, {"industry": "Electrical"}),
        ("project-contacts", pair, {"role": "General Contractor"}),
        ("project-contacts", pair, {"priority": "urgent", "project": str(tower.pk)}),
        ("project-contacts", pair, {"suppressed": "true"}),
        ("project-contacts", other, {"suppressed": "false"}),
    ):
        assert found(admin, path, **asked) == [str(row.pk)], asked
    assert found(admin, "companies", name="-") == []


def test_source_records_are_found_by_company(admin):
    record, _ = SourceRecordFactory(company=CompanyFactory()), SourceRecordFactory(contact=ContactFactory())

    assert found(admin, "source-records", company=str(record.company_id)) == [str(record.pk)]


@pytest.mark.parametrize(
    "asked",
    [
        {"search": "a b"},
        {"priority": "4"},
        {"lead_score_min": "101"},
        {"search": "one two three four five six seven eight nine"},
        {"owner": "somebody"},
        {"lifecycle": "married"},
        {"company": "7"},
        {"updated_since": "yesterday"},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "²"},
        {"cursor": "x"},
        {"ordering": "title"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_its_parameter(admin, asked):
    answer = admin.get("/api/v1/contacts/", asked)

    assert answer.status_code == 400
    assert answer.json()["error_code"]


def test_pages_lead_there_and_back_under_their_filter_and_no_other(admin):
    contacts = [str(ContactFactory(name=f"Person {number % 3}").pk) for number in range(7)]
    first = admin.get("/api/v1/contacts/", {"limit": 3, "ordering": "name", "search": "person"}).json()
    second = admin.get(first["next"]).json()
    third = admin.get(second["next"]).json()

    seen = [item["id"] for page in (first, second, third) for item in page["results"]]
    assert sorted(seen) == sorted(contacts)
    assert third["next"] is None
    assert admin.get(second["previous"]).json()["results"] == first["results"]
    elsewhere = first["next"].replace("search=person", "search=nobody")
    assert admin.get(elsewhere).json()["error_code"] == "bad_cursor"
    assert admin.get(first["next"].replace("/contacts/", "/projects/")).status_code == 400
    bigger = admin.get(first["next"].replace("limit=3", "limit=4")).json()
    assert len(bigger["results"]) == 4


def test_everybody_sees_and_changes_themselves_and_only_admins_the_others(admin, rep):
    path = f"users/{rep.user.pk}/"

    assert [user["id"] for user in rep.send("get", "users/")[1]["results"]] == [str(rep.user.pk)]
    assert rep.send("get", f"users/{admin.user.pk}/")[0] == 404
    assert rep.send("get", "users/me/")[1]["roles"] == ["bdr"]
    assert rep.send("patch", "users/me/", {"time_zone": "America/Chicago"})[1]["time_zone"] == "America/Chicago"
    assert rep.send("patch", "users/me/", {"role": "admin"})[0] == 400
    assert rep.send("patch", path, {"role": "admin"})[0] == 403
    assert rep.send("post", "users/", {})[0] == 403
    assert admin.send("patch", path, {"role": "admin"})[1]["roles"] == ["admin"]
    assert admin.send("patch", path, {"is_active": False})[1]["is_active"] is False
    assert rep.send("get", "users/me/")[0] == 401


def test_a_program_and_a_person_choose_among_the_same_time_zones(rep):
    assert rep.send("patch", "users/me/", {"time_zone": "UTC"})[0] == 200
    assert rep.send("patch", "users/me/", {"time_zone": "EST"})[0] == 400


def test_a_user_is_made_once_and_their_password_is_never_shown(admin):
    body = {"email": "new@example.com", "name": "New Rep", "role": "bdr", "password": "correct horse battery"}

    answer = admin.post("/api/v1/users/", body)
    again = admin.post("/api/v1/users/", body)

    assert (answer.status_code, answer.json()["roles"]) == (201, ["bdr"])
    assert (again.status_code, again.json()["error_code"]) == (409, "email_taken")
    assert "horse" not in answer.content.decode() + again.content.decode()
    assert admin.post("/api/v1/users/", {**body, "email": "b@example.com", "password": "short"}).status_code == 400


def _gives_up_once(verb: Any) -> Any:
    """``verb``, but the first time PostgreSQL ends it for somebody else's sake."""
    asked: list[Any] = []

    def verb_at_last(**told: Any) -> Any:
        asked.append(told)
        if len(asked) == 1:
            raise OperationalError from DeadlockDetected()
        return verb(**told)

    return verb_at_last


@pytest.mark.django_db(transaction=True)
def test_several_words_about_a_point_are_tried_again_as_one(monkeypatch):
    admin, point = an_admin(), give_point(ContactFactory(), "phone", "+15125550177")
    monkeypatch.setattr(points, "make_primary", _gives_up_once(points.make_primary))

    status, said = admin.send("patch", f"contact-points/{point.pk}/", {"label": "Mobile", "is_primary": True})

    assert (status, said["label"], said["is_primary"]) == (200, "Mobile", True)


@pytest.mark.django_db(transaction=True)
def test_several_changes_of_a_user_are_tried_again_as_one(monkeypatch):
    admin, colleague = an_admin(), UserFactory(bdr=True)
    monkeypatch.setattr(accounts, "deactivate", _gives_up_once(accounts.deactivate))

    status, said = admin.send("patch", f"users/{colleague.pk}/", {"name": "Sam Other", "is_active": False})

    assert (status, said["name"], said["is_active"]) == (200, "Sam Other", False)
