"""Two reps never hold the same pair, person or number; what is leased has been proved."""

from datetime import timedelta

import pytest

from calls.choices import Scope
from calls.models import Lease
from calls.services import dialing, hints, leasing, outcomes, queue, terminal
from calls.services.deciding import Refused
from calls.tests.factories import DispositionFactory, LeaseFactory, callable_pair, first_point
from crm.choices import GateAction
from crm.models import GateDecision, ProjectContact, Touch
from crm.tests.factories import ContactFactory, ProjectFactory, UserFactory


@pytest.mark.django_db
class TestOneRep:
    def test_the_next_pair_is_leased_with_a_receipt(self, at):
        pair, rep = callable_pair(), UserFactory(bdr=True)

        lease = leasing.take_next(user=rep, at=at)

        receipt = GateDecision.objects.get(pk=lease.decision_id)
        assert (lease.pair, lease.expires_at) == (pair, at + timedelta(minutes=5))
        assert (receipt.allowed, receipt.action, receipt.codes) == (True, GateAction.LEASE, [])

    def test_asking_again_returns_the_same_lease(self, at):
        callable_pair(), callable_pair()
        rep = UserFactory(bdr=True)

        assert leasing.take_next(user=rep, at=at) == leasing.take_next(user=rep, at=at)

    def test_a_lease_that_ran_out_is_free_for_others(self, at):
        pair = callable_pair()
        LeaseFactory(pair=pair, expires_at=at)

        assert leasing.take_next(user=UserFactory(bdr=True), at=at).pair == pair

    def test_a_heartbeat_prolongs_and_comes_too_late_at_the_end(self, at):
        callable_pair()
        rep = UserFactory(bdr=True)
        leasing.take_next(user=rep, at=at)

        later = at + timedelta(minutes=4)
        assert leasing.heartbeat(user=rep, at=later).expires_at == later + timedelta(minutes=5)
        with pytest.raises(leasing.NoLease):
            leasing.heartbeat(user=rep, at=later + timedelta(minutes=5))

    def test_nothing_callable_is_said_so(self, at):
        callable_pair(suppress_for_project=True)

        with pytest.raises(leasing.NothingCallable):
            leasing.take_next(user=UserFactory(bdr=True), at=at)

    def test_a_colleagues_pair_cannot_be_taken_by_name(self, at):
        lease = LeaseFactory(pair=callable_pair())

        with pytest.raises(Refused) as refusal:
            leasing.take(pair=lease.pair, user=UserFactory(bdr=True), at=at)

        assert refusal.value.verdict.codes == ["leased", "number_leased"]
        assert GateDecision.objects.get().codes == ["leased", "number_leased"]

    def test_somebody_elses_contact_is_not_offered(self, at):
        pair = callable_pair()
        pair.contact.owner = UserFactory(bdr=True)
        pair.contact.save()

        assert queue.next_callable(user=UserFactory(bdr=True), at=at) == []

    def test_a_stale_hint_never_lets_a_blocked_pair_through(self, at):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        type(pair.contact).objects.filter(pk=pair.contact_id).update(do_not_call=True)
        assert ProjectContact.objects.hinted(at).filter(pk=pair.pk).exists()

        with pytest.raises(leasing.NothingCallable):
            leasing.take_next(user=rep, at=at)

    def test_what_closes_between_lease_and_dial_stops_the_dial(self, at):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        leasing.take_next(user=rep, at=at)
        terminal.close(scope=Scope.CONTACT, subject=pair.contact, reason="Asked us to stop", at=at)

        with pytest.raises(Refused):
            dialing.dial(user=rep, point=first_point(pair.contact), at=at)
        assert not Touch.objects.exists()

    def test_dialing_needs_a_live_lease(self, at):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        leasing.take_next(user=rep, at=at)

        with pytest.raises(leasing.NoLease):
            dialing.dial(user=rep, point=first_point(pair.contact), at=at + timedelta(minutes=6))


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
