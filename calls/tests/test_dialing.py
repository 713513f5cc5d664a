"""What counts, what waits, and what is undone when a call certainly never began."""

from datetime import timedelta

import pytest

from calls.choices import EventKind, Status
from calls.models import CallStatus, Disposition, Lease
from calls.services import dialing, hints, leasing, outcomes, recording
from calls.tests.factories import (
    CallingPolicyFactory,
    CallSessionFactory,
    DispositionFactory,
    LeaseFactory,
    callable_pair,
    first_point,
)
from config.kernel import clock
from config.kernel.providers import Rejected
from config.testing import NOON
from config.tests.clients import rep as a_rep
from crm.models import Project, ProjectContact, Touch
from crm.tests.factories import UserFactory, give_point

pytestmark = pytest.mark.django_db
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


class Refusing:
    label = "Refuses"

    def begin(self, *, to, extension, reference):
        raise Rejected("Number is not in service.")


@pytest.fixture
def rep():
    return UserFactory(bdr=True)


@pytest.fixture
def refusing(settings):
    settings.PROVIDERS = {"voice": {"BACKEND": f"{__name__}.Refusing"}}


def dial(rep, pair, at=NOON):
    leasing.take(pair=pair, user=rep, at=at)
    return dialing.dial(user=rep, point=first_point(pair.contact), at=at)


def never_begins(session):
    with pytest.raises(Rejected):
        dialing.begin(session)


def rests_until(project):
    return Project.objects.get(pk=project.pk).next_call_eligible_at


@pytest.mark.parametrize(
    "kind", [EventKind.RINGING, EventKind.ANSWERED, EventKind.VOICEMAIL, EventKind.BUSY, EventKind.COMPLETED]
)
def test_news_of_a_call_that_never_began_counts_it_again(rep, refusing, kind):
    pair = callable_pair()
    session = dial(rep, pair)
    never_begins(session)
    assert not Touch.objects.get().counts

    recording.add_event(session=session, kind=kind, at=NOON + SECOND)

    assert Touch.objects.get().counts
    assert ProjectContact.objects.get(pk=pair.pk).callable_from == NOON + DAY


def test_an_outcome_ends_its_call_once_and_proves_that_it_began(rep, refusing):
    session = dial(rep, callable_pair())
    never_begins(session)
    recording.add_event(session=session, kind=EventKind.COMPLETED, at=NOON, by=rep, external_id=outcomes.DESK_ENDED)
    Touch.objects.update(counts=False)

    busy = Disposition.objects.get(name="Busy")
    outcomes.conclude(session=session, disposition=busy, by=rep, at=NOON + SECOND, over=True)

    assert [event.kind for event in session.events.all()].count(EventKind.COMPLETED) == 1
    assert Touch.objects.get().counts


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        (EventKind.FAILED, {}),
        (EventKind.RECORDING, {"recording_url": "https://example.com/1.mp3"}),
        (EventKind.NOTE, {"note": "Rang off."}),
    ],
)
def test_other_news_proves_nothing(rep, refusing, kind, facts):
    session = dial(rep, callable_pair())
    never_begins(session)

    recording.add_event(session=session, kind=kind, at=NOON + SECOND, facts=facts)

    assert not Touch.objects.get().counts


def test_a_call_whose_news_came_before_the_refusal_counts(rep, refusing):
    session = dial(rep, callable_pair())
    recording.add_event(session=session, kind=EventKind.RINGING, at=NOON)

    never_begins(session)

    assert Touch.objects.get().counts
    assert CallStatus.objects.get().status == Status.FAILED


@pytest.mark.parametrize("before", [None, NOON - HOUR])
def test_a_project_rests_as_before_when_the_call_never_began(rep, refusing, before):
    CallingPolicyFactory(cooldown_scope="project")
    pair = callable_pair(project__next_call_eligible_at=before)
    colleague = callable_pair(project=pair.project)
    session = dial(rep, pair)
    assert rests_until(pair.project) == NOON + DAY

    never_begins(session)

    assert rests_until(pair.project) == before
    assert ProjectContact.objects.get(pk=colleague.pk).callable_from <= NOON


def test_a_rest_that_somebody_else_set_since_stays(rep, refusing):
    CallingPolicyFactory(cooldown_scope="project")
    pair = callable_pair()
    session = dial(rep, pair)
    Project.objects.filter(pk=pair.project_id).update(next_call_eligible_at=NOON + 9 * DAY)

    never_begins(session)

    assert rests_until(pair.project) == NOON + 9 * DAY


def test_a_rest_that_another_call_supports_stays(rep, refusing):
    CallingPolicyFactory(cooldown_scope="project")
    pair = callable_pair()
    colleague = callable_pair(project=pair.project)
    session = dial(rep, pair)
    told = recording.Told(
        call_session_id="ext-1", contact=colleague.contact, project=pair.project, initiated_at=NOON - HOUR
    )
    recording.record(told=told, by=None, at=NOON)

    never_begins(session)

    assert rests_until(pair.project) == NOON - HOUR + DAY


def test_a_call_that_is_proved_after_all_rests_its_project_again(rep, refusing):
    CallingPolicyFactory(cooldown_scope="project")
    pair = callable_pair()
    colleague = callable_pair(project=pair.project)
    session = dial(rep, pair)
    never_begins(session)

    recording.add_event(session=session, kind=EventKind.ANSWERED, at=NOON + SECOND)

    assert rests_until(pair.project) == NOON + DAY
    assert ProjectContact.objects.get(pk=colleague.pk).callable_from == NOON + DAY


def test_a_lease_that_ran_out_does_not_hold_the_second_number(rep):
    pair, sharer = callable_pair(), callable_pair()
    second = give_point(pair.contact, "phone", first_point(sharer.contact).endpoint.value)
    hints.refresh(at=NOON, pair_ids=[pair.pk])
    LeaseFactory(pair=sharer, taken_at=NOON - HOUR, expires_at=NOON)
    leasing.take(pair=pair, user=rep, at=NOON)

    session = dialing.dial(user=rep, point=second, at=NOON)

    assert session.endpoint == second.endpoint
    assert Lease.objects.get().endpoint == second.endpoint


class TestACallThatWaitsForItsOutcome:
    """Where no cooldown keeps the next dial from beginning."""

    @pytest.fixture
    def pair(self):
        CallingPolicyFactory(cooldown=timedelta(0))
        return callable_pair()

    def again(self, rep, pair, at=NOON + SECOND):
        return dialing.dial(user=rep, point=first_point(pair.contact), at=at)

    def test_lets_its_rep_not_dial_the_same_pair_again(self, rep, pair):
        dial(rep, pair)

        with pytest.raises(dialing.FinishFirst, match="an outcome"):
            self.again(rep, pair)

        assert CallStatus.objects.count() == Touch.objects.count() == 1

    def test_that_has_its_outcome_is_in_nobodys_way(self, rep, pair):
        busy = DispositionFactory(name="Busy again")
        outcomes.conclude(session=dial(rep, pair), disposition=busy, by=rep, at=NOON)

        assert self.again(rep, pair)

    def test_that_never_began_is_in_nobodys_way(self, rep, pair, refusing):
        never_begins(dial(rep, pair))

        assert self.again(rep, pair)

    def test_of_another_rep_or_made_elsewhere_is_in_nobodys_way(self, rep, pair):
        for other in ({}, {"rep": rep, "source": "api"}):
            CallSessionFactory(pair=pair, **other)

        assert dial(rep, pair)

    def test_waits_elsewhere_after_two_hours(self, rep, pair):
        CallSessionFactory(pair=pair, rep=rep, initiated_at=NOON - 2 * HOUR)

        assert dial(rep, pair)

    def test_refuses_over_the_api(self, pair):
        caller = a_rep()
        with clock.standing_at(NOON):
            leasing.take(pair=pair, user=caller.user, at=NOON)
            body = {"point": str(first_point(pair.contact).pk)}
            answers = [caller.send("post", "call-sessions/dial/", body) for _ in range(2)]

        assert [status for status, _ in answers] == [201, 409]
        assert answers[1][1]["error_code"] == "finish_first"


@pytest.mark.django_db(transaction=True)
def test_of_five_dials_at_once_one_begins(threads):
    CallingPolicyFactory(cooldown=timedelta(0))
    pair, rep = callable_pair(), UserFactory(bdr=True)
    point = first_point(pair.contact)
    leasing.take(pair=pair, user=rep, at=NOON)

    def call():
        try:
            return dialing.dial(user=rep, point=point, at=NOON)
        except dialing.FinishFirst:
            return None

    assert len([session for session in threads(*[call] * 5) if session]) == 1
    assert Touch.objects.count() == 1
