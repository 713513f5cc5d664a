"""Owners, parts in a project, and further ways to reach somebody, as records say them."""

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from config.testing import NOON
from config.testing.hearing import hearing
from crm.choices import ReviewKind
from crm.models import Contact, ContactPoint, Endpoint, Project, ProjectContact, ReviewItem
from crm.services import changing, intake
from crm.services.feeds.records import EmailIn, Party, PhoneIn, PlaceIn, ProjectIn
from crm.signals import reachability_changed
from crm.tests.factories import UserFactory
from crm.tests.intaking import OTHER_PHONE, PHONE, somebody, take

pytestmark = pytest.mark.django_db


def test_owners_are_users_by_their_address_and_an_unknown_one_is_told():
    pat = UserFactory(email="pat@example.com")
    UserFactory(email="gone@example.com", is_active=False)

    account = take(
        (ProjectIn("P-1", owner="pat@example.com"), somebody("Ada Example", phone=PHONE, owner="pat@example.com")),
        (ProjectIn("P-2", owner="gone@example.com"), somebody("Bo Sample", phone=OTHER_PHONE, owner="no@example.com")),
    )

    assert (account.created, account.warnings) == (2, 2)
    assert Project.objects.get(project_id="P-1").owner == Contact.objects.get(name="Ada Example").owner == pat
    assert not Contact.objects.filter(name="Bo Sample").exclude(owner=None).exists()
    assert Project.objects.get(project_id="P-2").owner is None


def test_a_source_changes_the_owner_that_it_gave_and_no_other():
    pat, sam, eve = (UserFactory(email=f"{name}@example.com") for name in ("pat", "sam", "eve"))
    for owner in ("pat@example.com", "sam@example.com"):
        take(
            (
                ProjectIn("P-1", owner=owner),
                somebody("Ada Example", contact_id="x-1", owner=owner),
                somebody("Bo Sample", contact_id="x-2", owner=owner),
            )
        )
        changing.edit(
            row=Contact.objects.get(contact_id="x-2"), changes={"owner": eve}, by=UserFactory(admin=True), at=NOON
        )

    assert Contact.objects.get(contact_id="x-1").owner == Project.objects.get().owner == sam
    assert Contact.objects.get(contact_id="x-2").owner == eve
    kept = ReviewItem.objects.get(kind=ReviewKind.KEPT_EDIT)
    assert (kept.field, kept.value) == ("owner", "sam@example.com")
    assert pat.contacts.count() == 0


def test_whoever_does_not_see_everything_gives_nothing_to_somebody_else():
    UserFactory(email="sam@example.com")
    pat = UserFactory(email="pat@example.com", bdr=True)
    posted = [{"contacts": [{"phone": PHONE, "owner": email}]} for email in ("sam@example.com", "PAT@example.com")]

    [sams, own] = intake.take_in_posted(source="api", records=posted, by=pat, at=NOON).results

    assert [warning["code"] for warning in sams.warnings] == ["owner_not_yours_to_choose"]
    assert own.warnings == ()
    assert Contact.objects.get().owner == pat


def test_a_part_in_a_project_is_born_as_it_is_said():
    ada = somebody(
        "Ada Example", phone=PHONE, suppress_for_project=True, suppress_reason="Ask the architect", is_primary=True,
        pair_priority="urgent", priority="low",
    )  # fmt: skip
    take(("P-1", ada), ("P-2", somebody("Ada Example", phone=PHONE)))

    said, plain = ProjectContact.objects.order_by("project__project_id")
    assert (said.suppress_for_project, said.suppress_reason) == (True, "Ask the architect")
    assert (said.is_primary, said.priority, said.callable_from) == (True, 4, None)
    assert (plain.suppress_for_project, plain.is_primary, plain.priority) == (False, False, 1)
    assert plain.callable_from is not None


@pytest.mark.parametrize("contact_id", ["", "x-1"])
def test_a_part_that_exists_is_closed_by_a_source_and_never_opened(contact_id):
    def ada(**said: Any) -> Party:
        return somebody("Ada Example", phone=PHONE, contact_id=contact_id, roles=("owner",), **said)

    take(("P-1", ada(suppress_for_project=False, pair_priority="high")))
    with hearing(reachability_changed) as told:
        account = take(("P-1", ada(suppress_for_project=True, suppress_reason="Signed elsewhere", pair_priority="low")))
    take(("P-1", ada(suppress_for_project=False)))

    pair = ProjectContact.objects.get()
    assert (pair.suppress_for_project, pair.suppress_reason, pair.priority) == (True, "Signed elsewhere", 3)
    assert (account.updated, [event.pair_ids for event in told]) == (1, [(pair.pk,)])


def test_points_say_since_when_they_are_verified():
    seen = NOON - timedelta(days=30)
    phones = (PhoneIn(PHONE, PHONE, verified=seen), PhoneIn(OTHER_PHONE, OTHER_PHONE, verified=True))

    take(Party(name="Ada Example", phones=phones, emails=(EmailIn("a@example.com", "a@example.com"),)))

    assert dict(ContactPoint.objects.values_list("endpoint__value", "verified_at")) == {
        PHONE: seen,
        OTHER_PHONE: NOON,
        "a@example.com": None,
    }


def test_further_addresses_and_pages_are_points_of_their_own_once():
    mailing = PlaceIn("address", "", "mailing", "1 Main St", "Reno", "NV", "89501", "US")
    page = PlaceIn("social", "https://example.com/ada", "facebook", verified=NOON)
    plain = somebody("Ada Example", phone=PHONE)
    take(plain)

    account = take(dataclasses.replace(plain, places=(mailing, page, mailing)))
    take(dataclasses.replace(plain, places=(page, mailing), title="Owner"), source="another")

    assert account.entities["points"] == {"created": 2}
    address, social = ContactPoint.objects.filter(endpoint=None).order_by("kind")
    assert (address.label, address.street, address.region, address.country) == ("mailing", "1 Main St", "NV", "US")
    assert (social.value_given, social.label, social.verified_at) == ("https://example.com/ada", "facebook", NOON)
    assert "US-NV" in Endpoint.objects.get().hours_profile.key


def test_an_address_of_somebody_new_decides_the_hours_of_their_line():
    mailing = PlaceIn("address", "", "mailing", "1 Main St", "Reno", "NV", "89501", "US")

    take(("P-1", somebody("Ada Example", phone=PHONE, places=(mailing,))))

    line, pair = Endpoint.objects.get(), ProjectContact.objects.get()
    assert "US-NV" in line.hours_profile.key
    assert pair.hours_profile == line.hours_profile


def test_a_page_that_somebody_removed_is_not_brought_back_by_the_same_source():
    page = PlaceIn("social", "https://example.com/ada", "facebook")
    take(somebody("Ada Example", phone=PHONE, places=(page,)))
    ContactPoint.objects.filter(kind="social").delete()

    take(somebody("Ada Example", phone=PHONE, places=(page,), title="Owner"))

    assert not ContactPoint.objects.filter(kind="social").exists()


def test_everything_that_can_be_posted_about_a_contact_is_kept():
    owner = UserFactory(email="pat@example.com")
    contact = {
        "name": "Ada Example",
        "phones": [{"value": PHONE, "verified": "2026-01-02T09:00:00Z"}, {"value": OTHER_PHONE, "primary": True}],
        "emails": [{"value": "ada@example.com", "verified": True, "label": "work"}],
        "addresses": [{"street": "1 Main St", "city": "Reno", "region": "Nevada", "country": "US", "label": "mailing"}],
        "socials": ["https://example.com/ada", {"value": "https://example.com/a", "label": "x", "verified": True}],
        "preferred_channel": "text", "conversion_probability": "35%", "owner": "pat@example.com", "is_primary": True,
        "suppress_for_project": True, "suppress_reason": "Ask first", "pair_priority": "high",
    }  # fmt: skip
    record = {"project": {"project_id": "P-1", "owner": "pat@example.com"}, "contacts": [contact]}

    [result] = intake.take_in_posted(source="api", records=[record], by=None, at=NOON).results

    assert (result.outcome, result.reason) == ("created", "")
    person, pair = Contact.objects.get(), ProjectContact.objects.get()
    assert (person.preferred_channel, person.conversion_probability, person.owner) == ("sms", 0.35, owner)
    assert (person.primary_phone, pair.is_primary, pair.suppress_reason) == (OTHER_PHONE, True, "Ask first")
    assert ContactPoint.objects.filter(kind="social").count() == 2
    assert ContactPoint.objects.get(kind="address").region == "NV"
    assert ContactPoint.objects.get(endpoint__value=PHONE).verified_at.isoformat() == "2026-01-02T09:00:00+00:00"


def test_an_intake_leaves_no_temporary_tables_behind():
    take(("P-1", somebody("Ada Example", phone=PHONE)))
    take(("P-1", somebody("Bo Sample", phone=PHONE, title="Owner", roles=("owner",))))

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'intake%%' AND relpersistence = 't'")
        assert cursor.fetchone() == (0,)
