"""Numbers that are somebody else's, lines that fail, and numbers that are taken away: who and what comes next."""

from datetime import timedelta

import pytest

from crm.choices import PointState
from crm.models import AuditEvent, ContactPoint, Endpoint
from crm.services import deleting, points
from crm.services.locking import RowGone
from crm.tests import pointing
from crm.tests.factories import ContactFactory, EndpointFactory, give_point
from crm.tests.pointing import AUSTIN, BOSTON, DALLAS, fresh

pytestmark = pytest.mark.django_db
news = pointing.news


def test_what_a_call_found_out_is_a_fact_also_of_a_deleted_contact(at):
    gone = ContactFactory(phone=AUSTIN)
    deleting.delete(row=gone, by=None, at=at)

    assert points.mark_wrong_person(point=gone.points.get(), at=at).state == PointState.WRONG_PERSON


def test_a_wrong_person_s_number_is_no_longer_first_and_the_next_best_is(at):
    person = ContactFactory(phone=AUSTIN)
    older, verified = (give_point(person, "phone", value) for value in (DALLAS, BOSTON))
    points.verify(point=verified, at=at)

    points.mark_wrong_person(point=person.points.get(is_primary=True), at=at)

    assert fresh(person).primary_phone == BOSTON
    assert not ContactPoint.objects.get(pk=older.pk).is_primary


def test_a_wrong_person_s_line_passes_to_whoever_else_uses_it(at):
    person, other, third = ContactFactory(phone=AUSTIN), ContactFactory(phone=AUSTIN), ContactFactory(phone=AUSTIN)

    points.mark_wrong_person(point=person.points.get(), at=at)
    assert Endpoint.objects.get().owner == other
    assert fresh(person).primary_phone == ""

    for neighbor in (other, third):
        points.mark_wrong_person(point=neighbor.points.get(), at=at)
    assert Endpoint.objects.get().owner is None


def test_a_wrong_person_s_place_says_nothing_about_the_line_any_more(at):
    person = ContactFactory(phone=AUSTIN, region="MA", country="US")
    points.refresh_profiles(endpoint_ids=[Endpoint.objects.get().pk])
    assert "US-MA" in Endpoint.objects.get().hours_profile.key

    points.mark_wrong_person(point=person.points.get(), at=at)

    assert Endpoint.objects.get().hours_profile.key == "America/Chicago US-TX"


def test_a_number_that_was_a_stranger_s_is_not_resurrected_by_being_named_again(at):
    person = ContactFactory(phone=AUSTIN)
    points.mark_wrong_person(point=person.points.get(), at=at)

    with pytest.raises(points.NotTheirs, match="mark it as good"):
        points.add_point(contact=person, kind="phone", value=AUSTIN, at=at)

    assert person.points.get().state == PointState.WRONG_PERSON


@pytest.mark.parametrize("verb", [points.make_primary, points.verify])
def test_a_stranger_s_number_is_neither_first_nor_verified(at, verb):
    person = ContactFactory(phone=AUSTIN)
    wrong = points.mark_wrong_person(point=person.points.get(), at=at)

    with pytest.raises(points.NotTheirs):
        verb(point=wrong, at=at)


def test_taking_wrong_person_back_restores_the_number_its_rank_and_its_owner(at):
    person = ContactFactory(phone=AUSTIN)
    give_point(person, "phone", DALLAS)
    wrong = points.mark_wrong_person(point=person.points.get(is_primary=True), at=at)
    assert fresh(person).primary_phone == DALLAS

    good = points.mark_good(point=wrong, at=at, is_primary=True)

    assert good.is_primary
    assert fresh(person).primary_phone == AUSTIN
    assert good.endpoint.owner == person


def test_marking_twice_changes_nothing_and_tells_nothing(at, news):
    point = ContactFactory(phone=AUSTIN).points.get()
    points.mark_wrong_person(point=point, at=at)
    events, told = AuditEvent.objects.count(), len(news)

    points.mark_wrong_person(point=point, at=at)

    assert (AuditEvent.objects.count(), len(news)) == (events, told)


def test_a_failed_line_rests_for_everybody_until_it_works_again(at, news):
    endpoint = EndpointFactory()

    points.mark_failed(endpoint=endpoint, until=at + timedelta(days=7), at=at)
    points.mark_failed(endpoint=endpoint, until=at + timedelta(days=7), at=at)
    assert Endpoint.objects.get().failed_until == at + timedelta(days=7)

    points.mark_failed(endpoint=endpoint, until=None, at=at)
    assert Endpoint.objects.get().failed_until is None
    assert [event.endpoint_ids for event in news] == [(endpoint.pk,)] * 2


def test_a_line_cannot_rest_until_yesterday(at):
    with pytest.raises(points.NotInTheFuture) as refusal:
        points.mark_failed(endpoint=EndpointFactory(), until=at, at=at)

    assert "until" in refusal.value.details


def test_verifying_never_goes_back_in_time(at):
    point = ContactFactory(phone=AUSTIN).points.get()

    points.verify(point=point, at=at)
    points.verify(point=point, at=at - timedelta(days=1))

    assert ContactPoint.objects.get().verified_at == at


def test_removing_a_number_keeps_its_endpoint_and_promotes_the_next(at):
    person = ContactFactory(phone=AUSTIN)
    give_point(person, "phone", DALLAS)
    first = person.points.get(is_primary=True)

    points.remove_point(point=first, at=at)
    points.remove_point(point=first, at=at)

    assert fresh(person).primary_phone == DALLAS
    assert Endpoint.objects.get(value=AUSTIN).owner is None


def test_a_point_that_somebody_removed_is_gone_for_every_other_verb(at):
    point = ContactFactory(phone=AUSTIN).points.get()
    points.remove_point(point=ContactPoint.objects.get(), at=at)

    with pytest.raises(RowGone, match="Reload"):
        points.make_primary(point=point, at=at)
