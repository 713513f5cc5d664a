"""What happens to people elsewhere stops or moves their walks."""

from datetime import timedelta

import pytest
from django.db import connection

from calls.models import Disposition
from calls.services import news, outcomes, recording, terminal
from calls.services.recording import Told
from calls.signals import CallConcluded
from calls.tests.factories import CallSessionFactory, callable_pair
from campaigns.choices import HappeningKind
from campaigns.models import CallTask, Enrollment, Happening, Message
from campaigns.services import enrolling, happenings
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.walks import begun, enrolled, run
from config.kernel import clock, prepared
from config.kernel.ids import uuid7
from config.testing import NOON
from crm.models import Project
from crm.services import deleting, editing, suppressing
from crm.tests.factories import ContactFactory, ProjectContactFactory, UserFactory

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)
WAITING = drawing(node("sms", "sms_send", when_blocked="advance"), node("wait", "wait"), "sms>wait")


@pytest.fixture(autouse=True)
def _now():
    with clock.standing_at(LATER):
        yield


def reason(walk):
    run(LATER)
    return Enrollment.objects.get(pk=walk.pk).reason


def walk_with_a_number():
    contact = ContactFactory(phone="+15125550123")
    (walk,) = enrolled(begun(WAITING), [contact])
    return walk, contact.points.get().endpoint


def test_a_suppression_of_their_number_stops_a_walk():
    walk, line = walk_with_a_number()
    suppressing.suppress(endpoint=line, reason="asked", source="telephone", by=None, at=LATER)
    assert reason(walk) == "suppressed"


def test_a_terminal_session_of_theirs_stops_a_walk():
    walk, _ = walk_with_a_number()
    told = {"kind": "hold", "reason": "Busy season", "by": None, "at": LATER}
    terminal.close(scope="contact", subject=walk.contact, until=LATER + timedelta(days=9), **told)
    assert reason(walk) == "terminal_session"


def test_a_deletion_stops_a_walk():
    walk, _ = walk_with_a_number()
    deleting.delete(row=walk.contact, by=UserFactory(admin=True), at=LATER)
    assert reason(walk) == "deleted"


def test_a_wish_against_a_channel_of_the_graph_stops_a_walk_and_one_against_another_does_not():
    walk, _ = walk_with_a_number()
    editing.edit(row=walk.contact, changes={"do_not_email": True}, by=UserFactory(admin=True), at=LATER)
    assert reason(walk) == ""
    editing.edit(row=walk.contact, changes={"do_not_text": True}, by=UserFactory(admin=True), at=LATER)
    assert reason(walk) == "do_not_text"


def test_a_wish_against_some_of_its_channels_is_left_to_the_gate():
    drawn = drawing(node("mail", "email_send", when_blocked="advance"), node("sms", "sms_send"), "mail>sms")
    (walk,) = enrolled(begun(drawn), [ContactFactory(phone="+15125550123", do_not_text=True)])
    assert reason(walk) == ""
    assert Enrollment.objects.get().state == "waiting_send"


def test_closing_a_project_stops_those_who_walk_for_it():
    pair = ProjectContactFactory()
    campaign = begun(WAITING)

    run_ = enrolling.begin(campaign=campaign, audience={"project": str(pair.project_id)}, by=None, at=NOON)
    enrolling.take(run_.pk, at=NOON)
    project = Project.objects.get(pk=pair.project_id)
    terminal.close(scope="project", subject=project, kind="hold", reason="Over", until=None, by=None, at=LATER)
    assert reason(Enrollment.objects.get()) == "terminal_session"


@pytest.mark.parametrize("for_a_project", [True, False])
def test_a_meeting_that_was_booked_on_the_phone_stops_a_walk(for_a_project):
    pair, campaign = callable_pair(), begun(WAITING)
    meant = {"project": str(pair.project_id)} if for_a_project else {"contacts": [str(pair.contact_id)]}
    enrolling.take(enrolling.begin(campaign=campaign, audience=meant, by=None, at=NOON).pk, at=NOON)
    run(NOON)
    told = {"call_session_id": "ext-1", "initiated_at": LATER, "number": pair.contact.primary_phone}
    booked = Disposition.objects.get(name="Meeting booked")
    recording.record(
        told=Told(contact=pair.contact, project=pair.project, disposition=booked, **told), by=None, at=LATER
    )
    news.tell_due(at=LATER + timedelta(minutes=1))
    assert reason(Enrollment.objects.get()) == "terminal_session"
    assert Message.objects.get().state == "cancelled"


def test_nobody_who_walks_nowhere_has_happenings():
    contact = ContactFactory(phone="+15125550124")
    suppressing.suppress(endpoint=contact.points.get().endpoint, reason="asked", source="telephone", by=None, at=LATER)
    assert not Happening.objects.exists()


def test_the_outcome_of_a_call_leads_on_and_the_task_is_done():
    drawn = drawing(
        node("call", "call_task"), node("ask", "wait_for", event="call_outcome", outcomes=["Voicemail left"]),
        node("branch", "branch"), node("a", "exit", reason="A"), node("b", "exit", reason="B"),
        "call>ask", "ask:happened>branch", "ask:timeout>b",
        edge("branch:left>a", fact="last.disposition", value="Voicemail left", **{"is": "equal"}), "branch:else>b",
    )  # fmt: skip
    (walk,) = enrolled(begun(drawn))
    run(NOON)
    disposition = Disposition.objects.get_or_create(name="Voicemail left")[0]
    told = CallConcluded(uuid7(), uuid7(), walk.contact_id, None, disposition.pk, LATER)
    assert [happenings.keep_call(told), happenings.keep_call(told)] == [1, 0]
    assert reason(walk) == "“A”"
    task = CallTask.objects.get()
    assert (task.done_at, task.outcome) == (LATER, "Voicemail left")


@pytest.mark.parametrize(
    ("outcome", "ends"), [("Busy", ("completed", "")), ("Connected, not interested", ("exited", "terminal_session"))]
)
def test_an_outcome_that_says_when_to_call_again_leads_on_and_one_that_closes_ends_the_walk(outcome, ends):
    call = CallSessionFactory(pair=callable_pair())
    drawn = drawing(
        node("call", "call_task"), node("ask", "wait_for", event="call_outcome"),
        node("bdr", "stage", status="Needs BDR"), node("end", "exit"),
        "call>ask", "ask:happened>bdr", "ask:timeout>end", "bdr>end",
    )  # fmt: skip
    run_ = enrolling.begin(campaign=begun(drawn), audience={"project": str(call.pair.project_id)}, by=None, at=NOON)
    enrolling.take(run_.pk, at=NOON)
    run(NOON)

    disposition = Disposition.objects.get(name=outcome)
    outcomes.conclude(session=call, disposition=disposition, by=call.rep, at=LATER)
    run(LATER)
    news.tell_due(at=LATER + outcomes.UNDO)
    run(LATER + outcomes.UNDO)

    walk = Enrollment.objects.get()
    assert (walk.state, walk.reason) == ends


@pytest.mark.parametrize(("taken_back", "ends"), [(True, ("waiting", "")), (False, ("exited", "terminal_session"))])
def test_what_an_outcome_closes_ends_a_walk_once_it_is_not_taken_back_any_more(taken_back, ends):
    call = CallSessionFactory(pair=callable_pair())
    run_ = enrolling.begin(
        campaign=begun(drawing(node("wait", "wait"), node("end", "exit"), "wait>end")),
        audience={"project": str(call.pair.project_id)}, by=None, at=NOON,
    )  # fmt: skip
    enrolling.take(run_.pk, at=NOON)
    run(NOON)

    disposition = Disposition.objects.get(name="Connected, not interested")
    outcomes.conclude(session=call, disposition=disposition, by=call.rep, at=LATER)
    run(LATER)
    assert Enrollment.objects.get().state == "waiting"
    if taken_back:
        outcomes.take_back(session=call, by=call.rep, at=LATER)
    news.tell_due(at=LATER + outcomes.UNDO)
    run(LATER + outcomes.UNDO)

    walk = Enrollment.objects.get()
    assert (walk.state, walk.reason) == ends


def test_whoever_is_meant_is_found_without_looking_at_others_who_walk():
    """A plan that is kept is made for ten projects, and so for many people."""
    one, *_ = enrolled(begun(WAITING), 20)
    with connection.cursor() as cursor:
        for other_way in ("seqscan", "bitmapscan"):  # so few rows could be found in any way
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
    read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'campaigns_enrollment'"
    ((before,),) = prepared.rows(read)

    assert happenings.keep(contacts=[one.contact_id], kind=HappeningKind.REACHABILITY, cause=uuid7(), at=NOON) == 1

    ((after,),) = prepared.rows(read)
    assert after - before == 1
