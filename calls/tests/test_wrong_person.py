"""A call that reached somebody else was no call to them: their next number is offered at once."""

from datetime import timedelta

import pytest

from calls.choices import EventKind
from calls.models import Disposition, Lease
from calls.services import dialing, hints, leasing, outcomes, queue
from calls.services.deciding import Refused
from calls.tests.factories import CallingPolicyFactory, callable_pair, first_point
from config.testing import NOON
from crm.models import ProjectContact
from crm.services import points
from crm.tests.factories import UserFactory, give_point

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


@pytest.fixture
def pair():
    pair = callable_pair()
    give_point(pair.contact, "phone", "+15125550177")
    hints.refresh(at=NOON, pair_ids=[pair.pk])
    return pair


def call(rep, pair, at):
    leasing.take(pair=pair, user=rep, at=at)
    return dialing.dial(user=rep, point=first_point(pair.contact), at=at)


def conclude(session, name, at):
    disposition = Disposition.objects.get(name=name)
    return outcomes.conclude(session=session, disposition=disposition, by=session.rep, at=at)


def offers(at):
    return [(offer.pair, str(offer.point)) for offer in queue.next_callable(user=UserFactory(admin=True), at=at)]


def test_the_next_number_is_offered_dialed_and_hinted_at_once(rep, pair):
    session = call(rep, pair, NOON)
    second = pair.contact.points.exclude(pk=session.point_id).get()
    Lease.objects.all().delete()
    assert offers(NOON + MINUTE) == []

    conclude(session, "Wrong person", NOON + MINUTE)

    assert offers(NOON + MINUTE) == [(pair, str(second))]
    assert ProjectContact.objects.get(pk=pair.pk).callable_from <= NOON + MINUTE
    assert queue.explain(pair=pair, user=rep, at=NOON + MINUTE).callable
    assert call(rep, pair, NOON + MINUTE).point == second


def test_the_caps_of_the_person_still_count_that_call(rep, pair):
    CallingPolicyFactory(day_cap=1)
    session = call(rep, pair, NOON)
    Lease.objects.all().delete()
    conclude(session, "Wrong person", NOON + MINUTE)

    explained = queue.explain(pair=pair, user=rep, at=NOON + MINUTE)

    assert [block.code for block in explained.blocks] == ["day_cap"]
    assert offers(NOON + MINUTE) == []


def test_a_call_on_a_number_that_is_theirs_after_all_rests_them_again(rep, pair):
    session = call(rep, pair, NOON)
    conclude(session, "Wrong person", NOON + MINUTE)
    points.mark_good(point=session.point, at=NOON + MINUTE)

    with pytest.raises(Refused) as refusal:
        dialing.dial(user=rep, point=first_point(pair.contact), at=NOON + 2 * MINUTE)

    assert refusal.value.verdict.codes == ["cooldown"]


def test_somebody_elses_call_on_that_line_is_their_own_affair(rep, pair):
    """The number is a wrong person's for one contact only."""
    sharer = callable_pair()
    shared = give_point(sharer.contact, "phone", first_point(pair.contact).endpoint.value)
    points.make_primary(point=shared, at=NOON)
    conclude(call(rep, pair, NOON), "Wrong person", NOON + MINUTE)
    Lease.objects.all().delete()

    session = call(rep, sharer, NOON + MINUTE)

    assert session.events.filter(kind=EventKind.INITIATED).exists()
    explained = queue.explain(pair=sharer, user=rep, at=NOON + 2 * MINUTE)
    assert "cooldown" in {block.code for block in explained.blocks}
