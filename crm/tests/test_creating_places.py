"""Companies, projects and parts in projects that are made by hand or by HTTP: each is there once."""

from datetime import timedelta

import pytest

from config.testing.hearing import hearing
from crm.models import Company, Contact, Project, ProjectContact
from crm.services import creating, deleting, editing, fields
from crm.signals import reachability_changed
from crm.tests.factories import ContactFactory, ProjectContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
AUSTIN = "+15125550134"


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


def test_a_company_is_found_by_its_id_or_without_one_by_its_name(rep, at):
    first, created = creating.create_company(by=rep, at=at, name="Ace Electric, Inc.", industry="Electrical")
    again, created_again = creating.create_company(
        by=rep, at=at, name="ACE ELECTRIC", website="https://ace.example.com"
    )

    assert (created, created_again) == (True, False)
    assert first == again
    assert (again.industry, again.domain) == ("Electrical", "ace.example.com")


def test_a_company_known_by_its_name_only_takes_an_id_that_is_new_as_in_an_intake(rep, at):
    first, _ = creating.create_company(by=rep, at=at, name="Zed Co")
    named, created = creating.create_company(by=rep, at=at, name="ZED Co.", external_id="Z-1")
    renamed, created_again = creating.create_company(by=rep, at=at, name="Zed Power", external_id="Z-1")
    other, created_other = creating.create_company(by=rep, at=at, name="Zed Power", external_id="Z-2")

    assert (created, created_again, created_other) == (False, False, True)
    assert first == named == renamed != other
    assert (renamed.external_id, renamed.name) == ("Z-1", "Zed Power")
    assert Company.objects.count() == 2
    with pytest.raises(fields.FieldInvalid) as refusal:
        creating.create_company(by=rep, at=at, name="Zed Co", external_id="x" * 101)
    assert list(refusal.value.details) == ["external_id"]


def test_a_company_needs_a_name(rep, at):
    with pytest.raises(fields.FieldInvalid) as refusal:
        creating.create_company(by=rep, at=at, name="--")

    assert "letter or a digit" in refusal.value.details["name"]


def test_a_project_is_found_by_its_id(rep, at):
    project, created = creating.create_project(by=rep, at=at, project_id=" P-1 ", name="Tower", stage="Bidding")
    again, created_again = creating.create_project(by=rep, at=at, project_id="P-1", name="Tower II", stage="")

    assert (created, created_again) == (True, False)
    assert project == again
    assert (again.name, again.stage) == ("Tower II", "Bidding")


@pytest.mark.parametrize("project_id", ["", "  ", "x" * 101])
def test_a_project_needs_the_id_it_has_elsewhere(rep, at, project_id):
    with pytest.raises(fields.FieldInvalid) as refusal:
        creating.create_project(by=rep, at=at, project_id=project_id)

    assert list(refusal.value.details) == ["project_id"]


def test_a_colleague_s_project_exists_out_of_scope_and_a_deleted_one_is_not_made_anew(rep, at):
    ProjectFactory(project_id="P-1", owner=UserFactory(bdr=True))
    deleting.delete(row=ProjectFactory(project_id="P-2"), by=None, at=at)

    with pytest.raises(creating.ExistsOutOfScope):
        creating.create_project(by=rep, at=at, project_id="P-1")
    with pytest.raises(editing.RowDeleted):
        creating.create_project(by=rep, at=at, project_id="P-2")


def test_a_contact_has_one_part_in_a_project_and_collects_roles(rep, at):
    project, person = ProjectFactory(), ContactFactory(phone=AUSTIN)

    pair, created = creating.put_in_project(
        project=project, contact=person, roles=["General Contractor"], by=rep, at=at
    )
    again, created_again = creating.put_in_project(
        project=project, contact=person, roles=["general_contractor", "Owner"], priority=4, by=rep, at=at
    )

    assert (created, created_again) == (True, False)
    assert pair == again
    assert (again.roles, again.priority) == (["general_contractor", "owner"], 4)
    assert ProjectContact.objects.count() == 1


def test_a_part_told_again_keeps_what_is_left_blank(rep, at):
    """A feed that repeats itself wipes no promised callback."""
    both = {"project": ProjectFactory(), "contact": ContactFactory(), "by": rep, "at": at}
    soon = at + timedelta(hours=2)
    creating.put_in_project(
        **both, callback_at=soon, callback_by=rep, suppress_for_project=True, suppress_reason="They asked."
    )

    again, _ = creating.put_in_project(**both, callback_at=None, callback_by=None, suppress_reason="", roles=["owner"])

    assert (again.callback_at, again.callback_by, again.suppress_reason) == (soon, rep, "They asked.")
    assert again.roles == ["owner"]


@pytest.mark.parametrize("make", [
    lambda **told: creating.create_contact(name="Pat Sample", **told),
    lambda **told: creating.create_company(name="Ace", **told),
    lambda **told: creating.create_project(project_id="P-1", **told),
])  # fmt: skip
def test_what_is_left_blank_at_birth_was_said_by_nobody(rep, at, make):
    row, _ = make(by=rep, at=at, city="", attributes={}, source="api")

    assert set(row.edited) - {"name"} == {"source"}


@pytest.mark.parametrize("make", [
    lambda **told: creating.create_contact(name="Pat Sample", **told),
    lambda **told: creating.create_project(project_id="P-1", **told),
])  # fmt: skip
def test_nobody_makes_a_row_for_a_colleague_but_an_admin(rep, at, make):
    colleague = UserFactory(bdr=True)

    with pytest.raises(editing.MayNotAssign) as refusal:
        make(by=rep, at=at, owner=colleague)
    assert list(refusal.value.details) == ["owner"]
    assert not Contact.objects.exists()
    assert not Project.objects.exists()
    assert make(by=UserFactory(admin=True), at=at, owner=colleague)[0].owner == colleague


def test_a_new_pair_is_told(rep, at):
    with hearing(reachability_changed) as told:
        pair, _ = creating.put_in_project(project=ProjectFactory(), contact=ContactFactory(), by=rep, at=at)

    assert [event.pair_ids for event in told] == [(pair.pk,)]


@pytest.mark.parametrize("which", ["project", "contact"])
def test_nobody_deleted_is_put_into_a_project_nor_anybody_into_a_deleted_one(rep, at, which):
    known = ProjectContactFactory()
    deleting.delete(row=getattr(known, which), by=None, at=at)
    both = {"project": known.project, "contact": known.contact}

    with pytest.raises(editing.RowDeleted):
        creating.put_in_project(**both, by=rep, at=at)


@pytest.mark.django_db(transaction=True)
def test_two_ids_for_one_named_company_at_once_make_two_and_one_takes_the_name(threads, at):
    first, _ = creating.create_company(by=None, at=at, name="Zed Co")

    def make(key):
        return lambda: creating.create_company(by=None, at=at, name="Zed Co", external_id=key)

    threads(make("Z-1"), make("Z-1"), make("Z-2"), make("Z-2"))

    assert sorted(Company.objects.values_list("external_id", flat=True)) == ["Z-1", "Z-2"]
    assert Company.objects.filter(pk=first.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_many_who_make_the_same_project_company_and_pair_at_once_make_one_of_each(threads, at):
    person = ContactFactory()

    def make():
        project, _ = creating.create_project(by=None, at=at, project_id="P-1")
        creating.create_company(by=None, at=at, name="Ace Electric")
        return creating.put_in_project(project=project, contact=person, roles=["owner"], by=None, at=at)

    threads(*[make] * 5)

    assert Project.objects.count() == Company.objects.count() == ProjectContact.objects.count() == 1
