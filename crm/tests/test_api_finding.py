"""What the lists of people and projects can be asked."""

from typing import Any

import pytest

from config.tests import callers
from config.tests.clients import Caller
from crm.tests.factories import (
    CompanyFactory,
    ContactFactory,
    ProjectContactFactory,
    ProjectFactory,
    SourceRecordFactory,
)

pytestmark = pytest.mark.django_db
admin = callers.admin


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
