"""What was told of a call made elsewhere: its number, its outcome and its times are taken as the facts they are."""

from datetime import timedelta

import pytest

from calls.choices import Status
from calls.models import CallSession, CallStatus, Disposition, TerminalSession
from calls.services import outcomes, queue, recording
from calls.services.recording import Told
from calls.tests.factories import CallingPolicyFactory, DispositionFactory, callable_pair, first_point
from config.testing import NOON
from crm.models import Endpoint, ProjectContact, Touch
from crm.tests.factories import ContactFactory, UserFactory, give_point

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def told(pair, **facts):
    return Told(**{
        "call_session_id": "ext-1", "contact": pair.contact, "project": pair.project,
        "initiated_at": NOON - 10 * MINUTE, "number": pair.contact.primary_phone, **facts,
    })  # fmt: skip


def record(body, by=None):
    return recording.record(told=body, by=by, at=NOON)[0]


def named(name):
    return Disposition.objects.get(name=name)


def pair_now(pair):
    return ProjectContact.objects.get(pk=pair.pk)


class TestTheNumber:
    @pytest.mark.parametrize("number", ["(512) 555-0177", "512.555.0177", "+1 512 555 0177", "5125550177.0"])
    def test_is_found_in_any_notation(self, number):
        pair = callable_pair()
        point = give_point(pair.contact, "phone", "+15125550177")

        session = record(told(pair, number=number))

        assert (session.point, session.endpoint) == (point, point.endpoint)
        assert Touch.objects.get().endpoint == point.endpoint

    def test_is_not_theirs_because_it_is_a_part_of_theirs(self):
        pair = callable_pair()

        session = record(told(pair, number=pair.contact.primary_phone[-7:]))

        assert (session.point, session.endpoint) == (None, None)
        assert session.number == pair.contact.primary_phone[-7:]
        assert list(recording.warnings_of(session)) == ["number"]

    def test_that_nobody_knows_becomes_a_line_whose_cap_counts_it(self):
        CallingPolicyFactory(day_cap=1)
        caller, owner = callable_pair(), callable_pair()

        session = record(told(caller, number="512 555 0188"))

        line = Endpoint.objects.get(value="+15125550188")
        assert (session.point, session.endpoint, session.number) == (None, line, "512 555 0188")
        assert Touch.objects.get().endpoint == line
        assert line.hours_profile is not None
        give_point(owner.contact, "phone", "+15125550188")
        explained = queue.explain(pair=owner, user=UserFactory(admin=True), at=NOON)
        codes = {verdict.point.endpoint.value: [b.code for b in verdict.blocks] for verdict in explained.points}
        assert codes["+15125550188"] == ["number_day_cap"]
        assert codes[owner.contact.primary_phone] == []

    def test_of_somebody_else_counts_for_that_line(self):
        pair, other = callable_pair(), callable_pair()

        session = record(told(pair, number=other.contact.primary_phone))

        assert (session.point, session.endpoint) == (None, first_point(other.contact).endpoint)

    def test_of_a_person_without_any_is_kept(self):
        session = record(Told(call_session_id="x", contact=ContactFactory(), initiated_at=NOON, number="unknown"))

        assert (session.number, session.endpoint) == ("unknown", None)
        assert session.outside_gate == ["no_callable_number"]


class TestTheOutcome:
    def test_promises_what_lay_ahead_of_the_call(self):
        pair, when = callable_pair(), NOON - 5 * MINUTE

        session = record(told(pair, disposition=named("Call back"), callback_at=when, rep=UserFactory()))

        assert pair_now(pair).callback_at == when
        assert not TerminalSession.objects.exists()
        assert recording.warnings_of(session) == {}

    @pytest.mark.parametrize("when", [None, NOON - 11 * MINUTE, NOON - 10 * MINUTE, NOON + 60 * DAY])
    def test_that_promises_nothing_possible_is_kept_and_said(self, when):
        pair = callable_pair()

        session = record(told(pair, disposition=named("Call back"), callback_at=when))

        assert CallStatus.objects.get().disposition == named("Call back")
        assert Touch.objects.get().counts
        assert pair_now(pair).callback_at is None
        assert list(recording.warnings_of(session)) == ["callback_at"]

    def test_that_is_out_of_use_is_kept(self):
        retired = DispositionFactory(is_active=False, retry_after=2 * DAY)

        session = record(told(callable_pair(), disposition=retired))

        assert CallStatus.objects.get().disposition == retired
        assert list(recording.warnings_of(session)) == ["disposition"]
        assert TerminalSession.objects.get().until == NOON - 10 * MINUTE + 2 * DAY

    def test_of_an_old_call_promises_nothing_that_a_later_call_kept(self):
        pair = callable_pair()
        record(told(pair, call_session_id="later", initiated_at=NOON - HOUR))

        old = told(pair, initiated_at=NOON - DAY, disposition=named("Call back"), callback_at=NOON - 2 * HOUR)
        session = record(old)

        assert pair_now(pair).callback_at is None
        assert recording.warnings_of(session) == {"callback_at": "Nothing is promised: they have been called since."}

    @pytest.mark.parametrize("name", ["Call back", "Connected, not interested", "Busy"])
    def test_about_a_project_has_no_effect_without_one_and_says_so(self, name):
        body = told(callable_pair(), project=None, disposition=named(name))
        if name == "Call back":
            body = told(callable_pair(), project=None, disposition=named(name), callback_at=NOON + DAY)

        session = record(body)

        assert CallStatus.objects.get().disposition == named(name)
        assert set(recording.warnings_of(session)) == ({"callback_at"} if name == "Call back" else {"project"})


class TestTheTime:
    def test_of_effects_runs_from_the_end_of_the_call(self):
        pair, end = callable_pair(), NOON - 90 * DAY
        facts = {"initiated_at": end - MINUTE, "answered_at": end - MINUTE, "duration": 60}

        record(told(pair, disposition=named("Connected, not interested"), **facts))

        assert TerminalSession.objects.get().until == end + 180 * DAY

    def test_that_is_over_closes_nothing(self):
        pair = callable_pair()
        over = DispositionFactory(
            retry_after=DAY, terminal_scope="contact", terminal_for=3 * DAY, project_waits_for=2 * DAY
        )

        record(told(pair, initiated_at=NOON - 3 * DAY, disposition=over))

        pair.project.refresh_from_db()
        assert not TerminalSession.objects.exists()
        assert pair.project.next_call_eligible_at is None

    def test_of_a_projects_rest_runs_from_the_call_too(self):
        pair, waits = callable_pair(), DispositionFactory(project_waits_for=2 * DAY)

        record(told(pair, ended_at=NOON - 5 * MINUTE, disposition=waits))

        pair.project.refresh_from_db()
        assert pair.project.next_call_eligible_at == NOON - 5 * MINUTE + 2 * DAY

    def test_to_take_it_back_runs_from_the_telling_and_a_correction_from_the_call(self):
        pair, rep = callable_pair(), UserFactory(bdr=True)
        body = told(pair, initiated_at=NOON - 9 * DAY, disposition=named("Connected, not interested"), rep=rep)
        session = record(body, by=rep)

        outcomes.correct(session=session, disposition=named("Meeting booked"), by=rep, at=NOON + timedelta(seconds=9))

        assert TerminalSession.objects.get(lifted_at=None).until == NOON - 9 * DAY + 30 * DAY

    def test_a_promise_that_fell_due_after_an_old_call_is_not_kept_by_it(self):
        pair = callable_pair(callback_at=NOON - HOUR)

        record(told(pair, initiated_at=NOON - DAY, disposition=named("No answer")))

        assert pair_now(pair).callback_at == NOON - HOUR


class TestTheStatus:
    @pytest.mark.parametrize("status", [Status.RINGING, Status.ANSWERED])
    def test_is_stored_even_where_no_moment_is_told(self, status):
        record(told(callable_pair(), status=status))

        now = CallStatus.objects.get()
        assert (now.status, now.answered_at, now.ended_at) == (status, None, None)

    def test_ends_a_call_of_known_length_after_that_length(self):
        record(told(callable_pair(), answered_at=NOON - 9 * MINUTE, duration=90))

        now = CallStatus.objects.get()
        assert (now.ended_at, now.duration) == (NOON - 9 * MINUTE + timedelta(seconds=90), 90)

    def test_news_about_a_point_of_somebody_else_is_refused(self):
        pair, other = callable_pair(), callable_pair()

        with pytest.raises(recording.DomainError) as refusal:
            record(told(pair, point=first_point(other.contact)))

        assert list(refusal.value.details) == ["point"]
        assert not CallSession.objects.exists()
