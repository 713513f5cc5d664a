"""What is written in the back office goes through services, and only what was changed."""

import pytest
from django.contrib import admin

from crm.models import AuditEvent, Company, Contact, Project, User
from crm.tests import backoffice
from crm.tests.backoffice import form_of, page_url, signed_in
from crm.tests.factories import CompanyFactory, ContactFactory, ProjectContactFactory, ProjectFactory, UserFactory

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "crm")
SERVICE_OWNED = [
    "crm.auditevent", "crm.consent", "crm.contactpoint", "crm.endpoint", "crm.gatedecision", "crm.hoursprofile",
    "crm.intakerun", "crm.reviewitem", "crm.sourcerecord", "crm.suppression", "crm.touch",
]  # fmt: skip
CONTACTS = "/admin/crm/contact/"

boss, rep = backoffice.boss, backoffice.rep


def test_an_edit_goes_through_the_service_and_is_remembered_as_a_persons(boss):
    person = ContactFactory(title="Owner")
    url = f"{page_url(person)}?tab=edit"

    response = boss.post(url, {**form_of(boss, url), "title": "Director"})

    person.refresh_from_db()
    assert response.status_code == 302
    assert (person.title, person.edited) == ("Director", ["title"])
    assert AuditEvent.objects.filter(entity_id=person.pk, operation="update").latest("id").actor.name == "Ada Admin"


def test_pages_elsewhere_and_attributes_are_edited_like_everything_else(boss):
    person = ContactFactory(profiles={"linkedin": "https://example.com/in/pat"}, attributes={"shoe": 38})
    url = f"{page_url(person)}?tab=edit"
    seen = form_of(boss, url)

    boss.post(url, {**seen, "attributes": '{"shoe": 39}'})
    person.refresh_from_db()
    assert (person.edited, person.attributes) == (["attributes"], {"shoe": 39})

    refused = boss.post(url, {**form_of(boss, url), "profiles": '{"linkedin": {"a": [1]}}'})
    assert "linkedin: write an address" in refused.content.decode()
    boss.post(url, {**form_of(boss, url), "profiles": ""})
    person.refresh_from_db()
    assert (person.profiles, person.attributes) == ({}, {"shoe": 39})


def test_a_new_company_is_given_the_id_it_has_elsewhere_and_keeps_it(boss):
    url, page = "/admin/crm/company/add/", '{"x": "example.com/zed"}'
    boss.post(url, {**form_of(boss, url), "name": "Zed Co", "external_id": "Z-1", "profiles": page})

    company = Company.objects.get()
    assert (company.external_id, company.profiles) == ("Z-1", {"x": "https://example.com/zed"})
    assert "external_id" not in form_of(boss, f"{page_url(company)}?tab=edit")


def test_an_edit_writes_only_what_was_touched(boss):
    person = ContactFactory(title="Owner", department="Yard")
    url = f"{page_url(person)}?tab=edit"
    seen = form_of(boss, url)
    Contact.objects.filter(pk=person.pk).update(department="Office")

    boss.post(url, {**seen, "title": "Director"})

    person.refresh_from_db()
    assert (person.title, person.department) == ("Director", "Office")


@pytest.mark.parametrize("make", [ProjectFactory, ContactFactory, CompanyFactory, ProjectContactFactory, UserFactory])
def test_a_form_that_comes_without_its_fields_blanks_nothing_and_says_what_is_missing(boss, make):
    row = make()
    before = dict(type(row).objects.values().get(pk=row.pk))

    response = boss.post(page_url(row), {})

    assert response.status_code == 200
    assert "This came without" in response.content.decode()
    assert dict(type(row).objects.values().get(pk=row.pk)) == before


def test_a_form_that_comes_without_one_field_names_it(boss):
    project = ProjectFactory(name="Riverside", call_suppressed=True)
    url = f"{page_url(project)}?tab=edit"
    sent = form_of(boss, url)
    for name in ("name", "initial-name", "call_suppressed", "initial-call_suppressed"):
        del sent[name]

    said = boss.post(url, sent).content.decode()

    project.refresh_from_db()
    assert "This came without Name, Call suppressed: nothing was changed" in said
    assert (project.name, project.call_suppressed) == ("Riverside", True)


def test_whoever_comes_second_to_the_same_field_is_told(boss):
    person = ContactFactory(title="Owner")
    url = f"{page_url(person)}?tab=edit"
    seen = form_of(boss, url)
    Contact.objects.filter(pk=person.pk).update(title="Architect")

    response = boss.post(url, {**seen, "title": "Director"})

    person.refresh_from_db()
    assert person.title == "Architect"
    assert "Somebody changed this since you opened the page" in response.content.decode()


def test_what_a_service_refuses_is_said_beside_its_field_and_nothing_typed_is_lost(boss):
    person = ContactFactory()
    url = f"{page_url(person)}?tab=edit"

    response = boss.post(url, {**form_of(boss, url), "time_zone": "Mars/Olympus", "department": "Yard"})

    said = response.content.decode()
    person.refresh_from_db()
    assert response.status_code == 200
    assert "No time zone is called that" in said
    assert 'value="Yard"' in said
    assert person.department == ""


def test_a_rep_may_not_loosen_what_somebody_asked_for(rep):
    person = ContactFactory(do_not_call=True)
    client, url = signed_in(rep), f"{page_url(person)}?tab=edit"
    seen = form_of(client, url)
    seen.pop("do_not_call")

    client.post(url, {**seen, "title": "Owner"})

    person.refresh_from_db()
    assert (person.do_not_call, person.title, person.edited) == (True, "Owner", ["title"])


def test_a_box_that_only_an_admin_may_untick_is_offered_to_nobody_else(boss, rep):
    person, pair = ContactFactory(do_not_call=True), ProjectContactFactory(suppress_for_project=True)
    project = ProjectFactory(call_suppressed=True)
    for row, name in ((person, "do_not_call"), (pair, "suppress_for_project"), (project, "call_suppressed")):
        url = f"{page_url(row)}?tab=edit"
        fields = [client.get(url).context["adminform"].form.fields for client in (signed_in(rep), boss)]

        closed = [[name for name, field in found.items() if field.disabled] for found in fields]
        assert closed == [[name], []]
        assert "Only an admin takes this back." in signed_in(rep).get(url).content.decode()


def test_a_new_contact_with_a_known_number_adds_to_the_known_one(boss):
    known = ContactFactory(name="Known Person", first_name="Known", last_name="Person", phone="+15125550142", title="")

    boss.post("/admin/crm/contact/add/", {"phone": "512 555 0142", "title": "Owner"})

    known.refresh_from_db()
    assert Contact.objects.count() == 1
    assert known.title == "Owner"


@pytest.mark.parametrize(("path", "said", "kind"), [
    ("company", {"name": "Barford Builders"}, Company),
    ("project", {"project_id": "P-77", "name": "Tower"}, Project),
    ("contact", {"first_name": "Alma", "last_name": "Barford", "email": "alma@example.com"}, Contact),
])  # fmt: skip
def test_people_make_new_rows_through_services(boss, path, said, kind):
    response = boss.post(f"/admin/crm/{path}/add/", said, follow=True)

    assert response.status_code == 200
    assert kind.objects.count() == 1
    assert "created." in response.content.decode()


def offered(client, row, field="owner"):
    select = client.get(f"{page_url(row)}?tab=edit").context["adminform"].form.fields[field]
    return [str(label) for value, label in select.choices]


class TestOwnersOffered:
    @pytest.fixture(autouse=True)
    def colleagues(self, rep):
        UserFactory(bdr=True, name="Sol Sales")
        UserFactory(bdr=True, name="Gone Gladys", is_active=False)

    @pytest.mark.parametrize("factory", [ContactFactory, ProjectFactory])
    def test_a_rep_is_offered_themselves_and_nobody_where_it_is_nobodys(self, rep, factory):
        free, mine = factory(), factory(owner=rep)

        assert offered(signed_in(rep), free) == ["Nobody", "Rae Rep"]
        assert offered(signed_in(rep), mine) == ["Rae Rep"]

    def test_whoever_assigns_is_offered_everybody_who_works_here(self, boss):
        assert offered(boss, ContactFactory()) == ["Nobody", "Ada Admin", "Rae Rep", "Sol Sales"]

    def test_an_owner_who_left_stays_until_somebody_else_is_chosen(self, boss, at):
        person = ContactFactory(owner=User.objects.get(name="Gone Gladys"), title="Owner")
        url = f"{page_url(person)}?tab=edit"

        assert "Gone Gladys" in offered(boss, person)
        assert boss.post(url, {**form_of(boss, url), "title": "Director"}).status_code == 302
        person.refresh_from_db()
        assert (person.title, person.owner.name) == ("Director", "Gone Gladys")

    def test_everything_that_is_offered_is_accepted(self, rep):
        for owner in (None, rep):
            person = ContactFactory(owner=owner)
            url = f"{page_url(person)}?tab=edit"
            client = signed_in(rep)
            for value, _ in client.get(url).context["adminform"].form.fields["owner"].choices:
                assert client.post(url, {**form_of(client, url), "owner": str(value)}).status_code == 302

    def test_a_callback_is_promised_by_somebody_who_works_here(self, rep):
        pair = ProjectContactFactory()

        assert offered(signed_in(rep), pair, "callback_by") == ["Nobody", "Rae Rep", "Sol Sales"]
