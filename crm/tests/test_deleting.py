import pytest

from config.testing.hearing import hearing
from crm.models import AuditEvent, Contact, Endpoint
from crm.services import deleting, points
from crm.signals import reachability_changed
from crm.tests.factories import (
    CompanyFactory,
    ContactFactory,
    EndpointFactory,
    ProjectContactFactory,
    ProjectFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("factory", [ContactFactory, ProjectFactory])
def test_what_is_deleted_stays_and_can_be_brought_back(at, factory):
    admin = UserFactory(admin=True)

    gone = deleting.delete(row=factory(), by=admin, at=at)
    assert gone.deleted_at == at
    assert AuditEvent.objects.filter(entity_id=gone.pk, operation="update").get().actor == admin

    assert deleting.restore(row=gone, by=admin, at=at).deleted_at is None


@pytest.mark.parametrize("factory", [ContactFactory, ProjectFactory])
def test_deleting_and_restoring_twice_is_refused_by_name(at, factory):
    row = factory()

    with pytest.raises(deleting.NotDeleted):
        deleting.restore(row=row, by=None, at=at)
    deleting.delete(row=row, by=None, at=at)
    with pytest.raises(deleting.AlreadyDeleted, match="2026-06-16"):
        deleting.delete(row=row, by=None, at=at)


@pytest.mark.parametrize(
    ("factory", "instead"),
    [
        (CompanyFactory, "another name, or move its contacts"),
        (EndpointFactory, "Suppress it"),
        (ProjectContactFactory, "Suppress the contact"),
        (UserFactory, "Deactivate"),
    ],
)
def test_what_history_hangs_on_is_not_deleted_and_the_refusal_says_what_to_do(at, factory, instead):
    with pytest.raises(deleting.CannotBeDeleted, match=instead):
        deleting.delete(row=factory(), by=None, at=at)


def test_a_deleted_person_s_place_no_longer_decides_the_hours_of_a_shared_line(at):
    person = ContactFactory(phone="+15125550134", region="MA", country="US")
    ContactFactory(phone="+15125550134")
    points.refresh_profiles(endpoint_ids=[Endpoint.objects.get().pk])

    deleting.delete(row=person, by=None, at=at)
    assert Endpoint.objects.get().hours_profile.key == "America/Chicago US-TX"

    deleting.restore(row=person, by=None, at=at)
    assert "US-MA" in Endpoint.objects.get().hours_profile.key


def test_a_deleted_person_keeps_their_line_so_that_nobody_is_made_anew_from_it(at):
    person = ContactFactory(phone="+15125550134")

    deleting.delete(row=person, by=None, at=at)

    assert Endpoint.objects.get().owner == person
    assert Contact.objects.get().primary_phone == "+15125550134"


def test_a_line_that_somebody_alive_uses_too_is_theirs_from_then_on(at):
    person, stranger, gone, friend = (ContactFactory(phone="+15125550134") for _ in range(4))
    points.mark_wrong_person(point=stranger.points.get(), at=at)
    deleting.delete(row=gone, by=None, at=at)

    deleting.delete(row=person, by=None, at=at)
    assert Endpoint.objects.get().owner == friend

    deleting.restore(row=person, by=None, at=at)
    assert Endpoint.objects.get().owner == friend


def test_deletions_are_told(at):
    person, project = ContactFactory(phone="+15125550134"), ProjectFactory()

    with hearing(reachability_changed) as told:
        for row in (person, project):
            deleting.delete(row=row, by=None, at=at)

    assert [(event.contact_ids, event.project_ids) for event in told] == [((person.pk,), ()), ((), (project.pk,))]
