"""What people are asked to look at, because somebody says that one person is in the book twice."""

import pytest

from config.testing import NOON
from crm.models import Contact, ReviewItem
from crm.services import points, reviewing
from crm.tests.factories import CompanyFactory, ContactFactory, ProjectContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db
PHONE, EMAIL = "+15125550171", "ada@example.com"


@pytest.fixture
def project():
    return ProjectFactory()


@pytest.fixture
def ada():
    return ContactFactory(name="Ada Marsh", company=CompanyFactory())


def suspected(ada, project):
    return reviewing.suspect(contact=ada, project=project, source="call desk")


def others(ada, project):
    return [item.other if item.contact == ada else item.contact for item in suspected(ada, project)]


def test_the_same_name_in_the_project_comes_before_the_company_and_a_common_line(ada, project):
    on_line, colleague, here = ContactFactory(), ContactFactory(name="ADA marsh", company=ada.company), ContactFactory()
    ProjectContactFactory(project=project, contact=here)
    Contact.objects.filter(pk=here.pk).update(name="ada marsh")
    for one in (ada, on_line):
        points.put_point(contact=one, kind="phone", value=PHONE, at=NOON)
    ContactFactory(name="Ada Marsh")  # nothing but the name in common, and that elsewhere

    assert others(ada, project) == [here, colleague, on_line]


def test_whoever_shares_an_address_twice_over_is_listed_once(ada, project):
    twin = ContactFactory(name="Ada Marsh", company=ada.company)
    for one in (ada, twin):
        points.put_point(contact=one, kind="phone", value=PHONE, at=NOON)
        points.put_point(contact=one, kind="email", value=EMAIL, at=NOON)

    assert others(ada, project) == [twin]


def test_nobody_likely_leaves_the_person_listed_alone(project):
    nameless, deleted = ContactFactory(name=""), ContactFactory()
    ContactFactory(name="")
    for one in (nameless, deleted):
        points.put_point(contact=one, kind="phone", value=PHONE, at=NOON)
    Contact.objects.filter(pk=deleted.pk).update(deleted_at=NOON)

    assert [(item.contact, item.other) for item in suspected(nameless, project)] == [(nameless, None)]


def test_a_line_of_everybody_lists_three_at_most(ada, project):
    for one in (ada, *ContactFactory.create_batch(5)):
        points.put_point(contact=one, kind="phone", value=PHONE, at=NOON)

    assert len(suspected(ada, project)) == 3


def test_two_people_are_listed_once_whoever_is_named_first_and_again_after_they_were_put_away(ada, project):
    twin, admin = ContactFactory(name="Ada Marsh", company=ada.company), UserFactory(admin=True)
    (first,) = suspected(ada, project)
    (second,) = suspected(twin, project)
    reviewing.resolve(item=second, by=admin, at=NOON)
    (third,) = suspected(ada, project)

    assert first == second == third == ReviewItem.objects.get()
    assert (third.resolved_at, third.resolved_by) == (None, None)
