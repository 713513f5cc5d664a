"""What an intake does to flags, consent, hours and companies, and how it is accounted for, audited and told."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from config.testing import NOON
from config.testing.hearing import hearing
from crm.choices import ConsentKind
from crm.models import AuditEvent, Company, Consent, Contact, Endpoint, Project
from crm.services import consenting
from crm.services.feeds.records import CompanyIn, ProjectIn, Refused
from crm.signals import reachability_changed
from crm.tests.factories import ContactFactory, SuppressionFactory
from crm.tests.intaking import OTHER_PHONE, PHONE, somebody, take

pytestmark = pytest.mark.django_db

# Flags, consent and hours


def test_a_source_forbids_contact_and_never_allows_it():
    take(somebody("Ada Example", contact_id="x-1", do_not_call=True))
    take(somebody("Ada Example", contact_id="x-1", do_not_call=False))

    assert Contact.objects.get().do_not_call is True


def test_suppressions_outlive_every_import():
    line = SuppressionFactory(endpoint__value=PHONE).endpoint

    take(somebody("Ada Example", phone=PHONE, consent_given=True, do_not_call=False))

    line.refresh_from_db()
    assert line.suppressed_at
    assert line.suppressions.standing().count() == 1


def test_consent_in_a_file_counts_for_somebody_new():
    take(somebody("Ada Example", phone=PHONE, consent_given=True, consent_on=date(2026, 1, 2)))
    take(somebody("Bo Sample", phone=OTHER_PHONE, consent_given=True))

    ada, bo = Contact.objects.order_by("pk")
    assert (ada.consent_given, ada.consent_at.date()) == (True, date(2026, 1, 2))
    assert bo.consent_at == NOON
    assert ada.consents.get().kind == ConsentKind.GIVEN


def test_consent_that_was_withdrawn_is_not_given_again_by_a_file():
    person = ContactFactory(phone=PHONE)
    consenting.give(contact=person, source="form", at=NOON - timedelta(days=2))
    consenting.withdraw(contact=person, source="call", at=NOON - timedelta(days=1))

    take(somebody(phone=PHONE, consent_given=True))

    person.refresh_from_db()
    assert person.consent_given is False
    assert Consent.objects.count() == 2


def test_consent_of_a_second_person_on_the_line_is_not_that_of_the_first():
    take(("P-1", somebody("Ada Example", phone=PHONE)), ("P-2", somebody("Bo Sample", phone=PHONE, consent_given=True)))

    assert Contact.objects.get().consent_given is False


def test_a_source_can_take_consent_back():
    take(somebody("Ada Example", contact_id="x-1", consent_given=True))
    take(somebody("Ada Example", contact_id="x-1", consent_given=False))

    person = Contact.objects.get()
    assert (person.consent_given, person.consent_at) == (False, None)
    assert [row.kind for row in person.consents.order_by("pk")] == [ConsentKind.GIVEN, ConsentKind.WITHDRAWN]


def test_a_project_is_suppressed_by_a_source_and_not_set_free():
    take((ProjectIn("P-1", call_suppressed=True, suppressed_reason="asked"),))
    take((ProjectIn("P-1", call_suppressed=False),))

    project = Project.objects.get()
    assert (project.call_suppressed, project.call_suppressed_reason) == (True, "asked")


def test_a_new_address_moves_the_hours_of_the_line():
    take(somebody("Ada Example", phone=PHONE))
    before = Endpoint.objects.get().hours_profile.key

    take(somebody("Ada Example", phone=PHONE, region="CA", country="US", postal_code="90001"))

    after = Endpoint.objects.get().hours_profile.key
    assert "America/Los_Angeles US-CA" in after
    assert before in after


# Companies


def test_spellings_of_a_company_are_one_company_with_its_first_name():
    take(
        somebody("Ada Example", phone=PHONE, company=CompanyIn(name="Example Plumbing, Inc.")),
        somebody("Bo Sample", phone=OTHER_PHONE, company=CompanyIn(name="EXAMPLE PLUMBING")),
    )

    assert Company.objects.get().name == "Example Plumbing, Inc."
    assert Company.objects.get().contacts.count() == 2


def test_a_company_known_by_its_name_takes_the_id_that_comes_later():
    take(somebody("Ada Example", phone=PHONE, company=CompanyIn(name="Example Plumbing")))

    company = CompanyIn(external_id="c-1", name="Example Plumbing", employees=12, revenue=Decimal("1000000.00"))
    take(somebody("Ada Example", phone=PHONE, company=company))
    take(somebody("Ada Example", phone=PHONE, company=CompanyIn(external_id="c-1", name="Example Pipes")))

    known = Company.objects.get()
    assert (known.external_id, known.employees, known.annual_revenue) == ("c-1", 12, Decimal(1000000))
    assert (known.name, known.name_key) == ("Example Pipes", "example pipes")


# Accounts, audit and news


def test_a_row_is_created_if_anything_was_and_updated_if_anything_else_happened():
    take(("P-1", somebody("Ada Example", phone=PHONE)))

    account = take(
        ("P-1", somebody("Ada Example", phone=PHONE)),
        ("P-1", somebody("Ada Example", phone=PHONE, title="Clerk")),
        ("P-1", somebody("Ada Example", phone=PHONE, title="Owner"), somebody("Bo Sample", phone=OTHER_PHONE)),
        Refused(4, 5, {"Name": "?"}, "no_key", "Nobody is named."),
    )

    assert (account.unchanged, account.updated, account.created, account.refused) == (1, 1, 1, 1)


def test_what_is_born_in_bulk_is_its_own_proof_and_what_changes_is_audited():
    take(("P-1", somebody("Ada Example", contact_id="x-1", phone=PHONE, title="Clerk")))
    assert not AuditEvent.objects.filter(entity__startswith="crm.").exists()

    take(("P-1", somebody("Ada Example", contact_id="x-1", phone=PHONE, title="Owner")))

    event = AuditEvent.objects.get(entity="crm.contact")
    assert (event.operation, event.service, event.old, event.new) == (
        "update",
        "intake",
        {"title": "Clerk"},
        {"title": "Owner"},
    )


def test_who_may_be_called_differently_now_is_told():
    take(("P-1", somebody("Ada Example", phone=PHONE)))
    with hearing(reachability_changed) as heard:
        take(("P-2", somebody("Ada Example", phone=PHONE)))
        take(somebody(phone=PHONE, do_not_call=True), source="another")

    assert [len(event.pair_ids) for event in heard] == [1, 0]
    assert heard[1].contact_ids == (Contact.objects.get().pk,)
