"""Outcomes by many reps at once: what they share is locked in one order, so there is no deadlock (DESIGN 13)."""

import logging
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from calls.choices import Scope
from calls.models import CallEvent
from calls.services import dialing, hints, leasing, outcomes, pauses, recording, terminal
from calls.tests.factories import CallSessionFactory, DispositionFactory, callable_pair, first_point
from config.testing import NOON
from crm.models import Project, ProjectContact
from crm.tests.factories import ContactFactory, ProjectFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

REPS = 8
ROUNDS = 5


@pytest.fixture(autouse=True)
def no_deadlocks(caplog):
    """Neither PostgreSQL nor a verb that tried again saw any, while the test ran."""
    before = _deadlocks()
    caplog.set_level(logging.WARNING, logger="config.kernel.transactions")
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if "Deadlock" in record.getMessage()] == []
    assert _deadlocks() == before


def _deadlocks():
    """PostgreSQL adds up what a connection saw when that connection is gone."""
    with connection.cursor() as cursor:
        for _ in range(100):
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            if cursor.fetchone()[0] == 1:
                break
            time.sleep(0.05)
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def crowd(*, projects, line=None):
    """One person per rep, each with a part in all of ``projects``; all on one ``line``, if it is given."""
    pairs = []
    for number in range(REPS):
        contact = ContactFactory(phone=line or f"+1512555{1000 + number}")
        pairs.append([callable_pair(project=project, contact=contact) for project in projects])
    return pairs


def conclude_all(calls, dispositions, **options):
    """Each rep concludes call after call, in turns of the dispositions; half of them correct or take back as well."""

    def work(rep):
        def run():
            for number, call in enumerate(calls[rep]):
                later = NOON + timedelta(seconds=1)
                told = dispositions[(rep + number) % len(dispositions)]
                callback = NOON + timedelta(hours=3) if told.asks_callback else None
                outcomes.conclude(session=call, disposition=told, by=call.rep, at=NOON, callback_at=callback)
                if (rep + number) % 3 == 1:
                    outcomes.take_back(session=call, by=call.rep, at=later)
                elif (rep + number) % 3 == 2:
                    outcomes.correct(session=call, disposition=dispositions[0], by=call.rep, at=later)

        return run

    return [work(rep) for rep in range(REPS)]


def test_reps_of_one_project_whose_outcomes_let_it_wait(threads):
    pairs = crowd(projects=[ProjectFactory()])
    calls = [[CallSessionFactory(pair=pair[0]) for _ in range(ROUNDS)] for pair in pairs]
    both = DispositionFactory(retry_after=timedelta(hours=2), project_waits_for=timedelta(days=1))
    waits = DispositionFactory(project_waits_for=timedelta(days=7))
    promise = DispositionFactory(asks_callback=True, project_waits_for=timedelta(days=2))

    threads(*conclude_all(calls, [both, waits, promise]))

    standing = CallEvent.objects.filter(disposition__isnull=False, corrected_by=None).select_related("disposition")
    assert CallEvent.objects.filter(disposition__isnull=False).count() >= REPS * ROUNDS
    assert Project.objects.get().next_call_eligible_at == max(
        event.at + event.disposition.project_waits_for for event in standing
    )


def test_a_rest_told_while_another_is_taken_back_stands(threads, monkeypatch):
    """What was read of the project before it was locked would be overtaken by whoever is faster."""
    week = DispositionFactory(project_waits_for=timedelta(days=7))
    project = ProjectFactory()
    first, second = (CallSessionFactory(pair=callable_pair(project=project)) for _ in range(2))
    outcomes.conclude(session=first, disposition=week, by=first.rep, at=NOON)
    read, taken_back, apply = threading.Event(), threading.Event(), pauses.apply

    def late(*told, **named):
        read.set()
        _until_somebody_waits_or(taken_back)
        apply(*told, **named)

    def take_back():
        assert read.wait(timeout=30)
        outcomes.take_back(session=first, by=first.rep, at=NOON)
        taken_back.set()

    monkeypatch.setattr(pauses, "apply", late)
    threads(lambda: outcomes.conclude(session=second, disposition=week, by=second.rep, at=NOON), take_back)

    project.refresh_from_db()
    assert project.next_call_eligible_at == NOON + timedelta(days=7)


def _until_somebody_waits_or(done):
    with connection.cursor() as cursor:
        for _ in range(600):
            cursor.execute(
                "SELECT pg_stat_clear_snapshot(), EXISTS (SELECT FROM pg_stat_activity "
                "WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
            )
            if done.wait(timeout=0.05) or cursor.fetchone()[1]:
                return
    raise AssertionError("Nobody waits, and nobody is done")


def test_shared_lines_and_shared_projects(threads):
    pairs = crowd(projects=[ProjectFactory() for _ in range(4)], line="+15125550177")
    calls = [[CallSessionFactory(pair=pair) for pair in mine] for mine in pairs]
    dispositions = [
        DispositionFactory(retry_after=timedelta(hours=2)),
        DispositionFactory(wrong_person=True),
        DispositionFactory(do_not_call=True),
        DispositionFactory(terminal_scope=Scope.ENDPOINT, terminal_for=timedelta(days=1)),
        DispositionFactory(terminal_scope=Scope.PROJECT, terminal_for=timedelta(days=1)),
        DispositionFactory(asks_callback=True),
    ]

    threads(*conclude_all(calls, dispositions))


def test_people_with_many_projects_against_the_sweep_and_closings(threads):
    projects = [ProjectFactory() for _ in range(4)]
    pairs = crowd(projects=projects)
    calls = [[CallSessionFactory(pair=pair) for pair in mine] for mine in pairs]
    dispositions = [DispositionFactory(retry_after=timedelta(hours=2)), DispositionFactory(asks_callback=True)]
    everybody = list(ProjectContact.objects.values_list("pk", flat=True))

    def sweep():
        for moment in range(2 * ROUNDS):
            ProjectContact.objects.order_by("pk").filter(pk=everybody[0]).update(callable_from=None)
            hints.refresh(at=NOON + timedelta(minutes=moment), pair_ids=everybody)
            hints.refresh_all(at=NOON + timedelta(minutes=moment))

    def close():
        for number in range(ROUNDS):
            for project in reversed(projects):
                closed, _ = terminal.close(scope=Scope.PROJECT, subject=project, reason=f"Round {number}", at=NOON)
                terminal.lift(session=closed, reason="Over", by=None, at=NOON)

    threads(*conclude_all(calls, dispositions), sweep, close)


def test_calls_recorded_with_their_outcome(threads):
    """The touch of a recorded call refreshes hints too, before its outcome moves the project."""
    projects = [ProjectFactory() for _ in range(2)]
    pairs = crowd(projects=projects)
    waits = DispositionFactory(retry_after=timedelta(hours=2), project_waits_for=timedelta(days=1))
    rep = UserFactory(bdr=True)

    def work(number):
        for turn in range(ROUNDS):
            pair = pairs[number][turn % len(projects)]
            told = recording.Told(
                call_session_id=f"{number}.{turn}", contact=pair.contact, project=pair.project, rep=rep,
                point=first_point(pair.contact), initiated_at=NOON, disposition=waits,
            )  # fmt: skip
            recording.record(told=told, by=rep, at=NOON + timedelta(seconds=turn))

    threads(*[lambda number=number: work(number) for number in range(REPS)])

    assert CallEvent.objects.filter(disposition=waits).count() == REPS * ROUNDS


def test_leasing_dialing_and_outcomes_in_one_project(threads):
    project = ProjectFactory()
    waits = DispositionFactory(retry_after=timedelta(hours=1), terminal_scope=Scope.CONTACT)
    pairs = [callable_pair(project=project) for _ in range(12)]
    reps = [UserFactory(bdr=True) for _ in range(6)]

    def work(rep):
        done = 0
        for _ in range(6):
            try:
                lease = leasing.take_next(user=rep, at=NOON)
                session = dialing.dial(user=rep, point=first_point(lease.contact), at=NOON)
                outcomes.conclude(session=session, disposition=waits, by=rep, at=NOON)
                done += 1
            except leasing.NothingCallable:
                pass
            finally:
                leasing.release(user=rep, at=NOON)
        return done

    assert sum(threads(*[lambda rep=rep: work(rep) for rep in reps])) == len(pairs)
