from datetime import timedelta
from itertools import permutations

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from config.testing import NOON
from crm.models import Consent, Contact
from crm.services import consenting
from crm.tests.factories import ContactFactory, EndpointFactory, UserFactory

DAY = timedelta(days=1)


def copies(person):
    return Contact.objects.values_list("consent_given", "consent_at").get(pk=person.pk)


@pytest.mark.django_db
def test_consent_is_kept_as_evidence_and_copied_to_the_contact(at):
    person, rep = ContactFactory(phone="+15125550134"), UserFactory(bdr=True)

    row = consenting.give(
        contact=person, source="web form", at=at, by=rep, channel="sms",
        endpoint=person.points.get().endpoint, evidence="Ticked the box",
    )  # fmt: skip

    assert (row.kind, row.evidence, row.by) == ("given", "Ticked the box", rep)
    assert copies(person) == (True, at)


@pytest.mark.django_db
def test_consent_taken_back_altogether_leaves_none(at):
    person = ContactFactory()
    consenting.give(contact=person, source="form", at=at, channel="sms")
    consenting.give(contact=person, source="form", at=at + DAY)

    consenting.withdraw(contact=person, source="call", at=at + 2 * DAY, channel="sms")
    assert copies(person) == (True, at + DAY)

    consenting.withdraw(contact=person, source="call", at=at + 3 * DAY)
    assert copies(person) == (False, None)


@pytest.mark.django_db
def test_evidence_that_arrives_late_counts_when_it_happened(at):
    person = ContactFactory()
    consenting.withdraw(contact=person, source="call", at=at + DAY)

    consenting.give(contact=person, source="form", at=at)

    assert copies(person) == (False, None)


@pytest.mark.django_db
def test_the_same_evidence_again_is_the_row_that_is_there(at):
    person = ContactFactory()

    rows = [consenting.give(contact=person, source="form", at=at, channel="email") for _ in range(2)]

    assert rows[0] == rows[1]
    assert Consent.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "field"),
    [({"source": ""}, "source"), ({"channel": "fax"}, "channel"), ({"channel": "email"}, "channel")],
)
def test_what_proves_nothing_is_refused_by_field(at, told, field):
    person = ContactFactory(phone="+15125550134")
    given = {"source": "form", "endpoint": person.points.get().endpoint, **told}

    with pytest.raises(consenting.UnusableConsent) as refusal:
        consenting.give(contact=person, at=at, **given)

    assert list(refusal.value.details) == [field]
    assert not Consent.objects.exists()


@pytest.mark.django_db
def test_nobody_consents_for_a_number_that_is_not_theirs(at):
    with pytest.raises(consenting.UnusableConsent) as refusal:
        consenting.withdraw(contact=ContactFactory(), source="form", at=at, endpoint=EndpointFactory())

    assert "Add it to them first" in refusal.value.details["endpoint"]


@pytest.mark.django_db
def test_evidence_is_never_rewritten(at):
    consenting.give(contact=ContactFactory(), source="form", at=at)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Consent.objects.update(evidence="better")


rows = st.lists(
    st.builds(
        lambda kind, channel, days: Consent(kind=kind, channel=channel, at=NOON + days * DAY),
        st.sampled_from(["given", "withdrawn"]),
        st.sampled_from(["", "sms", "email"]),
        st.integers(0, 9),
    ),
    max_size=4,
)


@given(rows)
def test_what_stands_does_not_depend_on_the_order_of_arrival(told):
    results = [consenting.standing(order) for order in permutations(told)]

    assert all(result == results[0] for result in results)


@given(rows)
def test_nothing_stands_after_a_last_withdrawal_of_everything(told):
    last = Consent(kind="withdrawn", channel="", at=NOON + 30 * DAY)

    assert consenting.standing([*told, last]) == {}
