"""Numbers and addresses of people over HTTP."""

import pytest

from config.tests import callers
from config.tests.clashes import gives_up_once
from config.tests.clients import admin as an_admin
from crm.models import ContactPoint, Endpoint
from crm.services import points
from crm.tests.factories import ContactFactory, EndpointFactory, give_point

pytestmark = pytest.mark.django_db
admin = callers.admin


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


@pytest.mark.django_db(transaction=True)
def test_several_words_about_a_point_are_tried_again_as_one(monkeypatch):
    admin, point = an_admin(), give_point(ContactFactory(), "phone", "+15125550177")
    monkeypatch.setattr(points, "make_primary", gives_up_once(points.make_primary))

    status, said = admin.send("patch", f"contact-points/{point.pk}/", {"label": "Mobile", "is_primary": True})

    assert (status, said["label"], said["is_primary"]) == (200, "Mobile", True)
