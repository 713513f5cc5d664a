"""A correction undoes exactly what its cause made, and leaves what anything else supports (DESIGN 17)."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from calls.choices import Scope, TerminalKind
from calls.models import CallEvent, Disposition, TerminalLift, TerminalSession
from calls.services import outcomes, terminal
from calls.tests.factories import CallSessionFactory, DispositionFactory, callable_pair
from config.kernel.errors import DomainError
from config.testing import NOON
from crm.choices import PointState
from crm.services import changing, points
from crm.tests.factories import (
    ContactFactory,
    ContactPointFactory,
    EndpointFactory,
    ProjectFactory,
    SourceRecordFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
SOON = NOON + timedelta(seconds=5)
LATER = NOON + timedelta(days=2)


@pytest.fixture
def call():
    return CallSessionFactory(pair=callable_pair())


@pytest.fixture
def admin():
    return UserFactory(admin=True)


def again(call):
    """Another call of the same rep to the same number."""
    return CallSessionFactory(pair=call.pair, rep=call.rep, point=call.point)


def conclude(call, disposition, at=NOON, **options):
    disposition = Disposition.objects.get(name=disposition) if isinstance(disposition, str) else disposition
    return outcomes.conclude(session=call, disposition=disposition, by=call.rep, at=at, **options)


def take_back(call, at=SOON):
    return outcomes.take_back(session=call, by=call.rep, at=at)


def reloaded(row):
    row.refresh_from_db()
    return row


class TestPromises:
    @pytest.mark.parametrize("zone", ["America/Chicago", "UTC", "Asia/Kathmandu"])
    def test_one_that_is_taken_back_is_gone_in_whichever_zone_it_was_told(self, call, zone):
        conclude(call, "Call back", callback_at=(NOON + timedelta(hours=3)).astimezone(ZoneInfo(zone)))
        assert reloaded(call.pair).callback_at == NOON + timedelta(hours=3)

        take_back(call)

        assert (reloaded(call.pair).callback_at, call.pair.callback_by) == (None, None)

    @pytest.mark.parametrize(
        ("outcome", "kept"),
        [
            ({"terminal_scope": Scope.PAIR}, False),
            ({"terminal_scope": Scope.CONTACT, "terminal_for": timedelta(hours=4)}, False),
            ({"terminal_scope": Scope.PROJECT, "terminal_for": timedelta(hours=3)}, True),
            ({"terminal_scope": Scope.ENDPOINT}, True),
            ({"do_not_call": True}, False),
            ({"retry_after": timedelta(days=9)}, True),
            ({}, True),
        ],
    )
    def test_one_is_dropped_by_what_closes_the_pair_for_longer_and_comes_back_with_its_correction(
        self, call, outcome, kept
    ):
        promised = (NOON + timedelta(hours=3), call.rep)
        conclude(call, "Call back", callback_at=promised[0])
        second = again(call)
        conclude(second, DispositionFactory(**outcome))
        assert (reloaded(call.pair).callback_at is not None) == kept

        take_back(second)

        assert (reloaded(call.pair).callback_at, call.pair.callback_by) == promised

    def test_a_dropped_one_does_not_come_back_where_its_own_outcome_was_corrected_too(self, call, admin):
        conclude(call, "Call back", callback_at=LATER)
        second = again(call)
        conclude(second, "Connected, not interested")
        outcomes.take_back(session=call, by=admin, at=LATER, reason="Misheard")
        assert reloaded(call.pair).callback_at is None

        outcomes.take_back(session=second, by=admin, at=LATER, reason="Misheard")

        assert reloaded(call.pair).callback_at is None

    @pytest.mark.parametrize("undone", [0, 1])
    def test_one_stays_where_another_call_promised_the_same(self, call, undone):
        conclude(call, "Call back", callback_at=LATER)
        second = again(call)
        conclude(second, "Call back", callback_at=LATER.astimezone(ZoneInfo("America/Chicago")))

        take_back([call, second][undone])

        assert reloaded(call.pair).callback_at == LATER
        assert TerminalSession.objects.standing(SOON).filter(kind=TerminalKind.CALLBACK).count() == 1

    def test_what_a_person_promised_since_stays(self, call, admin):
        conclude(call, "Call back", callback_at=LATER)
        anew = LATER + timedelta(hours=1)
        changing.edit(row=call.pair, changes={"callback_at": anew}, by=admin, at=NOON)

        take_back(call)

        assert reloaded(call.pair).callback_at == anew

    def test_a_correction_begins_with_what_was_before_the_corrected_outcome(self, call):
        first = LATER + timedelta(days=1)
        conclude(again(call), "Call back", callback_at=first)
        conclude(call, "Call back", callback_at=LATER)
        outcomes.correct(session=call, disposition=DispositionFactory(), by=call.rep, at=SOON)
        assert reloaded(call.pair).callback_at == first

        take_back(call, at=SOON + timedelta(seconds=1))

        assert reloaded(call.pair).callback_at == first

    @pytest.mark.parametrize(("ahead", "refused"), [(timedelta(days=60), False), (timedelta(days=60, seconds=1), True)])
    def test_one_reaches_sixty_days_ahead(self, call, ahead, refused):
        if not refused:
            conclude(call, "Call back", callback_at=NOON + ahead)
            assert reloaded(call.pair).callback_at == NOON + ahead
            return
        with pytest.raises(DomainError) as refusal:
            conclude(call, "Call back", callback_at=NOON + ahead)
        assert refusal.value.details == {"callback_at": "Choose a time within the next 60 days."}


class TestWrongPerson:
    def test_a_number_stays_a_strangers_while_another_call_says_so(self, call):
        second = again(call)
        conclude(call, "Wrong person")
        conclude(second, "Wrong person")

        take_back(call)
        assert reloaded(call.point).state == PointState.WRONG_PERSON
        take_back(second)
        assert reloaded(call.point).state == PointState.GOOD

    def test_the_first_number_is_first_again(self, call):
        second = ContactPointFactory(contact=call.contact, endpoint=EndpointFactory(value="+15125550188"))
        before = reloaded(call.contact).primary_phone
        conclude(call, "Wrong person")
        assert reloaded(call.contact).primary_phone == str(second.endpoint)

        take_back(call)

        assert reloaded(call.point).is_primary
        assert not reloaded(second).is_primary
        assert reloaded(call.contact).primary_phone == before

    def test_what_a_person_made_first_since_stays_first(self, call):
        for value in ("+15125550188", "+15125550189"):
            other = ContactPointFactory(contact=call.contact, endpoint=EndpointFactory(value=value))
        conclude(call, "Wrong person")
        points.make_primary(point=other, at=NOON)

        take_back(call)

        assert reloaded(other).is_primary
        assert reloaded(call.point).state == PointState.GOOD

    def test_a_number_that_is_first_only_because_the_next_is_wrong_too_gives_way(self, call):
        for value in ("+15125550188", "+15125550189"):
            ContactPointFactory(contact=call.contact, endpoint=EndpointFactory(value=value))
        conclude(call, "Wrong person")
        next_one = call.contact.points.get(is_primary=True)
        conclude(CallSessionFactory(pair=call.pair, point=next_one), "Wrong person")

        take_back(call)

        assert reloaded(call.point).is_primary

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_the_first_number_is_first_again_when_the_second_was_taken_away_before_it(self, call, order):
        point = ContactPointFactory(contact=call.contact, endpoint=EndpointFactory(value="+15125550188"))
        calls = [call, CallSessionFactory(pair=call.pair, rep=call.rep, point=point)]
        conclude(calls[1], "Wrong person")
        conclude(calls[0], "Wrong person")

        for number in order:
            take_back(calls[number])

        assert reloaded(call.point).is_primary
        assert not reloaded(point).is_primary

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_a_shared_line_has_its_owner_again_when_the_guest_was_taken_away_before_them(self, call, order):
        guest = callable_pair(contact=ContactFactory(phone=str(call.endpoint)))
        calls = [call, CallSessionFactory(pair=guest, rep=call.rep)]
        conclude(calls[1], "Wrong person")
        conclude(calls[0], "Wrong person")

        for number in order:
            take_back(calls[number])

        assert reloaded(call.endpoint).owner == call.contact

    def test_a_number_that_came_since_stays_first(self, call):
        conclude(call, "Wrong person")
        new = points.add_point(contact=call.contact, kind="phone", value="+15125550188", at=NOON)

        take_back(call)

        assert reloaded(new).is_primary

    def test_a_shared_line_has_its_owner_again(self, call):
        other = ContactFactory(phone=str(call.endpoint))
        assert reloaded(call.endpoint).owner == call.contact
        conclude(call, "Wrong person")
        assert reloaded(call.endpoint).owner == other

        take_back(call)

        assert reloaded(call.endpoint).owner == call.contact

    def test_a_line_that_was_somebody_elses_stays_theirs(self):
        owner = ContactFactory(phone="+15125550188")
        guest = callable_pair(contact=ContactFactory(phone="+15125550188"))
        call = CallSessionFactory(pair=guest)
        conclude(call, "Wrong person")

        take_back(call)

        assert reloaded(call.endpoint).owner == owner

    def test_an_owner_who_came_since_stays(self, call):
        conclude(call, "Wrong person")
        new = ContactFactory()
        points.add_point(contact=new, kind="phone", value=str(call.endpoint), at=NOON)
        assert reloaded(call.endpoint).owner == new

        take_back(call)

        assert reloaded(call.endpoint).owner == new

    def test_correcting_it_with_itself_can_still_be_undone(self, call):
        conclude(call, "Wrong person")
        outcomes.correct(session=call, disposition=Disposition.objects.get(name="Wrong person"), by=call.rep, at=SOON)
        assert reloaded(call.point).state == PointState.WRONG_PERSON

        take_back(call, at=SOON + timedelta(seconds=1))

        assert (reloaded(call.point).state, call.point.is_primary) == (PointState.GOOD, True)

    def test_a_number_that_a_person_had_marked_stays_marked(self, call):
        points.mark_wrong_person(point=call.point, at=NOON)
        conclude(call, "Wrong person")

        take_back(call)

        assert reloaded(call.point).state == PointState.WRONG_PERSON


class TestDoNotCall:
    def test_the_last_of_two_calls_that_said_so_takes_it_along(self, call):
        second = again(call)
        conclude(call, "Do not call")
        conclude(second, "Do not call")

        take_back(call)
        assert reloaded(call.contact).do_not_call
        take_back(second)
        assert not reloaded(call.contact).do_not_call

    def test_what_a_person_had_set_before_stays(self, call, admin):
        changing.edit(row=call.contact, changes={"do_not_call": True}, by=admin, at=NOON)
        conclude(call, "Do not call")

        take_back(call)

        assert reloaded(call.contact).do_not_call

    def test_what_a_person_confirmed_since_stays(self, call, admin):
        conclude(call, "Do not call")
        changing.edit(row=call.contact, changes={"do_not_call": True}, by=admin, at=NOON)

        take_back(call)

        assert reloaded(call.contact).do_not_call

    def test_a_confirmation_counts_though_a_person_had_edited_the_wish_before(self, call, admin):
        for wish in (True, False):
            changing.edit(row=call.contact, changes={"do_not_call": wish}, by=admin, at=NOON)
        conclude(call, "Do not call")
        changing.edit(row=call.contact, changes={"do_not_call": True}, by=admin, at=NOON)

        take_back(call)

        assert reloaded(call.contact).do_not_call

    def test_a_wish_that_a_person_once_cleared_does_not_stick(self, call, admin):
        for wish in (True, False):
            changing.edit(row=call.contact, changes={"do_not_call": wish}, by=admin, at=NOON)
        conclude(call, "Do not call")

        take_back(call)

        assert not reloaded(call.contact).do_not_call
        assert "do_not_call" in call.contact.edited

    def test_what_a_source_says_by_now_stays(self, call):
        conclude(call, "Do not call")
        SourceRecordFactory(contact=call.contact, raw={"do_not_call": True})

        take_back(call)

        assert reloaded(call.contact).do_not_call

    def test_a_source_that_says_nothing_supports_nothing(self, call):
        conclude(call, "Do not call")
        SourceRecordFactory(contact=call.contact, raw={"do_not_call": False})
        SourceRecordFactory(contact=call.contact, raw={"name": "Alex"})

        take_back(call)

        assert not reloaded(call.contact).do_not_call


class TestProjectsThatWait:
    @pytest.fixture
    def calls(self):
        project = ProjectFactory()
        return [CallSessionFactory(pair=callable_pair(project=project)) for _ in range(2)]

    @pytest.fixture
    def waits(self):
        return {days: DispositionFactory(project_waits_for=timedelta(days=days)) for days in (1, 7)}

    @pytest.mark.parametrize("order", [(1, 7), (7, 1)])
    @pytest.mark.parametrize("undone", [0, 1])
    def test_the_rest_that_is_left_counts_in_whatever_order(self, calls, waits, order, undone):
        for call, days in zip(calls, order, strict=True):
            conclude(call, waits[days])
        assert reloaded(calls[0].project).next_call_eligible_at == NOON + timedelta(days=7)

        take_back(calls[undone])
        assert reloaded(calls[0].project).next_call_eligible_at == NOON + timedelta(days=order[1 - undone])
        take_back(calls[1 - undone])
        assert reloaded(calls[0].project).next_call_eligible_at is None

    def test_what_stood_before_comes_back_and_what_a_person_set_since_stays(self, calls, waits, admin):
        before = NOON + timedelta(hours=5)
        type(calls[0].project).objects.update(next_call_eligible_at=before)
        conclude(calls[0], waits[1])
        take_back(calls[0])
        assert reloaded(calls[0].project).next_call_eligible_at == before

        conclude(calls[1], waits[7])
        changing.edit(row=calls[1].project, changes={"next_call_eligible_at": LATER}, by=admin, at=NOON)
        take_back(calls[1])
        assert reloaded(calls[1].project).next_call_eligible_at == LATER


def test_what_an_admin_lifts_at_this_moment_does_not_stop_a_correction(call, monkeypatch):
    """Between reading what stands and lifting it somebody else was faster."""
    closing = DispositionFactory(terminal_scope=Scope.PAIR, retry_after=timedelta(hours=1))
    event = conclude(call, closing)
    assert TerminalSession.objects.filter(cause=event).count() == 2
    lift = terminal.lift

    def late(*, session, **how):
        if not TerminalLift.objects.exists():
            lift(session=session, reason="An admin was faster", by=None, at=SOON)
        return lift(session=session, **how)

    monkeypatch.setattr(terminal, "lift", late)
    take_back(call)

    assert not TerminalSession.objects.filter(cause=event, lifted_at=None).exists()
    assert TerminalLift.objects.filter(reason="An admin was faster").count() == 1
    assert CallEvent.objects.filter(corrects=event).exists()
