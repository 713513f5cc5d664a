"""Whoever was called rests, and a project rests while it is told to: by hand only longer, but for admins."""

from datetime import timedelta

import pytest

from calls.choices import CooldownScope
from calls.services import queue
from calls.tests.factories import CallingPolicyFactory, callable_pair
from config.kernel import clock
from config.testing import NOON
from config.tests.clients import rep as a_rep
from crm.services import editing
from crm.services.editing import MayNotLoosen
from crm.tests.factories import ProjectContactFactory, ProjectFactory, TouchFactory, UserFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LAST = NOON - 23 * MINUTE  # when they were called
WORDS = "Only later, never sooner. Ask an admin otherwise."


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


@pytest.fixture
def called():
    """Somebody who was called 23 minutes ago."""
    pair = callable_pair()
    TouchFactory(contact=pair.contact, project=pair.project, at=LAST)
    return pair


def put(row, by, **changes):
    return editing.edit(row=row, changes=changes, by=by, at=NOON)


def refused(row, by, **changes):
    with pytest.raises(MayNotLoosen) as refusal:
        put(row, by, **changes)
    row.refresh_from_db()
    return refusal.value.details


class TestAPromiseToCallBack:
    @pytest.mark.parametrize("soon", [timedelta(seconds=2), DAY - 23 * MINUTE - timedelta(microseconds=1)])
    def test_ends_no_cooldown(self, rep, called, soon):
        assert refused(called, rep, callback_at=NOON + soon) == {"callback_at": WORDS}

        explained = queue.explain(pair=called, user=rep, at=NOON + soon)
        assert [block.code for block in explained.blocks] == ["cooldown"]

    @pytest.mark.parametrize("late", [LAST + DAY, LAST + 3 * DAY])
    def test_is_made_for_when_they_have_rested(self, rep, called, late):
        assert put(called, rep, callback_at=late).callback_at == late

    def test_that_stands_is_put_off_and_not_brought_forward(self, rep, called):
        put(called, UserFactory(admin=True), callback_at=NOON + 2 * HOUR)

        assert refused(called, rep, callback_at=NOON + HOUR) == {"callback_at": WORDS}
        assert put(called, rep, callback_at=NOON + 3 * HOUR).callback_at == NOON + 3 * HOUR
        assert put(called, rep, callback_at=None).callback_at is None

    def test_is_made_for_any_time_where_nobody_rests(self, rep):
        assert put(callable_pair(), rep, callback_at=NOON + MINUTE).callback_at == NOON + MINUTE

    def test_an_admin_makes_it_for_any_time(self, called):
        soon = NOON + MINUTE

        put(called, UserFactory(admin=True), callback_at=soon)

        assert queue.explain(pair=called, user=UserFactory(bdr=True), at=soon).callable

    def test_is_no_way_around_through_another_project(self, rep, called):
        other = ProjectContactFactory(contact=called.contact)
        assert refused(other, rep, callback_at=NOON + MINUTE) == {"callback_at": WORDS}

        new = {"project": ProjectFactory(), "contact": called.contact, "by": rep, "at": NOON}
        with pytest.raises(MayNotLoosen):
            editing.put_in_project(**new, callback_at=NOON + MINUTE)
        assert editing.put_in_project(**new, callback_at=LAST + DAY)[1]

    def test_in_another_project_is_free_where_only_pairs_rest(self, rep, called):
        CallingPolicyFactory(cooldown_scope=CooldownScope.PAIR)
        other = ProjectContactFactory(contact=called.contact)

        assert refused(called, rep, callback_at=NOON + MINUTE) == {"callback_at": WORDS}
        assert put(other, rep, callback_at=NOON + MINUTE).callback_at == NOON + MINUTE

    def test_is_refused_over_the_api_in_the_words_of_a_suppression(self, called):
        rep = a_rep()
        with clock.standing_at(NOON):
            soon = (NOON + timedelta(seconds=2)).isoformat()
            status, said = rep.send("patch", f"project-contacts/{called.pk}/", {"callback_at": soon})

        assert (status, said["error_code"]) == (rep.send("patch", *_taken_back(rep))[0], "may_not_loosen")
        assert said["details"] == [{"field": "callback_at", "message": WORDS, "code": "may_not_loosen"}]


def _taken_back(rep):
    pair = ProjectContactFactory(suppress_for_project=True)
    return f"project-contacts/{pair.pk}/", {"suppress_for_project": False}


class TestTheRestOfAProject:
    @pytest.fixture
    def resting(self):
        return ProjectFactory(next_call_eligible_at=NOON + DAY)

    @pytest.mark.parametrize("sooner", [None, NOON - DAY, NOON + DAY - MINUTE])
    def test_ends_no_sooner(self, rep, resting, sooner):
        assert refused(resting, rep, next_call_eligible_at=sooner) == {"next_call_eligible_at": WORDS}
        assert resting.next_call_eligible_at == NOON + DAY

    def test_is_made_longer_by_anybody(self, rep, resting):
        assert put(resting, rep, next_call_eligible_at=NOON + 2 * DAY).next_call_eligible_at == NOON + 2 * DAY

    def test_is_ended_by_an_admin(self, resting):
        assert put(resting, UserFactory(admin=True), next_call_eligible_at=None).next_call_eligible_at is None

    @pytest.mark.parametrize("any_time", [None, NOON - 2 * DAY, NOON + MINUTE])
    def test_that_is_over_is_anybodys(self, rep, any_time):
        project = ProjectFactory(next_call_eligible_at=NOON)

        assert put(project, rep, next_call_eligible_at=any_time).next_call_eligible_at == any_time
