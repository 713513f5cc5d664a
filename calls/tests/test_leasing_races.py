"""Whoever leases, dials and closes at once: nobody gets what somebody has, nobody waits for ever."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from calls.choices import Scope
from calls.models import Lease
from calls.services import dialing, hints, leasing, outcomes, terminal
from calls.services.deciding import Refused
from calls.tests.factories import DispositionFactory, callable_pair, first_point
from crm.models import GateDecision, ProjectContact, Touch
from crm.tests.factories import ContactFactory, ProjectFactory, UserFactory


@pytest.mark.django_db(transaction=True)
def test_twenty_reps_never_get_the_same_pair_person_or_number(threads, at):
    for number in range(15):
        callable_pair()
        shared = callable_pair()
        ContactFactory(phone=shared.contact.primary_phone)
        callable_pair(contact=shared.contact, project=ProjectFactory(name=f"Second {number}"))
    twin = ContactFactory(phone=shared.contact.primary_phone)
    callable_pair(contact=twin)
    reps = [UserFactory(bdr=True) for _ in range(20)]

    leases = threads(*[lambda rep=rep: leasing.take_next(user=rep, at=at) for rep in reps])

    for subject in ("pair_id", "contact_id", "endpoint_id"):
        assert len({getattr(lease, subject) for lease in leases}) == 20, subject


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locked", ["crm_contact", "crm_endpoint"])
def test_whom_somebody_works_on_is_passed_over_without_waiting(threads, at, locked):
    busy, free = callable_pair(priority=4), callable_pair()
    rows = {"crm_contact": busy.contact_id, "crm_endpoint": first_point(busy.contact).endpoint_id}
    rep, taken = UserFactory(bdr=True), threading.Event()

    def work():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {locked} WHERE id = %s FOR NO KEY UPDATE", [rows[locked]])
            working.set()
            assert taken.wait(timeout=30), "the rep waited for the lock"

    def take():
        working.wait(timeout=30)
        lease = leasing.take_next(user=rep, at=at)
        taken.set()
        return lease.pair_id

    working = threading.Event()
    assert threads(work, take)[1] == free.pk
    assert not GateDecision.objects.filter(contact=busy.contact_id).exists()


@pytest.mark.django_db(transaction=True)
def test_one_rep_in_eight_windows_gets_one_lease(threads, at):
    for _ in range(8):
        callable_pair()
    rep = UserFactory(bdr=True)

    leases = threads(*[lambda: leasing.take_next(user=rep, at=at)] * 8)

    assert set(leases) == {Lease.objects.get()}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["take", "dial"])
def test_what_is_being_closed_is_waited_for_and_then_refused(threads, at, verb):
    """The facts are read under the locks: a closure that is under way counts, whichever of both commits first."""
    pair, rep = callable_pair(), UserFactory(bdr=True)
    point, closing = first_point(pair.contact), threading.Event()
    if verb == "dial":
        leasing.take_next(user=rep, at=at)

    def close():
        with transaction.atomic():
            terminal.close(scope=Scope.CONTACT, subject=pair.contact, reason="Asked us to stop", at=at)
            closing.set()
            time.sleep(1)  # whoever does not wait has decided by then

    def approach():
        closing.wait(timeout=30)
        try:
            if verb == "dial":
                return dialing.dial(user=rep, point=point, at=at)
            return leasing.take(pair=pair, user=rep, at=at)
        except Refused as refusal:
            return refusal.verdict.codes

    assert threads(close, approach)[1] == ["terminal_contact"]


@pytest.mark.django_db(transaction=True)
def test_one_builder_in_five_hundred_projects_is_leased_once(threads, at):
    builder = callable_pair().contact
    projects = [ProjectFactory() for _ in range(100)]
    pairs = ProjectContact.objects.bulk_create(
        ProjectContact(project=project, contact=builder, priority=4) for project in projects
    )
    hints.refresh(at=at, pair_ids=[pair.pk for pair in pairs])
    others = {callable_pair().contact_id for _ in range(6)}
    reps = [UserFactory(bdr=True) for _ in range(7)]

    leases = threads(*[lambda rep=rep: leasing.take_next(user=rep, at=at) for rep in reps])

    assert {lease.contact_id for lease in leases} == {builder.pk, *others}


@pytest.mark.django_db(transaction=True)
def test_twenty_callers_never_make_a_fourth_dial(threads, at):
    """One line shared by twenty people in twenty projects: the cap is on the number as much as on the person."""
    first = callable_pair()
    number = first.contact.primary_phone
    pairs = [first, *[callable_pair(contact=ContactFactory(phone=number)) for _ in range(19)]]
    reps = [UserFactory(bdr=True) for _ in range(20)]

    def call(pair, rep):
        try:
            leasing.take(pair=pair, user=rep, at=at)
            dialing.dial(user=rep, point=first_point(pair.contact), at=at)
        except Refused:
            return False
        finally:
            leasing.release(user=rep, at=at)
        return True

    for _ in range(3):
        threads(*[lambda pair=pair, rep=rep: call(pair, rep) for pair, rep in zip(pairs, reps, strict=True)])

    assert Touch.objects.filter(endpoint__value=number).count() == 3


@pytest.mark.django_db(transaction=True)
def test_leasing_against_outcomes_never_deadlocks(threads, at):
    busy = DispositionFactory(retry_after=timedelta(hours=1))
    pairs = [callable_pair() for _ in range(12)]
    reps = [UserFactory(bdr=True) for _ in range(6)]

    def work(rep):
        done = 0
        for _ in range(6):
            try:
                lease = leasing.take_next(user=rep, at=at)
                session = dialing.dial(user=rep, point=first_point(lease.contact), at=at)
                outcomes.conclude(session=session, disposition=busy, by=rep, at=at)
                done += 1
            except (Refused, leasing.NothingCallable):
                pass
            finally:
                leasing.release(user=rep, at=at)
        return done

    assert sum(threads(*[lambda rep=rep: work(rep) for rep in reps])) == len(pairs)
    assert not Lease.objects.exists()
