"""What a process remembers of law, places and policies from one lease to the next, and what it never does."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from calls.models import CallingHours, Lease
from calls.services import leasing, walking
from calls.services.deciding import Refused
from calls.services.queue import Wanted
from calls.tests.factories import CallingPolicyFactory, callable_pair
from calls.tests.worlds import SHUT
from crm.choices import Channel
from crm.models import Endpoint, GateDecision, HoursProfile, ProjectContact
from crm.tests.factories import TouchFactory, UserFactory


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
