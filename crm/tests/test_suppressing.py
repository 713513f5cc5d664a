import threading
from datetime import timedelta

import pytest
from django.db import transaction

from config.kernel.ids import uuid7
from config.testing import in_own_connection
from config.testing.hearing import hearing
from crm.models import AuditEvent, Endpoint, Suppression
from crm.services import suppressing
from crm.services.locking import lock
from crm.signals import reachability_changed
from crm.tests.factories import EndpointFactory, UserFactory

pytestmark = pytest.mark.django_db


def suppress(endpoint, at, **told):
    return suppressing.suppress(**{"endpoint": endpoint, "reason": "asked", "source": "test", "at": at, **told})


def fresh(endpoint):
    return Endpoint.objects.get(pk=endpoint.pk)


def test_a_suppressed_endpoint_says_since_when_and_by_whose_words(at):
    line, rep = EndpointFactory(), UserFactory(bdr=True)

    row = suppress(line, at, words="Take me off your list.", by=rep)

    assert fresh(line).suppressed_at == at
    assert (row.words, row.by, row.source) == ("Take me off your list.", rep, "test")
    assert AuditEvent.objects.get(entity_id=row.pk).actor == rep


def test_suppressing_again_for_the_same_cause_returns_the_one_that_stands(at):
    line, cause = EndpointFactory(), uuid7()

    first = suppress(line, at, cause=cause)

    assert suppress(line, at + timedelta(days=1), cause=cause, reason="legal") == first
    assert suppress(line, at, cause=None) != first
    assert suppress(line, at, cause=cause, channel="sms") != first
    assert fresh(line).suppressed_at == at


def test_one_channel_alone_does_not_close_the_others(at):
    line = EndpointFactory()

    suppress(line, at, channel="sms")

    assert fresh(line).suppressed_at is None
    assert Suppression.objects.standing().on("sms").exists()
    assert not Suppression.objects.standing().on("call").exists()


def test_lifting_one_leaves_the_others_standing(at):
    line, admin = EndpointFactory(), UserFactory(admin=True)
    first, second = suppress(line, at, cause=uuid7()), suppress(line, at + timedelta(hours=1), cause=uuid7())

    lifted = suppressing.lift(suppression=first, reason="They wrote to us again.", by=admin, at=at)

    assert (lifted.lifted_at, lifted.lifted_by, lifted.lift_reason) == (at, admin, "They wrote to us again.")
    assert fresh(line).suppressed_at == at + timedelta(hours=1)

    suppressing.lift(suppression=second, reason="This one too.", by=admin, at=at)
    assert fresh(line).suppressed_at is None


def test_once_lifted_it_may_be_suppressed_anew(at):
    line = EndpointFactory()
    suppressing.lift(suppression=suppress(line, at), reason="A mistake.", by=None, at=at)

    suppress(line, at + timedelta(days=2))

    assert fresh(line).suppressed_at == at + timedelta(days=2)


def test_a_cause_lifts_exactly_what_it_made(at):
    cause, lines = uuid7(), EndpointFactory.create_batch(2)
    for line in lines:
        suppress(line, at, cause=cause)
    suppress(lines[0], at + timedelta(days=1), cause=uuid7())

    lifted = suppressing.lift_cause(cause=cause, reason="The outcome was corrected.", by=None, at=at)

    assert {row.endpoint_id for row in lifted} == {line.pk for line in lines}
    assert fresh(lines[0]).suppressed_at == at + timedelta(days=1)
    assert fresh(lines[1]).suppressed_at is None
    assert suppressing.lift_cause(cause=cause, reason="Again.", by=None, at=at) == []


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"reason": "mood"}, "reason"),
        ({"source": " "}, "source"),
        ({"channel": "fax"}, "channel"),
        ({"channel": "email"}, "channel"),
    ],
)
def test_a_suppression_that_means_nothing_is_refused_by_field(at, told, field):
    with pytest.raises(suppressing.UnusableSuppression) as refusal:
        suppress(EndpointFactory(), at, **told)

    assert list(refusal.value.details) == [field]
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_nothing_is_lifted_without_a_reason(at, reason):
    row = suppress(EndpointFactory(), at, cause=uuid7())

    with pytest.raises(suppressing.NoReason):
        suppressing.lift(suppression=row, reason=reason, by=None, at=at)
    with pytest.raises(suppressing.NoReason):
        suppressing.lift_cause(cause=row.cause, reason=reason, by=None, at=at)


def test_what_was_lifted_is_not_lifted_again(at):
    row = suppress(EndpointFactory(), at)
    suppressing.lift(suppression=row, reason="First.", by=None, at=at)

    with pytest.raises(suppressing.AlreadyLifted, match="First"):
        suppressing.lift(suppression=row, reason="Second.", by=None, at=at)


def test_every_change_is_told_once_and_nothing_is_told_where_nothing_changed(at):
    line = EndpointFactory()

    with hearing(reachability_changed) as told:
        row = suppress(line, at)
        suppress(line, at)
        suppressing.lift(suppression=row, reason="A mistake.", by=None, at=at)

    assert [event.endpoint_ids for event in told] == [(line.pk,)] * 2


def test_copies_are_put_right_for_many_in_two_statements(at, django_assert_num_queries):
    right, blank, stale = EndpointFactory.create_batch(3)
    for line in (right, blank):
        suppress(line, at)
    Endpoint.objects.filter(pk=blank.pk).update(suppressed_at=None)
    Endpoint.objects.filter(pk=stale.pk).update(suppressed_at=at)

    with django_assert_num_queries(2):
        changed = suppressing.copy_suppressed(endpoint_ids=[right.pk, blank.pk, stale.pk])

    assert set(changed) == {blank.pk, stale.pk}
    assert (fresh(blank).suppressed_at, fresh(stale).suppressed_at) == (at, None)


@pytest.mark.django_db(transaction=True)
def test_a_suppression_waits_for_whoever_decides_about_the_line_and_is_seen_by_the_next(at):
    line, holding, committed = EndpointFactory(), threading.Event(), threading.Event()
    waited = []

    @in_own_connection
    def decide():
        with transaction.atomic():
            lock(line)
            holding.set()
            waited.append(not committed.wait(timeout=1))  # the suppression cannot get in between
            assert not Suppression.objects.standing().filter(endpoint=line).exists()

    decider = threading.Thread(target=decide)
    decider.start()
    holding.wait(timeout=10)
    suppress(line, at)
    committed.set()
    decider.join()

    assert waited == [True]
    with transaction.atomic():
        assert lock(line).suppressed_at == at


@pytest.mark.django_db(transaction=True)
def test_many_who_suppress_the_same_line_at_once_leave_one_suppression(threads, at):
    line, cause = EndpointFactory(), uuid7()

    rows = threads(*[lambda: suppress(line, at, cause=cause)] * 6)

    assert len({row.pk for row in rows}) == Suppression.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_lift_the_same_suppression_one_does(threads, at):
    row = suppress(EndpointFactory(), at)

    def lift():
        try:
            return suppressing.lift(suppression=row, reason="Mine.", by=None, at=at)
        except suppressing.AlreadyLifted:
            return None

    assert sum(done is not None for done in threads(*[lift] * 4)) == 1
