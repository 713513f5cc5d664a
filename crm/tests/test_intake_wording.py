"""What records say of a number that somebody has: its extension, its label, since when it is verified."""

import dataclasses
from datetime import timedelta

import pytest

from config.testing import NOON
from config.testing.hearing import hearing
from crm.models import AuditEvent, Contact, ContactPoint
from crm.services import points
from crm.services.feeds.records import EmailIn, PhoneIn
from crm.signals import reachability_changed
from crm.tests.intaking import OTHER_PHONE, PHONE, somebody, take

pytestmark = pytest.mark.django_db

ADA = dataclasses.replace(somebody("Ada Example"), contact_id="A-1")
EARLIER = NOON - timedelta(days=30)


def ada(extension="", label="", verified=None, **more):
    line = PhoneIn(PHONE, PHONE, extension, "mobile_or_landline", label, verified)
    return dataclasses.replace(ADA, phones=(line,), **more)


def words():
    return ContactPoint.objects.values_list("extension", "label", "verified_at").get()


def test_a_second_file_fills_what_the_first_left_blank():
    take(ada())

    with hearing(reachability_changed) as told:
        account = take(ada("7", "mobile", EARLIER))

    assert words() == ("7", "mobile", EARLIER)
    assert (account.updated, account.entities) == (1, {"points": {"updated": 1}})
    assert len(told) == 1
    event = AuditEvent.objects.get(entity="crm.contactpoint", operation="update")
    assert (event.new["extension"], event.new["label"], event.service) == ("7", "mobile", "intake")


@pytest.mark.parametrize("chunk_rows", [1, 10])
def test_what_a_source_said_otherwise_before_is_said_anew(chunk_rows):
    take(ada("7", "work", EARLIER), ada("8", "mobile", NOON), chunk_rows=chunk_rows)

    assert words() == ("8", "mobile", NOON)


def test_another_source_fills_blanks_and_changes_nothing():
    take(ada("7"))
    take(ada("8", "mobile"), source="another")

    assert words() == ("7", "mobile", None)


def test_what_a_person_wrote_stays():
    take(ada("7", "work"))
    points.describe(point=ContactPoint.objects.get(), by=None, at=NOON, extension="9")

    account = take(ada("8", "mobile"))

    assert words() == ("9", "mobile", None)
    assert account.updated == 1


def test_a_verification_never_becomes_older():
    take(ada(verified=NOON))
    account = take(ada(verified=EARLIER))

    assert (words()[2], account.unchanged) == (NOON, 1)


def test_a_blank_takes_nothing_back_and_the_same_words_again_are_no_news():
    take(ada("7", "work", True))
    account = take(ada(), ada("7", "work", True), ada("7", "work", True, title="Owner"))

    assert words() == ("7", "work", NOON)
    assert "points" not in account.entities


def test_what_a_person_took_away_is_not_brought_back_by_the_same_word():
    take(ada("7", "work"))
    points.describe(point=ContactPoint.objects.get(), by=None, at=NOON, extension="")

    take(ada("7", "work", title="Owner"))

    assert words() == ("", "work", None)


def test_a_number_that_is_not_theirs_learns_nothing():
    take(ada(), dataclasses.replace(ada(), contact_id="B-1", name="Bo Sample", name_as_listed="Bo Sample"))
    adas = ContactPoint.objects.get(contact__contact_id="A-1")
    points.mark_wrong_person(point=adas, at=NOON)

    take(ada("7", verified=NOON))

    adas.refresh_from_db()
    assert (adas.state, adas.extension, adas.verified_at) == ("wrong_person", "", None)


def test_a_mailbox_learns_its_label():
    mailbox = EmailIn("a@example.com", "a@example.com")
    take(dataclasses.replace(ADA, emails=(mailbox,)))
    take(dataclasses.replace(ADA, emails=(dataclasses.replace(mailbox, label="work"),)))

    assert words() == ("", "work", None)


def test_verified_by_now_twice_in_one_file_is_no_news():
    account = take(ada(verified=True), ada(verified=NOON, title="Owner"))

    assert words() == ("", "", NOON)
    assert account.entities["points"] == {"created": 1}


@pytest.mark.parametrize("chunk_rows", [1, 10])
def test_the_first_number_of_a_record_comes_first_whether_or_not_its_person_was_known(chunk_rows):
    """A record names the best number first; that another is verified does not change their order."""
    numbers = (PhoneIn(PHONE, PHONE), PhoneIn(OTHER_PHONE, OTHER_PHONE, verified=True))

    take(ADA, dataclasses.replace(ADA, phones=numbers), chunk_rows=chunk_rows)

    assert ContactPoint.objects.get(is_primary=True).endpoint.value == PHONE
    assert Contact.objects.get().primary_phone == PHONE
