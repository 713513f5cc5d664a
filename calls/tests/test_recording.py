"""A call that was made elsewhere is a fact: stored once, counted, never refused."""

from datetime import timedelta

import pytest

from calls.choices import Direction, EventKind, Status
from calls.models import CallSession, CallStatus, Disposition
from calls.services import recording
from calls.services.recording import Told
from calls.services.terminal import ToldDifferently
from calls.tests.factories import CallingPolicyFactory, CallSessionFactory, callable_pair
from config.kernel.errors import DomainError
from config.testing import NOON
from crm.models import Touch
from crm.tests.factories import UserFactory


def told(pair, **facts):
    return Told(**{
        "call_session_id": "ext-1", "contact": pair.contact, "project": pair.project,
        "initiated_at": NOON - timedelta(minutes=10), "number": pair.contact.primary_phone, **facts,
    })  # fmt: skip


def record(body):
    return recording.record(told=body, by=None, at=NOON)


@pytest.mark.django_db
class TestRecording:
    def test_a_call_is_stored_with_its_touch_and_status(self):
        pair = callable_pair()
        session, created = record(told(pair, duration=95, notes="Wants a quote", status="completed"))

        now = CallStatus.objects.get(session=session)
        assert created
        assert (session.pair, session.endpoint.value) == (pair, pair.contact.primary_phone)
        assert (now.status, now.duration, now.notes) == (Status.COMPLETED, 95, "Wants a quote")
        assert Touch.objects.get().at == NOON - timedelta(minutes=10)

    def test_the_same_call_again_changes_nothing(self):
        pair = callable_pair()
        first, _ = record(told(pair, notes="Once"))
        second, created = record(told(pair, notes="Once"))

        assert (second, created) == (first, False)
        assert Touch.objects.count() == CallSession.objects.count() == 1

    def test_the_same_id_with_another_body_names_the_fields(self):
        pair = callable_pair()
        record(told(pair))

        with pytest.raises(ToldDifferently) as refusal:
            record(told(pair, notes="Something else", duration=4))

        assert sorted(refusal.value.details) == ["duration", "notes"]

    def test_a_breach_is_kept_and_shown_never_refused(self):
        pair = callable_pair(suppress_for_project=True)

        session, created = record(told(pair))

        assert created
        assert session.outside_gate == ["pair_suppressed"]

    def test_its_own_touch_and_later_ones_are_no_breach(self):
        pair = callable_pair()
        record(told(pair, call_session_id="later", initiated_at=NOON))

        session, _ = record(told(pair))

        assert session.outside_gate == []

    def test_an_inbound_call_counts_against_no_cap(self):
        session, _ = record(told(callable_pair(), direction=Direction.INBOUND.value))

        assert session.outside_gate == []
        assert not Touch.objects.exists()

    def test_a_disposition_has_the_same_effects_as_at_the_desk(self):
        pair = callable_pair()
        record(told(pair, disposition=Disposition.objects.get(name="Do not call"), rep=UserFactory()))

        pair.contact.refresh_from_db()
        assert pair.contact.do_not_call

    @pytest.mark.parametrize(
        ("field", "facts"),
        [
            ("initiated_at", {"initiated_at": NOON + timedelta(minutes=6)}),
            ("ended_at", {"ended_at": NOON - timedelta(hours=1)}),
            ("ended_at", {"ended_at": NOON + timedelta(days=30)}),
            ("answered_at", {"answered_at": NOON - timedelta(hours=1)}),
            ("answered_at", {"answered_at": NOON, "ended_at": NOON - timedelta(minutes=1)}),
            ("answered_at", {"answered_at": NOON + timedelta(minutes=6)}),
            ("duration", {"duration": 3600}),
            ("duration", {"duration": 600, "answered_at": NOON - timedelta(minutes=1)}),
        ],
    )
    def test_nonsense_is_refused_by_field(self, field, facts):
        with pytest.raises(DomainError) as refusal:
            record(told(callable_pair(), **facts))

        assert list(refusal.value.details) == [field]
        assert not CallSession.objects.exists()

    def test_a_project_that_rests_as_a_whole_waits_after_a_recorded_call(self):
        pair = callable_pair()
        CallingPolicyFactory(cooldown_scope="project")
        record(told(pair))

        pair.project.refresh_from_db()
        assert pair.project.next_call_eligible_at == NOON - timedelta(minutes=10) + timedelta(hours=24)

    def test_news_with_the_same_id_is_one_event(self):
        call = CallSessionFactory()
        news = {"session": call, "kind": EventKind.RINGING, "at": NOON, "external_id": "CA1"}

        assert recording.add_event(**news) == recording.add_event(**news)

    def test_outcomes_cannot_be_added_as_plain_events(self):
        with pytest.raises(DomainError):
            recording.add_event(session=CallSessionFactory(), kind=EventKind.OUTCOME, at=NOON)


@pytest.mark.django_db(transaction=True)
def test_the_same_call_told_twice_at_once_is_stored_once(threads):
    pair = callable_pair()

    results = threads(*[lambda: record(told(pair)) for _ in range(6)])

    assert sum(created for _, created in results) == 1
    assert CallSession.objects.count() == Touch.objects.count() == 1
