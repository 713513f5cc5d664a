"""Whose a number is, and which is first, once "wrong person" is taken back (DESIGN 17)."""

from datetime import timedelta

import pytest

from calls.models import Disposition
from calls.services import outcomes
from calls.tests import correcting
from calls.tests.correcting import SOON, again, conclude, reloaded, take_back
from calls.tests.factories import CallSessionFactory, callable_pair
from config.testing import NOON
from crm.choices import PointState
from crm.services import points
from crm.tests.factories import ContactFactory, ContactPointFactory, EndpointFactory

pytestmark = pytest.mark.django_db
call = correcting.call


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
