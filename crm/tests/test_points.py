"""Numbers, addresses and places are added to people and corrected; what cannot be used is refused."""

import pytest

from crm.models import AuditEvent, ContactPoint, Endpoint
from crm.services import addresses, deleting, points
from crm.services.scope import ExistsOutOfScope
from crm.tests.factories import ContactFactory, UserFactory, give_point
from crm.tests.pointing import AUSTIN, DALLAS, fresh

pytestmark = pytest.mark.django_db


def test_the_first_number_and_address_become_primary_and_are_copied(at):
    person = ContactFactory()

    points.add_point(contact=person, kind="phone", value="(512) 555-0134", at=at)
    points.add_point(contact=person, kind="email", value="Pat@Example.com", at=at)
    points.add_point(contact=person, kind="phone", value=DALLAS, at=at)

    assert (fresh(person).primary_phone, fresh(person).primary_email) == (AUSTIN, "pat@example.com")
    assert fresh(person).data_quality == 60


def test_a_number_brings_its_line_type_its_extension_and_the_hours_of_its_area(at):
    point = points.add_point(
        contact=ContactFactory(), kind="phone", value="1 800 555 0134 ext. 42", label="desk", at=at
    )

    assert (point.extension, point.label, point.value_given) == ("42", "desk", "1 800 555 0134 ext. 42")
    assert point.endpoint.line_type == "toll_free"
    assert "America/New_York US" in point.endpoint.hours_profile.key


def test_adding_the_same_number_again_returns_the_point_that_is_there_with_what_it_lacked(at):
    person = ContactFactory()
    first, created = points.put_point(contact=person, kind="phone", value=AUSTIN, at=at)
    again, created_again = points.put_point(contact=person, kind="phone", value="512-555-0134", label="office", at=at)
    third, _ = points.put_point(contact=person, kind="phone", value=AUSTIN, label="home", at=at)

    assert (created, created_again) == (True, False)
    assert first == again == third
    assert third.label == "office"
    assert ContactPoint.objects.count() == Endpoint.objects.count() == 1


def test_a_line_that_somebody_uses_is_shared_and_stays_theirs(at):
    owner = ContactFactory(phone=AUSTIN)

    point = points.add_point(contact=ContactFactory(), kind="phone", value=AUSTIN, at=at)

    assert point.endpoint.owner == owner
    assert Endpoint.objects.count() == 1


def test_asking_for_another_primary_moves_the_copy_and_keeps_the_old_point(at):
    person = ContactFactory(phone=AUSTIN)

    points.add_point(contact=person, kind="phone", value=DALLAS, is_primary=True, at=at)

    assert fresh(person).primary_phone == DALLAS
    assert person.points.filter(is_primary=False, endpoint__value=AUSTIN).exists()


@pytest.mark.parametrize(
    ("kind", "value", "field", "says"),
    [
        ("phone", "555-0134", "value", "area code is missing"),
        ("phone", "1.51255E+10", "value", "spreadsheet"),
        ("email", "pat(at)example.com", "value", "no @"),
        ("address", "  ", "value", "nothing here"),
        ("social", "https://example.com/" + "x" * 500, "value", "At most 500"),
        ("fax", AUSTIN, "kind", "Must be one of"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_field_and_what_to_do(at, kind, value, field, says):
    with pytest.raises(points.UnusableValue) as refusal:
        points.add_point(contact=ContactFactory(), kind=kind, value=value, at=at)

    assert says in refusal.value.details[field]
    assert not ContactPoint.objects.exists()
    assert not Endpoint.objects.exists()


def test_a_country_that_nobody_knows_is_refused(at):
    with pytest.raises(addresses.UnusableAddress) as refusal:
        points.add_point(contact=ContactFactory(), kind="address", value="x", place={"country": "Atlantis"}, at=at)

    assert "ISO code" in refusal.value.details["country"]


def test_a_deleted_contact_gets_no_new_number(at):
    person = deleting.delete(row=ContactFactory(), by=None, at=at)

    with pytest.raises(points.ContactDeleted, match="Restore the contact first"):
        points.add_point(contact=person, kind="phone", value=AUSTIN, at=at)


def test_a_label_and_an_extension_are_corrected_and_nothing_else(at):
    rep, point = UserFactory(bdr=True), give_point(ContactFactory(), "phone", AUSTIN, label="ofice", extension="1")

    points.describe(point=point, label=" office ", extension="", by=rep, at=at)
    event = AuditEvent.objects.get(entity_id=point.pk, operation="update")
    points.describe(point=point, label="office", by=rep, at=at)

    assert (event.actor, event.old) == (rep, {"label": "ofice", "extension": "1"})
    assert event.new == {"label": "office", "extension": ""}
    assert AuditEvent.objects.filter(entity_id=point.pk, operation="update").get() == event
    with pytest.raises(points.UnusableValue) as refusal:
        points.describe(point=give_point(point.contact, "email", "a@example.com"), extension="1", by=rep, at=at)
    assert list(refusal.value.details) == ["extension"]


def test_a_line_that_means_somebody_hidden_is_not_shared_by_naming_it(at):
    rep, person = UserFactory(bdr=True), ContactFactory()
    hidden = ContactFactory(phone=AUSTIN, owner=UserFactory(bdr=True))

    with pytest.raises(ExistsOutOfScope) as refusal:
        points.add_point(contact=person, kind="phone", value=AUSTIN, by=rep, at=at)

    assert str(hidden.pk) not in str(refusal.value)
    assert not person.points.exists()
    assert points.add_point(contact=person, kind="phone", value=AUSTIN, by=UserFactory(admin=True), at=at)


def test_an_address_is_kept_in_parts_and_moves_the_hours_of_the_person_s_lines(at):
    person = ContactFactory(phone=AUSTIN)

    place = {"street": "1 Sample St", "city": "Boston", "region": "massachusetts", "country": "United States"}
    point, created = points.put_point(contact=person, kind="address", value="", place=place, at=at)
    again, created_again = points.put_point(contact=person, kind="address", value="", place=place, at=at)

    assert (point.region, point.country, created, created_again) == ("MA", "US", True, False)
    assert point == again
    assert Endpoint.objects.get().hours_profile.key == "America/Chicago US-TX|America/New_York US-MA"
