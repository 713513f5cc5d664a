"""A callback that is due passes the cooldown once: the first call after it uses it up."""

from datetime import timedelta

import pytest

from calls.models import CallSession, Lease
from calls.services import dialing, hints, leasing, queue, recording
from calls.services.deciding import Refused
from calls.tests.factories import CallingPolicyFactory, callable_pair, first_point
from config.kernel.gate import Asked
from config.testing import NOON
from crm.choices import Channel
from crm.models import ProjectContact
from crm.tests.factories import TouchFactory, UserFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def pair():
    """Called three hours ago, and promised a callback five minutes ago."""
    pair = callable_pair(callback_at=NOON - 5 * MINUTE)
    TouchFactory(contact=pair.contact, project=pair.project, channel=Channel.CALL, at=NOON - 3 * HOUR)
    hints.refresh(at=NOON, pair_ids=[pair.pk])
    return pair


def offered(at):
    return [offer.pair for offer in queue.next_callable(user=UserFactory(admin=True), at=at)]


def test_one_dial_uses_a_due_callback_up_even_without_an_outcome(pair):
    rep, point = UserFactory(bdr=True), first_point(pair.contact)
    leasing.take_next(user=rep, at=NOON)
    dialing.dial(user=rep, point=point, at=NOON)

    Lease.objects.all().delete()

    with pytest.raises(Refused) as refusal:
        leasing.take(pair=pair, user=rep, at=NOON + timedelta(seconds=1))

    assert refusal.value.verdict.codes == ["cooldown"]
    assert refusal.value.earliest == NOON + DAY
    assert CallSession.objects.count() == 1


def test_nobody_else_gets_a_person_who_was_just_called_back(pair):
    rep = UserFactory(bdr=True)
    leasing.take_next(user=rep, at=NOON)
    dialing.dial(user=rep, point=first_point(pair.contact), at=NOON)
    Lease.objects.all().delete()

    assert ProjectContact.objects.get(pk=pair.pk).callable_from == NOON + DAY
    with pytest.raises(leasing.NothingCallable):
        leasing.take_next(user=UserFactory(bdr=True), at=NOON + 6 * MINUTE)


def test_a_recorded_call_uses_a_due_callback_up(pair):
    assert offered(NOON) == [pair]
    told = recording.Told(
        call_session_id="ext-1", contact=pair.contact, project=pair.project, initiated_at=NOON - 4 * MINUTE
    )

    recording.record(told=told, by=None, at=NOON)

    assert offered(NOON) == []


@pytest.mark.parametrize(("slip", "passes"), [(-1, True), (0, False), (1, False)])
def test_a_call_at_the_very_moment_of_the_promise_uses_it_up(slip, passes):
    pair = callable_pair(callback_at=NOON - HOUR)
    at = NOON - HOUR + slip * timedelta(microseconds=1)
    TouchFactory(contact=pair.contact, project=pair.project, channel=Channel.CALL, at=at)
    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert queue.explain(pair=pair, user=UserFactory(admin=True), at=NOON).callable is passes
    assert bool(offered(NOON)) is passes
    for wide in (True, False):
        asked = Asked(at=NOON, channel=Channel.CALL.value, wide=wide)
        assert ProjectContact.objects.callable(asked).exists() is passes


@pytest.mark.parametrize(("scope", "passes"), [("pair", True), ("contact", False)])
def test_a_call_in_another_project_uses_it_up_where_the_whole_person_rests(pair, scope, passes):
    CallingPolicyFactory(cooldown_scope=scope)
    other = callable_pair(contact=pair.contact)
    TouchFactory(contact=pair.contact, project=other.project, channel=Channel.CALL, at=NOON - MINUTE)
    hints.refresh(at=NOON, pair_ids=[pair.pk])

    assert queue.explain(pair=pair, user=UserFactory(admin=True), at=NOON).callable is passes
    assert (pair in offered(NOON)) is passes
