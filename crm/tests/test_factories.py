import pytest

from crm.models import Contact, ContactPoint, Endpoint, User
from crm.tests import factories
from crm.tests.factories import ContactFactory, ProjectContactFactory, SuppressionFactory, TouchFactory, UserFactory

pytestmark = pytest.mark.django_db

EVERY = [
    name for name in dir(factories) if name.endswith("Factory") and name not in {"TouchFactory", "DjangoModelFactory"}
]


@pytest.mark.parametrize("name", EVERY)
def test_every_factory_makes_a_row(name):
    row = getattr(factories, name)()

    assert type(row).objects.filter(pk=row.pk).exists()


def test_a_contact_made_with_a_phone_and_an_email_has_both_as_primary_points(at):
    person = ContactFactory(phone="(512) 555-0134", email="Pat@Example.com")
    TouchFactory(contact=person, at=at)

    person.refresh_from_db()
    assert (person.primary_phone, person.primary_email) == ("+15125550134", "pat@example.com")
    assert ContactPoint.objects.filter(contact=person, is_primary=True).count() == 2
    assert Endpoint.objects.get(value="+15125550134").hours_profile.key == "America/Chicago US-TX"


def test_two_contacts_may_share_a_line():
    first, second = ContactFactory(phone="+15125550134"), ContactFactory(phone="+15125550134")

    assert Endpoint.objects.get().owner == first
    assert Contact.objects.get(pk=second.pk).primary_phone == "+15125550134"


def test_pairs_and_suppressions_come_complete():
    assert ProjectContactFactory().contact.primary_phone
    assert SuppressionFactory().endpoint.suppressed_at


def test_traits_give_users_their_group():
    admin, bdr = UserFactory(admin=True), UserFactory(bdr=True)

    assert User.objects.get(pk=admin.pk).sees_everything
    assert not User.objects.get(pk=bdr.pk).sees_everything
    assert User.objects.get(pk=bdr.pk).has_perm("calls.use_call_desk")
