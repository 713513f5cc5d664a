import pytest

from config.kernel.ids import uuid7
from crm.models import Contact, Endpoint, HoursProfile
from crm.services import profiles
from crm.services.normalization import evidence
from crm.services.normalization.places import from_phone, profile_key
from crm.tests.factories import ContactFactory, ContactPointFactory, EndpointFactory

AUSTIN = "+15125550134"
TEXAS = "America/Chicago US-TX"


def key(endpoint):
    return Endpoint.objects.get(pk=endpoint.pk).hours_profile.key


def refresh(*people, **place):
    """Let everybody have ``place`` and return the key of the one line they share."""
    Contact.objects.filter(pk__in=[person.pk for person in people]).update(**place)
    profiles.refresh_profiles(endpoint_ids=Endpoint.objects.values_list("pk", flat=True))
    return Endpoint.objects.get().hours_profile.key


@pytest.mark.django_db
def test_every_place_of_everybody_on_a_line_counts():
    people = [ContactFactory(phone=AUSTIN) for _ in range(2)]

    assert refresh(*people) == TEXAS
    assert refresh(people[0], region="MA", country="US") == f"{TEXAS}|America/New_York US-MA"
    assert refresh(people[1], country="US", region="CA", postal_code="94105") == (
        f"{TEXAS}|America/Los_Angeles US-CA|America/New_York US-MA"
    )


@pytest.mark.django_db
def test_an_address_point_counts_like_the_address_of_the_contact():
    person = ContactFactory(phone=AUSTIN)
    ContactPointFactory(contact=person, endpoint=None, region="MA", country="US")

    assert refresh(person) == f"{TEXAS}|America/New_York US-MA"


@pytest.mark.django_db
def test_a_stated_zone_adds_a_place_unless_it_is_among_the_known_ones():
    person = ContactFactory(phone=AUSTIN)

    assert refresh(person, time_zone="America/Chicago") == TEXAS
    assert refresh(person, time_zone="US/Pacific") == f"{TEXAS}|America/Los_Angeles US"
    assert refresh(person, time_zone="Central Standard Time (mostly)") == TEXAS


@pytest.mark.django_db
def test_whoever_was_deleted_or_is_not_reached_there_says_nothing_about_the_line(at):
    gone, stranger = (ContactFactory(phone=AUSTIN, region="MA", country="US") for _ in range(2))
    Contact.objects.filter(pk=gone.pk).update(deleted_at=at)
    stranger.points.update(state="wrong_person")

    assert refresh() == TEXAS


@pytest.mark.django_db
def test_only_what_moved_is_written_and_named():
    moved, stays = (ContactFactory(phone=phone) for phone in (AUSTIN, "+16175550134"))
    mailbox = EndpointFactory(email=True)
    Contact.objects.filter(pk=moved.pk).update(region="MA", country="US")
    lines = {line.value: line.pk for line in Endpoint.objects.all()}

    assert profiles.refresh_profiles(endpoint_ids=lines.values()) == [lines[AUSTIN]]
    assert profiles.refresh_profiles(endpoint_ids=lines.values()) == []
    assert Endpoint.objects.get(pk=mailbox.pk).hours_profile is None
    assert stays.points.get().endpoint.hours_profile.key == "America/New_York US-MA"


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow_with_the_number_of_lines(django_assert_num_queries):
    lines = [
        ContactFactory(phone=f"+1512555{n:04}", region="MA", country="US").points.get().endpoint_id for n in range(30)
    ]
    HoursProfile.objects.filter(endpoints=None).delete()

    for some in (lines[:2], lines[2:]):
        Endpoint.objects.filter(pk__in=some).update(hours_profile=None)
        HoursProfile.objects.filter(endpoints=None).delete()
        with django_assert_num_queries(8):  # lock, evidence, known, new, known, write, and the savepoint
            assert len(profiles.refresh_profiles(endpoint_ids=some)) == len(some)
        Endpoint.objects.update(hours_profile=None)
        HoursProfile.objects.all().delete()


@pytest.mark.django_db
def test_refreshing_nothing_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert profiles.refresh_profiles(endpoint_ids=[]) == []
    assert profiles.refresh_profiles(endpoint_ids=[uuid7()]) == []


def test_a_line_of_people_in_too_many_places_is_never_open():
    everywhere = [(country, "", "") for country in ("RU", "BR", "AU", "MX", "CA", "US", "ID", "KZ", "CN", "AR", "CL")]

    assert evidence.key_of(phone=AUSTIN, places=everywhere) == evidence.EVERYWHERE
    assert evidence.key_of(phone=AUSTIN) == profile_key(from_phone(AUSTIN))


@pytest.mark.django_db
def test_the_longest_key_that_is_kept_fits_its_index():
    HoursProfile.objects.create(key="".join(chr(33 + (n * 7919) % 90) for n in range(evidence.MAX_KEY)))


@pytest.mark.django_db(transaction=True)
def test_many_who_need_the_same_new_profiles_make_each_once(threads):
    keys = [f"Test/Zone{n} XX" for n in range(40)]

    found = threads(*[lambda turn=turn: profiles.profile_ids(keys[turn:] + keys[:turn]) for turn in range(6)])

    assert HoursProfile.objects.filter(key__startswith="Test/").count() == len(keys)
    assert all(ids == found[0] for ids in found)


@pytest.mark.django_db(transaction=True)
def test_of_two_on_one_line_who_move_at_once_both_places_count(threads):
    people = [ContactFactory(phone=AUSTIN) for _ in range(2)]
    line = Endpoint.objects.get()

    def move(person, region):
        from django.db import transaction

        with transaction.atomic():
            Contact.objects.filter(pk=person.pk).update(region=region, country="US")
            profiles.refresh_profiles(endpoint_ids=[line.pk])

    for _ in range(5):
        Contact.objects.update(region="", country="")
        profiles.refresh_profiles(endpoint_ids=[line.pk])
        threads(lambda: move(people[0], "MA"), lambda: move(people[1], "CA"))
        assert key(line) == f"{TEXAS}|America/Los_Angeles US-CA|America/New_York US-MA"
