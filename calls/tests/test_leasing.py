"""Two reps never hold the same pair, person or number; what is leased has been proved."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from calls.choices import EventKind, Scope
from calls.models import CallingHours, Lease
from calls.rules import opening
from calls.services import deciding, dialing, hints, leasing, outcomes, queue, recording, terminal, walking
from calls.services.deciding import Refused
from calls.services.queue import Wanted
from calls.tests.factories import (
    CallingPolicyFactory,
    CallSessionFactory,
    DispositionFactory,
    LeaseFactory,
    callable_pair,
    first_point,
)
from calls.tests.worlds import SHUT
from config.testing import NOON
from crm.choices import Channel, GateAction
from crm.models import Endpoint, GateDecision, HoursProfile, ProjectContact, Touch
from crm.services import accounts
from crm.tests.factories import ContactFactory, ProjectFactory, TouchFactory, UserFactory, give_point


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


@pytest.mark.django_db
def test_nobody_is_judged_for_a_rep_who_holds_somebody(at, monkeypatch):
    mine, rep = callable_pair(priority=1), UserFactory(bdr=True)
    leasing.take(pair=mine, user=rep, at=at)
    callable_pair(priority=4)
    monkeypatch.setattr(deciding, "prove", lambda **asked: pytest.fail("Somebody was judged."))

    assert leasing.take_next(user=rep, at=at).pair_id == mine.pk


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
class TestWhatWasReadAMomentAgo:
    """A walk may propose by what is a second old; what it says is proved, and nothing ends with it."""

    @pytest.fixture(autouse=True)
    def forgetful(self, monkeypatch):
        monkeypatch.setattr(walking, "KNOWN", 3600)
        monkeypatch.setattr(walking, "_known", [])

    @pytest.fixture
    def rep(self, at):
        rep = UserFactory(bdr=True)
        with pytest.raises(leasing.NothingCallable):
            leasing.take_next(user=rep, at=at)
        assert walking._known
        return rep

    def test_a_place_that_is_new_since_then_is_called(self, rep, at):
        walking._known[:] = [(since, replace(book, keys={}), policy) for since, book, policy in walking._known]
        pair = callable_pair()

        assert leasing.take_next(user=rep, at=at).pair_id == pair.pk

    def test_a_law_that_is_new_since_then_refuses_one_and_proposes_no_other(self, rep, at):
        callable_pair(), callable_pair(), callable_pair()
        walking.begin(user=rep, at=at, wanted=Wanted())
        with connection.cursor() as cursor:
            cursor.execute("UPDATE calls_callinghours SET windows = array_fill(''::varchar, ARRAY[7])")

        with pytest.raises(leasing.NothingCallable):
            leasing.take_next(user=rep, at=at)
        assert not Lease.objects.exists()
        assert [row.codes for row in GateDecision.objects.all()] == [["outside_hours"]]

    def test_of_many_stale_hints_one_is_refused(self, rep, at):
        stale = [callable_pair(priority=4) for _ in range(3)]
        fresh = callable_pair()
        ProjectContact.objects.filter(pk__in=[pair.pk for pair in stale]).update(suppress_for_project=True)

        assert leasing.take_next(user=rep, at=at).pair_id == fresh.pk
        assert GateDecision.objects.filter(allowed=False).count() == 1


@pytest.mark.django_db
class TestNothingIsRemembered:
    """Whatever changes a rule, and however, the next decision knows: no memory outlives what it was read from."""

    def refused(self, rep, pair, at):
        with pytest.raises(Refused) as refusal:
            leasing.take(pair=pair, user=rep, at=at)
        with pytest.raises(leasing.NothingCallable):
            leasing.take_next(user=rep, at=at)
        return refusal.value.verdict.codes

    @pytest.fixture
    def warm(self, at):
        """A rep whose process has just decided about this pair, and let it pass."""
        rep, pair = UserFactory(bdr=True), callable_pair()
        leasing.take_next(user=rep, at=at)
        leasing.release(user=rep, at=at)
        return rep, pair

    def test_a_row_of_law_that_was_changed_behind_the_orms_back(self, warm, at):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE calls_callinghours SET windows = array_fill(''::varchar, ARRAY[7])")

        assert self.refused(*warm, at) == ["outside_hours"]

    def test_a_row_of_law_that_was_taken_out_of_force(self, warm, at):
        CallingHours.objects.update(replaced_at=at)

        assert self.refused(*warm, at) == ["outside_hours"]

    def test_and_put_back_again(self, warm, at):
        CallingHours.objects.update(replaced_at=at)
        self.refused(*warm, at)
        CallingHours.objects.update(replaced_at=None)

        assert leasing.take_next(user=warm[0], at=at).pair == warm[1]

    def test_a_day_that_a_governor_proclaims(self, warm, at):
        CallingHours.objects.update(closed_on=[at.date()])

        assert self.refused(*warm, at) == ["outside_hours"]

    @pytest.mark.parametrize("of_project", [False, True])
    def test_a_policy(self, warm, at, of_project):
        rep, pair = warm
        TouchFactory(contact=pair.contact, project=pair.project, channel=Channel.CALL, at=at - timedelta(hours=30))
        assert leasing.take_next(user=rep, at=at).pair == pair
        leasing.release(user=rep, at=at)
        CallingPolicyFactory(project=pair.project if of_project else None, cooldown=timedelta(hours=31))

        assert self.refused(rep, pair, at) == ["cooldown"]

    def test_the_profile_of_a_line(self, warm, at):
        profile = HoursProfile.objects.create(key=SHUT)
        Endpoint.objects.update(hours_profile=profile)

        assert self.refused(*warm, at) == ["outside_hours"]


@pytest.mark.django_db
@pytest.mark.parametrize(("until", "earliest"), [(2, 2), (None, None)])
def test_of_two_closures_the_longer_one_counts(at, until, earliest):
    pair, hour = callable_pair(), timedelta(hours=1)
    for end in (at + hour, until and at + until * hour, at + hour / 2):
        terminal.close(scope=Scope.CONTACT, subject=pair.contact, reason="Asked us to wait", at=at, until=end)

    explained = queue.explain(pair=pair, user=UserFactory(admin=True), at=at)

    assert explained.earliest == (earliest and at + earliest * hour)


@pytest.mark.django_db
def test_a_receipt_names_its_law_and_replays(at):
    pair = callable_pair()
    lease = leasing.take_next(user=UserFactory(bdr=True), at=at)
    receipt = GateDecision.objects.get(pk=lease.decision_id)

    assert receipt.facts["hours.law"] == opening.book().table.version
    assert deciding.replay(receipt) == ()
    receipt.at += timedelta(hours=12)
    assert [block.code for block in deciding.replay(receipt)] == ["outside_hours"]
    assert pair.pk == lease.pair_id


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

    with CaptureQueriesContext(connection) as asked:
        assert leasing.take_next(user=rep, at=at).pair == pair
    assert not [one["sql"] for one in asked if "$1" in one["sql"]]


@pytest.mark.django_db
def test_a_receipt_replays_by_the_law_of_its_time(at, monkeypatch):
    CallingHours.objects.update(created_at=at - timedelta(days=30))
    callable_pair()
    receipt = GateDecision.objects.get(pk=leasing.take_next(user=UserFactory(bdr=True), at=at).decision_id)
    later = at + timedelta(days=1)
    CallingHours.objects.filter(replaced_at=None).update(replaced_at=later)
    assert not opening.book().table.rows

    monkeypatch.setattr(opening, "_tables", {})  # another process, on another day

    assert deciding.replay(receipt) == ()


@pytest.mark.django_db
def test_a_refusal_leaves_a_receipt_for_each_number_and_each_project(at):
    pair = callable_pair()
    give_point(pair.contact, "phone", "+15125550177")
    elsewhere = callable_pair(contact=pair.contact)
    terminal.close(scope=Scope.CONTACT, subject=pair.contact, reason="Asked us to wait", at=at)
    rep = UserFactory(bdr=True)

    for _ in range(2):
        for one in (pair, elsewhere):
            with pytest.raises(Refused):
                leasing.take(pair=one, user=rep, at=at)

    assert sorted(GateDecision.objects.values_list("pair", "endpoint").distinct()) == sorted(
        (one.pk, point.endpoint_id) for one in (pair, elsewhere) for point in pair.contact.points.all()
    )
    assert GateDecision.objects.count() == 4


@pytest.mark.django_db
def test_there_is_no_receipt_for_a_lease_that_there_is_not(at):
    pair, rep = callable_pair(), UserFactory(bdr=True)
    approach = deciding.approach_of(pair=pair, contact_id=pair.contact_id, point=first_point(pair.contact))
    mine = LeaseFactory(pair=callable_pair(), user=rep)  # from another window, a moment ago

    with transaction.atomic():
        ruling = deciding.prove(action=GateAction.LEASE, approaches=[approach], user_id=rep.pk, at=at)
        assert leasing._write(ruling, user=rep, at=at) is None

    assert Lease.objects.get() == mine
    assert not GateDecision.objects.exists()
