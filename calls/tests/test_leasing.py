"""One rep takes the next pair, keeps it and gives it back; what is leased has been proved, at a known cost."""

from datetime import timedelta

import pytest
from django.db import connection

from calls.choices import EventKind, Scope
from calls.models import Lease
from calls.services import deciding, dialing, hints, leasing, outcomes, queue, recording, terminal, walking
from calls.services.deciding import Refused
from calls.tests.factories import CallSessionFactory, DispositionFactory, LeaseFactory, callable_pair, first_point
from config.kernel import prepared
from config.testing import NOON
from crm.choices import GateAction
from crm.models import GateDecision, ProjectContact, Touch
from crm.services import accounts
from crm.tests.factories import UserFactory, give_point


def kept_for(how_long, rep, at):
    """Take the next pair and keep it, with a heartbeat every minute; return the lease."""
    lease = leasing.take_next(user=rep, at=at)
    for minute in range(1, 1 + how_long // timedelta(minutes=1)):
        lease = leasing.heartbeat(user=rep, at=at + timedelta(minutes=minute))
    return lease


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

    def test_who_is_held_for_half_an_hour_without_a_call_goes_back(self, at):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        lease = kept_for(timedelta(minutes=29), rep, at)

        assert lease.pair == pair
        with pytest.raises(leasing.HeldTooLong):
            leasing.heartbeat(user=rep, at=at + timedelta(minutes=30))
        assert leasing.take_next(user=UserFactory(bdr=True), at=at + timedelta(minutes=30)).pair == pair

    @pytest.mark.parametrize("answered", [False, True])
    def test_a_call_keeps_whom_it_is_with_until_it_has_an_outcome(self, at, answered):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        kept_for(timedelta(minutes=20), rep, at)
        call = dialing.dial(user=rep, point=first_point(pair.contact), at=at + timedelta(minutes=21))
        kind = EventKind.ANSWERED if answered else EventKind.COMPLETED
        recording.add_event(session=call, kind=kind, at=at + timedelta(minutes=22), by=rep)

        assert kept_for(timedelta(minutes=90), rep, at).pair == pair
        outcomes.conclude(session=call, disposition=DispositionFactory(), by=rep, at=at + timedelta(minutes=91))
        with pytest.raises(leasing.HeldTooLong):
            leasing.heartbeat(user=rep, at=at + timedelta(minutes=92))

    def test_a_call_that_nobody_finishes_keeps_them_for_two_hours(self, at):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        leasing.take_next(user=rep, at=at)
        dialing.dial(user=rep, point=first_point(pair.contact), at=at)

        kept_for(timedelta(minutes=119), rep, at)
        with pytest.raises(leasing.HeldTooLong):
            leasing.heartbeat(user=rep, at=at + timedelta(hours=2))

    def test_a_call_before_the_lease_or_with_somebody_else_keeps_nobody(self, at):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        CallSessionFactory(rep=rep, pair=pair, initiated_at=at - timedelta(minutes=1), source="provider")
        LeaseFactory(pair=pair, user=rep, taken_at=at, expires_at=at + timedelta(minutes=31))
        CallSessionFactory(rep=rep, pair=callable_pair(), initiated_at=at + timedelta(minutes=1))
        CallSessionFactory(rep=UserFactory(bdr=True), pair=pair, initiated_at=at + timedelta(minutes=1))

        with pytest.raises(leasing.HeldTooLong):
            leasing.heartbeat(user=rep, at=at + timedelta(minutes=30))

    def test_nothing_callable_is_said_so(self, at):
        callable_pair(suppress_for_project=True)

        with pytest.raises(leasing.NothingCallable):
            leasing.take_next(user=UserFactory(bdr=True), at=at)

    def test_whoever_is_let_in_no_longer_keeps_nobody_from_their_colleagues(self, at):
        pair, rep, boss = callable_pair(), UserFactory(bdr=True), UserFactory(admin=True)
        leasing.take_next(user=rep, at=at)
        accounts.set_password(user=rep, password="a rather long pass phrase", by=boss, at=at)
        assert leasing.current(user=rep, at=at)

        accounts.deactivate(user=rep, by=boss, at=at)

        assert leasing.take_next(user=UserFactory(bdr=True), at=at).pair == pair

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


@pytest.mark.django_db
def test_nobody_is_judged_for_a_rep_who_holds_somebody(at, monkeypatch):
    mine, rep = callable_pair(priority=1), UserFactory(bdr=True)
    leasing.take(pair=mine, user=rep, at=at)
    callable_pair(priority=4)
    monkeypatch.setattr(deciding, "prove", lambda **asked: pytest.fail("Somebody was judged."))

    assert leasing.take_next(user=rep, at=at).pair_id == mine.pk


@pytest.mark.django_db
class TestWhatItCosts:
    """The same for one number as for five. BEGIN and COMMIT are a savepoint's here."""

    @pytest.fixture(params=[0, 4], ids=["one number", "five numbers"])
    def pair(self, request):
        pair = callable_pair()
        for number in range(request.param):
            give_point(pair.contact, "phone", f"+1512555017{number}")
        hints.refresh(at=NOON, pair_ids=[pair.pk])
        return pair

    @pytest.fixture
    def rep(self, pair, at):
        """Somebody whose process has called there before, so that it knows the law and the place."""
        rep = UserFactory(bdr=True)
        leasing.take_next(user=rep, at=at)
        leasing.release(user=rep, at=at)
        return rep

    def test_taking_the_next_pair_is_five_statements(self, rep, pair, at, django_assert_num_queries, monkeypatch):
        monkeypatch.setattr(walking, "KNOWN", 3600)
        with django_assert_num_queries(5):  # begin, walk and lock, facts, receipt and lease, end
            assert leasing.take_next(user=rep, at=at).pair_id == pair.pk

    def test_a_release_among_other_work_leaves_that_on_the_disk(self, rep, at):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            leasing.take_next(user=rep, at=at)
            leasing.release(user=rep, at=at)
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)

    def test_dialing_costs_the_same_however_many_numbers_there_are(self, rep, pair, at, django_assert_max_num_queries):
        leasing.take_next(user=rep, at=at)
        point = first_point(pair.contact)

        with django_assert_max_num_queries(31):
            dialing.dial(user=rep, point=point, at=at)


@pytest.mark.django_db
def test_the_same_rep_in_two_windows_keeps_what_the_first_one_took(at):
    first, second = callable_pair(priority=4), callable_pair()
    rep = UserFactory(bdr=True)
    mine = LeaseFactory(pair=second, user=rep)

    assert leasing.take_next(user=rep, at=at) == mine
    assert Lease.objects.get() == mine
    assert not Lease.objects.filter(pair=first).exists()
    assert not GateDecision.objects.exists()


@pytest.mark.django_db
def test_behind_a_pooler_nothing_is_prepared_and_all_is_the_same(at, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    pair, rep = callable_pair(), UserFactory(bdr=True)

    before = prepared.rows("SELECT count(*) FROM pg_prepared_statements")
    assert leasing.take_next(user=rep, at=at).pair == pair
    assert prepared.rows("SELECT count(*) FROM pg_prepared_statements") == before
