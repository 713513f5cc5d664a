"""A correction undoes just what its cause made, not what anything else supports (DESIGN 17): promises, closings."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from calls.choices import Scope, TerminalKind
from calls.models import CallEvent, TerminalLift, TerminalSession
from calls.services import outcomes, terminal
from calls.tests import correcting
from calls.tests.correcting import LATER, SOON, again, conclude, reloaded, take_back
from calls.tests.factories import DispositionFactory
from config.kernel.errors import DomainError
from config.testing import NOON
from crm.services import changing

pytestmark = pytest.mark.django_db
call, admin = correcting.call, correcting.admin


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
