"""The back office of crm opens whatever is in it, shows everybody only what is theirs, and writes through services."""

import pytest
from django.contrib import admin
from django.urls import reverse

from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import Contact, GateDecision, ProjectContact
from crm.tests import backoffice
from crm.tests.backoffice import list_url, model, page_url, signed_in
from crm.tests.factories import (
    CompanyFactory,
    ConsentFactory,
    ContactFactory,
    EndpointFactory,
    IntakeRunFactory,
    OtherNameFactory,
    ProjectContactFactory,
    ProjectFactory,
    ReviewItemFactory,
    SourceRecordFactory,
    SuppressionFactory,
    TouchFactory,
    UserFactory,
    give_point,
)

LABELS = sorted(model._meta.label_lower for model in admin.site._registry if model._meta.app_label == "crm")
SERVICE_OWNED = [
    "crm.auditevent", "crm.consent", "crm.contactpoint", "crm.endpoint", "crm.gatedecision", "crm.hoursprofile",
    "crm.intakerun", "crm.reviewitem", "crm.sourcerecord", "crm.suppression", "crm.touch",
]  # fmt: skip
CONTACTS = "/admin/crm/contact/"

boss, rep = backoffice.boss, backoffice.rep


def fill(number: int) -> None:
    """So many more rows of every kind, tied to one another as they are in life."""
    start = Contact.objects.count()
    for index in range(start, start + number):
        company, rep = CompanyFactory(), UserFactory(bdr=True)
        person = ContactFactory(
            company=company, owner=rep, phone=f"+1512555{index:04}", email=f"person{index}@example.com", title="Owner",
            attributes={"permit": index}, profiles={"web": "https://example.com"},
        )  # fmt: skip
        give_point(person, "phone", f"+1737555{index:04}", label="mobile")
        OtherNameFactory(contact=person)
        pair = ProjectContactFactory(project=ProjectFactory(description="Three floors", owner=rep), contact=person)
        endpoint = person.points.filter(kind="phone").first().endpoint
        SuppressionFactory(endpoint=EndpointFactory(), by=rep)
        ConsentFactory(contact=person, endpoint=endpoint, by=rep)
        TouchFactory(contact=person, endpoint=endpoint, project=pair.project, at=NOON, user=rep)
        SourceRecordFactory(contact=person, project=pair.project, company=company, raw={"NAME": "X"})
        IntakeRunFactory(rows_done=3, counts={"rows.in": 3, "rows.created": 2, "rows.unchanged": 1})
        ReviewItemFactory(contact=person, other=person, project=pair.project, field="title", value=f"Boss {index}")
        GateDecision.objects.create(
            id=uuid7(), at=NOON, action="dial", channel="call", allowed=False, codes=["do_not_call"], contact=person,
            endpoint=endpoint, pair=pair, user=rep, facts={"contact.do_not_call": True}, ruleset="x", zones="y",
        )  # fmt: skip


def test_every_list_opens_and_costs_the_same_queries_however_many_rows_it_shows(
    boss, subtests, django_assert_max_num_queries
):
    costs = {label: [] for label in LABELS}
    for more in (0, 2, 8):
        fill(more)
        for label in LABELS:
            with subtests.test(label, more=more), django_assert_max_num_queries(30) as queries:
                page = boss.get(list_url(label))
                assert page.status_code == 200
                assert b"delete_selected" not in page.content
            costs[label].append(len(queries))

    for label, (_, few, many) in costs.items():
        with subtests.test(label):
            assert few == many


def test_every_kind_of_row_has_its_page_and_its_history(boss, subtests):
    fill(2)

    for label in LABELS:
        with subtests.test(label):
            row = model(label)._default_manager.latest("pk")
            history = reverse(f"admin:{label.replace('.', '_')}_history", args=[row.pk])
            audited = admin.site._registry[model(label)].audited

            assert boss.get(page_url(row)).status_code == 200
            assert boss.get(history).status_code == (200 if audited else 404)


def test_what_a_service_owns_cannot_be_written_by_hand(boss, subtests):
    fill(1)

    for label in SERVICE_OWNED:
        with subtests.test(label):
            assert boss.get(reverse(f"admin:{label.replace('.', '_')}_add")).status_code == 403
            assert boss.post(page_url(model(label)._default_manager.first()), {}).status_code == 403


def test_nothing_is_deleted_here_not_even_by_an_admin(boss, subtests):
    fill(1)

    for label in LABELS:
        with subtests.test(label):
            row = model(label)._default_manager.first()
            delete = reverse(f"admin:{label.replace('.', '_')}_delete", args=[row.pk])
            assert boss.post(delete, {"post": "yes"}).status_code == 403


def test_a_rep_sees_their_own_and_nobodys_and_the_rest_does_not_exist(rep):
    mine, free = ContactFactory(name="Mine", owner=rep), ContactFactory(name="Free")
    other = ContactFactory(name="Somebody Elses", owner=UserFactory(bdr=True), phone="+15125550142")
    pair = ProjectContactFactory(contact=other)
    client = signed_in(rep)

    listed = client.get(CONTACTS).content.decode()

    assert "Mine" in listed
    assert "Free" in listed
    assert "Somebody Elses" not in listed
    assert [client.get(page_url(one)).status_code for one in (mine, free)] == [200, 200]
    hidden = [page_url(other), page_url(pair), page_url(other.points.first()), page_url(other.points.first().endpoint),
              f"/admin/crm/contact/{other.pk}/history/", f"/admin/crm/contact/{other.pk}/do/suppress/"]  # fmt: skip
    assert {client.get(url).status_code for url in hidden} == {404}
    assert client.post(page_url(other), {"name": "Taken"}).status_code == 404


def test_a_rep_does_not_find_by_search_what_is_not_theirs(rep):
    ContactFactory(name="Hidden Person", owner=UserFactory(bdr=True), phone="+15125550142", email="hidden@example.com")
    client = signed_in(rep)

    for words in ("hidden", "+1 512 555 0142", "hidden@example.com"):
        assert "Hidden Person" not in client.get(CONTACTS, {"q": words}).content.decode()
        assert "Hidden Person" not in client.get("/admin/search/", {"s": words}).content.decode()


def test_the_search_box_finds_people_projects_and_companies_at_once_even_those_just_added(boss):
    ContactFactory(name="Alma Barford")
    CompanyFactory(name="Barford Builders")
    first = boss.get("/admin/search/", {"s": "barford"}).content.decode()

    ProjectFactory(name="Barford School")
    second = boss.get("/admin/search/", {"s": "barford"}).content.decode()

    assert "Alma Barford" in first
    assert "Barford Builders" in first
    assert "Barford School" in second
    assert boss.get("/admin/search/", {"s": ""}).content == b""


def test_a_row_that_comes_along_is_not_named_to_who_may_not_see_it(rep):
    secret = ProjectFactory(name="Secret Tower", owner=UserFactory(bdr=True))
    person = ContactFactory(phone="+15125550142")
    touch = TouchFactory(contact=person, project=secret, at=NOON)
    client = signed_in(rep)

    assert "Secret Tower" not in client.get("/admin/crm/touch/").content.decode()
    assert "Secret Tower" not in client.get(page_url(touch)).content.decode()
    assert "Secret Tower" not in client.get(page_url(person)).content.decode()


def test_choices_offer_only_what_one_may_see(rep):
    hidden = ProjectFactory(name="Secret Tower", owner=UserFactory(bdr=True))
    ProjectFactory(name="Open Tower")
    client = signed_in(rep)
    asked = {"app_label": "crm", "model_name": "projectcontact", "field_name": "project", "term": "tower"}

    offered = [one["text"] for one in client.get("/admin/autocomplete/", asked).json()["results"]]
    forced = client.post(
        "/admin/crm/projectcontact/add/",
        {"project": hidden.pk, "contact": ContactFactory().pk, "priority": 2, "roles": "owner"},
    )

    assert offered == ["Open Tower"]
    assert forced.status_code == 200
    assert not ProjectContact.objects.exists()


@pytest.mark.parametrize("label", ["crm.auditevent", "crm.intakerun", "crm.user"])
def test_what_is_not_a_reps_business_is_closed_to_them(rep, label):
    assert signed_in(rep).get(list_url(label)).status_code == 403


def test_a_rep_sees_what_sources_said_of_their_people_only(rep):
    SourceRecordFactory(key="mine", contact=ContactFactory(owner=rep))
    SourceRecordFactory(key="theirs", contact=ContactFactory(owner=UserFactory(bdr=True)))

    listed = signed_in(rep).get(list_url("crm.sourcerecord")).content.decode()

    assert ">mine<" in listed
    assert ">theirs<" not in listed


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["admin", "bdr"])
@pytest.mark.parametrize("path", ["1/1", f"1/{'x' * 36}", "x/y"])
def test_nothing_has_a_public_page(client, role, path):
    client.force_login(UserFactory(**{role: True}))

    assert client.get(f"/admin/r/{path}/").status_code == 404
