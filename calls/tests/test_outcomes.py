"""What an outcome causes, and that a correction undoes exactly that."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from calls.choices import EventKind, Scope, TerminalKind
from calls.models import CallNews, CallStatus, Disposition, TerminalSession
from calls.services import defaults, drafts, news, outcomes, terminal
from calls.signals import call_concluded
from calls.tests.factories import CallSessionFactory, DispositionFactory, callable_pair
from config.kernel.errors import DomainError
from config.testing import NOON
from config.testing.hearing import hearing
from crm.choices import PointState
from crm.models import Suppression
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
SOON = NOON + timedelta(seconds=5)


@pytest.fixture
def call():
    return CallSessionFactory(pair=callable_pair())


def named(name):
    return Disposition.objects.get(name=name)


def conclude(call, disposition, **options):
    disposition = named(disposition) if isinstance(disposition, str) else disposition
    return outcomes.conclude(session=call, disposition=disposition, by=call.rep, at=NOON, **options)


def reloaded(row):
    row.refresh_from_db()
    return row


def test_an_outcome_shows_in_the_status_with_its_note(call):
    conclude(call, "No answer", note="Rang eight times")

    now = CallStatus.objects.get(session=call)
    assert (now.disposition.name, now.notes, now.outcome_at) == ("No answer", "Rang eight times", NOON)


def test_the_same_outcome_twice_is_one(call):
    assert conclude(call, "Busy") == conclude(call, "Busy")
    assert call.events.filter(kind=EventKind.OUTCOME).count() == 1


def test_another_outcome_needs_a_correction(call):
    conclude(call, "Busy")

    with pytest.raises(outcomes.AlreadyConcluded) as refusal:
        conclude(call, "No answer")
    assert refusal.value.details == {"disposition": "Stored: Busy."}


def test_the_same_callback_and_note_again_is_the_same_outcome_even_when_its_time_has_come(call):
    when, told = NOON + timedelta(hours=3), {"note": " In the afternoon "}
    first = conclude(call, "Call back", callback_at=when, **told)

    again = outcomes.conclude(
        session=call, disposition=named("Call back"), by=call.rep, at=NOON + timedelta(days=1), note="In the afternoon",
        callback_at=when.astimezone(ZoneInfo("America/Chicago")),
    )  # fmt: skip

    assert again == first


@pytest.mark.parametrize(
    ("told", "differs"),
    [
        ({"note": "Ask for Sam"}, {"note"}),
        ({"callback_at": NOON + timedelta(hours=4)}, {"callback_at"}),
        ({"callback_at": NOON + timedelta(hours=4), "note": ""}, {"callback_at", "note"}),
    ],
)
def test_another_note_or_callback_time_is_refused_by_name(call, told, differs):
    first = {"callback_at": NOON + timedelta(hours=3), "note": "In the afternoon"}
    conclude(call, "Call back", **first)

    with pytest.raises(outcomes.AlreadyConcluded) as refusal:
        conclude(call, "Call back", **{**first, **told})

    assert refusal.value.details.keys() == differs
    assert reloaded(call.pair).callback_at == first["callback_at"]


def test_a_callback_time_that_nobody_asks_for_is_no_difference(call):
    assert conclude(call, "Busy") == conclude(call, "Busy", callback_at=NOON + timedelta(hours=3))


def test_a_disposition_out_of_use_is_refused(call):
    with pytest.raises(DomainError, match="not in use"):
        conclude(call, DispositionFactory(is_active=False))


def test_busy_rests_the_pair_for_two_hours(call):
    event = conclude(call, "Busy")

    session = TerminalSession.objects.get(cause=event)
    assert (session.scope, session.kind, session.until) == (Scope.PAIR, TerminalKind.RETRY, NOON + timedelta(hours=2))


def test_do_not_call_closes_the_person_and_the_line(call):
    event = conclude(call, "Do not call", note="Take me off your list")

    assert reloaded(call.contact).do_not_call
    suppression = Suppression.objects.get(endpoint=call.endpoint)
    assert (suppression.cause, suppression.words) == (event.pk, "Take me off your list")
    assert reloaded(call.endpoint).suppressed_at


def test_wrong_person_marks_the_number_not_the_person(call):
    conclude(call, "Wrong person")

    assert reloaded(call.point).state == PointState.WRONG_PERSON
    assert not reloaded(call.contact).do_not_call


def test_a_callback_needs_a_time_ahead(call):
    with pytest.raises(DomainError) as refusal:
        conclude(call, "Call back", callback_at=NOON - timedelta(minutes=1))

    assert "callback_at" in refusal.value.details


def test_a_callback_is_promised_and_the_pair_rests_until_then(call):
    when = NOON + timedelta(hours=3)
    conclude(call, "Call back", callback_at=when)

    pair = reloaded(call.pair)
    assert (pair.callback_at, pair.callback_by) == (when, call.rep)
    assert pair.callable_from == when


def test_a_due_callback_is_kept_by_the_next_outcome(call):
    call.pair.callback_at = NOON - timedelta(minutes=1)
    call.pair.save()

    conclude(call, "No answer")

    assert reloaded(call.pair).callback_at is None


@pytest.mark.parametrize("name", [row["name"] for row in defaults.DISPOSITIONS])
def test_taking_back_leaves_nothing_but_history(call, name):
    before = footprint(call)
    later = NOON + timedelta(hours=3) if name == "Call back" else None
    conclude(call, name, callback_at=later)

    outcomes.take_back(session=call, by=call.rep, at=SOON)

    assert footprint(call) == before
    assert CallStatus.objects.get(session=call).disposition is None
    assert call.events.filter(kind=EventKind.OUTCOME).exists()


def footprint(call):
    """All that an outcome may change and a correction must restore."""
    for row in (call.contact, call.pair, call.project, call.point, call.endpoint):
        row.refresh_from_db()
    return {
        "do_not_call": call.contact.do_not_call,
        "primary": call.contact.primary_phone,
        "callback": (call.pair.callback_at, call.pair.callback_by_id),
        "callable_from": call.pair.callable_from,
        "waits": call.project.next_call_eligible_at,
        "point": (call.point.state, call.point.is_primary),
        "suppressed": bool(call.endpoint.suppressed_at),
        "owner": call.endpoint.owner_id,
        "closed": TerminalSession.objects.filter(lifted_at=None).count(),
        "suppressions": Suppression.objects.filter(lifted_at=None).count(),
    }


def test_what_somebody_else_closed_stays_closed(call):
    conclude(call, "Do not call")
    terminal.close(scope=Scope.CONTACT, subject=call.contact, reason="Lawsuit", at=NOON, by=UserFactory())

    outcomes.take_back(session=call, by=call.rep, at=SOON)

    assert TerminalSession.objects.standing(SOON).filter(contact=call.contact, reason="Lawsuit").exists()


def test_do_not_call_stays_where_another_call_says_so_too(call):
    conclude(call, "Do not call")
    again = CallSessionFactory(pair=call.pair, rep=call.rep)
    outcomes.conclude(session=again, disposition=named("Do not call"), by=call.rep, at=NOON)

    outcomes.take_back(session=call, by=call.rep, at=SOON)

    assert reloaded(call.contact).do_not_call
    assert reloaded(call.endpoint).suppressed_at


def test_a_correction_replaces_the_effects(call):
    conclude(call, "Do not call")

    outcomes.correct(session=call, disposition=named("Busy"), by=call.rep, at=SOON)

    assert not reloaded(call.contact).do_not_call
    assert CallStatus.objects.get(session=call).disposition.name == "Busy"
    assert TerminalSession.objects.standing(SOON).filter(pair=call.pair).count() == 1


def test_correcting_do_not_call_with_do_not_call_can_still_be_undone(call):
    conclude(call, "Do not call")
    outcomes.correct(session=call, disposition=named("Do not call"), by=call.rep, at=SOON)
    outcomes.take_back(session=call, by=call.rep, at=SOON + timedelta(seconds=1))

    assert not reloaded(call.contact).do_not_call
    assert not reloaded(call.endpoint).suppressed_at


@pytest.mark.parametrize(("who", "after"), [("rep", 11), ("colleague", 5)])
def test_only_the_rep_and_only_for_ten_seconds(call, who, after):
    conclude(call, "Busy")
    by = call.rep if who == "rep" else UserFactory(bdr=True)

    with pytest.raises(outcomes.TooLate):
        outcomes.take_back(session=call, by=by, at=NOON + timedelta(seconds=after))


def test_an_admin_corrects_later_but_says_why(call):
    conclude(call, "Busy")
    admin, later = UserFactory(admin=True), NOON + timedelta(days=2)

    with pytest.raises(DomainError, match="Say why"):
        outcomes.correct(session=call, disposition=named("No answer"), by=admin, at=later)
    event = outcomes.correct(session=call, disposition=named("No answer"), by=admin, at=later, reason="Misheard")

    assert event.facts["reason"] == "Misheard"


def test_nothing_can_be_corrected_before_there_is_an_outcome(call):
    with pytest.raises(outcomes.NoOutcome):
        outcomes.take_back(session=call, by=call.rep, at=NOON)


@pytest.fixture
def heard():
    with hearing(call_concluded) as told:
        yield told


def test_others_hear_of_an_outcome_ten_seconds_later_and_once(call, heard):
    event = conclude(call, "Busy")

    assert news.tell_due(at=NOON + timedelta(seconds=9)) == 0
    assert news.tell_due(at=NOON + timedelta(seconds=10)) == 1
    assert news.tell_due(at=NOON + timedelta(minutes=1)) == 0
    assert [told.event_id for told in heard] == [event.pk]


def test_what_was_taken_back_in_time_is_never_told(call, heard):
    conclude(call, "Busy")
    outcomes.take_back(session=call, by=call.rep, at=SOON)
    news.tell_due(at=NOON + timedelta(minutes=1))

    assert heard == []
    assert CallNews.objects.get().told_at is None


def test_saving_an_outcome_forgets_the_draft(call):
    drafts.save(user=call.rep, pair=call.pair, text="half a thought")
    conclude(call, "Busy", note="half a thought")

    assert drafts.read(user=call.rep, pair=call.pair) == ""


def test_a_project_that_waits_is_released_by_the_correction(call):
    waits = DispositionFactory(project_waits_for=timedelta(days=7))
    conclude(call, waits)
    assert reloaded(call.project).next_call_eligible_at == NOON + timedelta(days=7)

    outcomes.take_back(session=call, by=call.rep, at=SOON)

    assert reloaded(call.project).next_call_eligible_at is None
