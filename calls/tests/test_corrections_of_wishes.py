"""What people wish, and how long projects wait, once an outcome is taken back (DESIGN 17)."""

from datetime import timedelta

import pytest

from calls.tests import correcting
from calls.tests.correcting import LATER, again, conclude, reloaded, take_back
from calls.tests.factories import CallSessionFactory, DispositionFactory, callable_pair
from config.testing import NOON
from crm.services import changing
from crm.tests.factories import ProjectFactory, SourceRecordFactory

pytestmark = pytest.mark.django_db
call, admin = correcting.call, correcting.admin


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
