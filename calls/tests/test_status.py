"""What the events of a call amount to, in whatever order they arrive."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from calls.choices import RANK, EventKind, Status
from calls.models import CallEvent, CallSession, CallStatus
from calls.services import outcomes, status
from calls.services.recording import add_event
from calls.tests.factories import CallSessionFactory, DispositionFactory
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.tests.factories import TouchFactory

NEWS = [kind for kind in EventKind if kind in status.TELLS]


@given(news=st.lists(st.sampled_from(NEWS), min_size=1, max_size=8), data=st.data())
def test_a_call_is_at_its_furthest_news_whatever_the_order(news, data):
    events = [CallEvent(id=uuid7(), kind=kind, at=NOON + timedelta(seconds=index)) for index, kind in enumerate(news)]

    now = status.amount_to(data.draw(st.permutations(events)))

    assert now == status.amount_to(events)
    assert now.status == max((status.TELLS[kind] for kind in news), key=RANK.__getitem__)


def test_the_duration_runs_from_the_answer_to_the_end():
    events = [
        CallEvent(id=uuid7(), kind=EventKind.ANSWERED, at=NOON),
        CallEvent(id=uuid7(), kind=EventKind.COMPLETED, at=NOON + timedelta(seconds=75)),
    ]

    assert status.amount_to(events).duration == 75


def test_of_two_ends_the_later_one_counts():
    events = [
        CallEvent(id=uuid7(), kind=kind, at=NOON + timedelta(seconds=seconds))
        for kind, seconds in ((EventKind.ANSWERED, 0), (EventKind.VOICEMAIL, 5), (EventKind.COMPLETED, 75))
    ]

    now = status.amount_to(events)

    assert (now.ended_at, now.duration) == (NOON + timedelta(seconds=75), 75)


def test_of_two_outcomes_that_stand_the_newer_one_counts():
    first, second = (
        CallEvent(id=uuid7(), kind=EventKind.OUTCOME, at=NOON + timedelta(seconds=seconds), disposition_id=uuid7())
        for seconds in (1, 2)
    )

    now = status.amount_to([second, first])

    assert (now.disposition_id, now.outcome_at) == (second.disposition_id, second.at)


def test_a_duration_that_was_told_beats_the_clock():
    events = [
        CallEvent(id=uuid7(), kind=EventKind.ANSWERED, at=NOON),
        CallEvent(id=uuid7(), kind=EventKind.COMPLETED, at=NOON + timedelta(seconds=75), facts={"duration": 60}),
    ]

    assert status.amount_to(events).duration == 60


@pytest.mark.django_db
def test_a_dial_without_an_outcome_waits_to_be_finished_after_two_hours():
    call = CallSessionFactory()

    def waiting(hours):
        return list(CallStatus.objects.to_finish(NOON + timedelta(hours=hours)))

    assert waiting(1.99) == []
    assert [row.session for row in waiting(2)] == [call]


@pytest.mark.django_db
def test_whom_a_rep_speaks_with_comes_before_what_waits_to_be_finished():
    hours = [5, 0.5, 3, 1]
    calls = {ago: CallSessionFactory(initiated_at=NOON - timedelta(hours=ago)) for ago in hours}
    told = CallSessionFactory(initiated_at=NOON - timedelta(hours=1), source="api")  # elsewhere: not at hand

    def turns(at, most=9):
        return [row.session for row in CallStatus.objects.in_turn(at, most)]

    assert turns(NOON) == [calls[ago] for ago in (0.5, 1, 5, 3)]
    assert [turns(NOON, most) for most in (1, 3)] == [turns(NOON)[:1], turns(NOON)[:3]]
    assert told in turns(NOON + timedelta(hours=1))


@pytest.mark.django_db
@pytest.mark.parametrize(("counts", "expected"), [(True, 1), (False, 0)])
def test_a_dial_that_certainly_never_began_needs_no_outcome(counts, expected):
    call = CallSessionFactory()
    TouchFactory(contact=call.contact, at=NOON, source="calls.callsession", source_id=call.pk, counts=counts)
    CallEvent.objects.create(session=call, kind=EventKind.FAILED, at=NOON)
    status.rebuild(call)

    assert CallStatus.objects.to_finish(NOON + timedelta(hours=3)).count() == expected


@pytest.mark.django_db
@pytest.mark.parametrize("model", [CallSession, CallEvent])
def test_calls_and_their_events_are_never_changed_or_deleted(model):
    CallSessionFactory()

    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET id = clearline_uuid7()")


@pytest.mark.django_db
def test_rebuilding_changes_nothing():
    call = CallSessionFactory()
    before = CallStatus.objects.values().get(session=call)

    status.rebuild(call)

    assert CallStatus.objects.values().get(session=call) == before
    assert before["status"] == Status.INITIATED


@pytest.mark.django_db
def test_rebuilding_is_three_statements(django_assert_num_queries):
    call = CallSessionFactory()

    with django_assert_num_queries(3):  # lock, events, status
        status.rebuild(call)


@pytest.mark.django_db
def test_news_locks_its_call_before_it_reads_what_is_known_of_it():
    call, link = CallSessionFactory(), {"recording_url": "https://example.com/1.mp3"}

    with CaptureQueriesContext(connection) as asked:
        add_event(session=call, kind=EventKind.RECORDING, at=NOON, facts=link)

    about = [one["sql"] for one in asked if "calls_call" in one["sql"]]
    assert "FOR NO KEY UPDATE" in about[0]
    assert CallStatus.objects.get().recording_url == link["recording_url"]


@pytest.mark.parametrize("_round", range(8))
@pytest.mark.django_db(transaction=True)
def test_news_and_an_outcome_at_once_are_both_in_the_status(threads, _round):
    session, outcome = CallSessionFactory(initiated_at=NOON), DispositionFactory(name="Talked")
    answered, ended = NOON + timedelta(seconds=5), NOON + timedelta(seconds=50)

    threads(
        lambda: outcomes.conclude(session=session, disposition=outcome, by=session.rep, at=ended),
        lambda: add_event(session=session, kind=EventKind.ANSWERED, at=answered),
        lambda: add_event(session=session, kind=EventKind.COMPLETED, at=ended),
        lambda: outcomes.add_note(session=session, text="Liked it", by=session.rep, at=ended),
    )

    now = CallStatus.objects.get(session=session)
    assert (now.status, now.answered_at, now.ended_at) == (Status.COMPLETED, answered, ended)
    assert (now.disposition_id, now.notes) == (outcome.pk, "Liked it")
