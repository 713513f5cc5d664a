"""A campaign carried out while people are paused, put off, parked and let go: its account adds up all the same."""

from datetime import timedelta

import pytest

from campaigns import tasks
from campaigns.models import ContentTemplate, EnrollmentStatus, Message
from campaigns.rules import walking
from campaigns.services import campaigns, executing, handling
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory, SendingAccountFactory
from campaigns.tests.walks import begun, enrolled, run, settle, walk_of
from config.testing import NOON
from crm.models import Notice
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TWICE = drawing(
    node("sms", "sms_send"), node("mail", "email_send", content="mail"), node("wait", "wait"), "sms>mail", "mail>wait"
)  # fmt: skip


@pytest.fixture
def campaign():
    """Begun before its pauses: whoever is enrolled is of its first epoch."""
    for channel in ("sms", "email"):
        SendingAccountFactory(channel=channel)
    drawn = drawing(node("sms", "sms_send"), node("wait", "wait"), "sms>wait")
    return begun(drawn, spread_minutes=60, epoch=1, pauses=[[NOON.isoformat(), NOON.isoformat()]])


@pytest.fixture
def broken(monkeypatch):
    """Move people at a moment by an engine that cannot do one thing."""

    def moved(name, at=NOON):
        with monkeypatch.context() as patched:
            patched.setattr(walking, name, lambda *told: 1 / 0)
            run(at)

    return moved


def carried_out(campaign, channel="", by=None, at=NOON):
    return executing.begin(campaign=campaign, channel=channel, by=by, at=at)


def paused_and_resumed(campaign, at):
    """Stand still for a minute, and let the backlog go."""
    campaign.refresh_from_db()
    campaigns.pause(row=campaign, by=None, at=at)
    campaigns.resume(row=campaign, by=None, at=at + MINUTE)
    run(at + MINUTE)


def account(execution, at=NOON):
    """Return its numbers that are not 0, and whether it is ok; None as long as it is not over."""
    if not executing.look(execution.pk, at=at):
        return None
    execution.refresh_from_db()
    numbers = executing.result(execution) | {"waiting": execution.waiting}
    return {name: number for name, number in numbers.items() if number}, executing.is_ok(execution)


def sent(at):
    settle("accepted", at)
    run(at)


def test_what_is_written_anew_after_a_pause_is_waited_for(campaign):
    starter = UserFactory(admin=True)
    walks = enrolled(campaign, 3)
    execution = carried_out(campaign, by=starter)
    run(NOON)
    paused_and_resumed(campaign, NOON)
    assert {walk_of(walk).state for walk in walks} == {"waiting"}
    assert account(execution, NOON + MINUTE) is None
    with pytest.raises(executing.NotExecutable, match="is being carried out"):
        carried_out(campaign, at=NOON + MINUTE)

    later = NOON + 2 * HOUR
    run(later)
    sent(later)
    assert account(execution, later) == ({"sent": 3}, True)
    tasks.close_executions()
    assert Notice.objects.get().text == f"{campaign}: 3 sent, 0 skipped, 0 blocked, 0 failed."


def test_whoever_is_paused_by_hand_waits_whatever_was_to_be_written_to_them(campaign):
    """Before they begin, with a message that is held, and with one that a pause of the campaign has cancelled."""
    before, held, anew, moves = enrolled(campaign, 4)
    execution = carried_out(campaign)
    handling.pause([before.pk], by=None, at=NOON)
    run(NOON)
    handling.pause([anew.pk], by=None, at=NOON)
    paused_and_resumed(campaign, NOON)
    run(later := NOON + 2 * HOUR)
    handling.pause([held.pk], by=None, at=later)
    settle("accepted", later, Message.objects.filter(enrollment=moves, state="pending"))
    run(later)
    assert account(execution, later) == ({"sent": 1, "waiting": 3}, True)
    assert executing.in_words(execution).endswith("3 still wait to begin or to go on.")


def test_whoever_was_paused_before_they_began_leaves_the_last_execution(campaign):
    paused, _ = enrolled(campaign, 2)
    first = carried_out(campaign)
    handling.pause([paused.pk], by=None, at=NOON)
    run(NOON)
    sent(NOON)
    assert account(first) == ({"sent": 1, "waiting": 1}, True)
    enrolled(campaign)
    second = carried_out(campaign)
    handling.leave([paused.pk], reason="Moved", by=None, at=NOON)
    run(NOON)
    sent(NOON)
    assert account(second) == ({"sent": 1, "skipped": 1}, True)


def test_whoever_is_parked_and_let_go_has_failed_once(campaign, broken):
    (walk,) = enrolled(campaign)
    execution = carried_out(campaign)
    run(NOON)
    HappeningFactory(contact=walk.contact, kind="call_outcome")
    broken("_hears")
    paused_and_resumed(campaign, NOON)
    assert [(walk_of(walk).state, message.state) for message in Message.objects.all()] == [("parked", "cancelled")]
    assert account(execution, NOON + HOUR) == ({"failed": 1}, False)


@pytest.fixture
def parked_while_put_off(campaign, broken):
    """Somebody who was put off for an hour and could not be moved on after it, and their execution."""
    (walk,) = enrolled(campaign)
    execution = carried_out(campaign)
    run(NOON)
    settle("blocked", NOON, reason="sms.hours", retry_at=NOON + HOUR)
    run(NOON)
    broken("_wake", NOON + HOUR)
    assert walk_of(walk).state == "parked"
    return walk, execution


def test_whoever_is_parked_while_they_are_put_off_has_failed_once(parked_while_put_off):
    _, execution = parked_while_put_off
    assert account(execution, NOON + HOUR) == ({"failed": 1}, False)


def test_whoever_is_to_be_tried_again_and_is_paused_waits(parked_while_put_off):
    walk, execution = parked_while_put_off
    handling.retry([walk.pk], by=None, at=NOON + HOUR)
    assert account(execution, NOON + HOUR) is None
    handling.pause([walk.pk], by=None, at=NOON + HOUR)
    assert account(execution, NOON + HOUR) == ({"waiting": 1}, False)


def test_whoever_is_paused_or_leaves_behind_what_was_sent_was_sent_to(campaign):
    walk, left = enrolled(campaign, 2)
    execution = carried_out(campaign)
    run(NOON)
    settle("accepted", NOON)
    campaign.refresh_from_db()
    campaigns.pause(row=campaign, by=None, at=NOON)
    HappeningFactory(contact=walk.contact, kind="call_outcome")
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    campaigns.resume(row=campaign, by=None, at=NOON)
    run(NOON)
    handling.leave([left.pk], reason="Moved", by=None, at=NOON)
    assert (walk_of(walk).node.key, walk_of(walk).paused_from) == ("wait", "active")
    assert account(execution) == ({"sent": 2}, True)


@pytest.mark.parametrize(
    ("until", "expected"), [(DAY, None), (7 * DAY, ({"waiting": 1}, False))], ids=["till tomorrow", "for a week"]
)
def test_what_the_gate_has_put_off_is_waited_for_unless_it_takes_days(campaign, until, expected):
    enrolled(campaign)
    execution = carried_out(campaign)
    run(NOON)
    settle("blocked", NOON, reason="sms.hours", retry_at=NOON + until)
    run(NOON)
    assert account(execution) == expected
    if expected is None:
        run(NOON + until)
        sent(NOON + until)
        assert account(execution, NOON + until) == ({"sent": 1}, True)


def test_whoever_has_still_to_be_told_what_was_sent_is_on_the_way(campaign):
    campaign = begun(TWICE)
    enrolled(campaign)
    execution = carried_out(campaign)
    run(NOON)
    settle("accepted", NOON)
    assert account(execution) is None
    run(NOON)
    assert account(execution) is None
    sent(NOON)
    assert account(execution) == ({"sent": 2}, True)


@pytest.mark.parametrize("stopped", [handling.pause, lambda walks, **by: handling.leave(walks, reason="Moved", **by)])
@pytest.mark.parametrize(
    ("ways", "expected"), [(["accepted"], {"sent": 1}), (["uncertain", "not_sent_presumed"], {"failed": 1})]
)
def test_what_is_on_its_way_is_waited_for_though_its_walk_is_stopped(campaign, stopped, ways, expected):
    (walk,) = enrolled(campaign)
    execution = carried_out(campaign)
    run(NOON)
    for state in ("claimed", "dispatching"):
        Message.objects.update(state=state, ever_dispatched=state != "claimed")
    stopped([walk.pk], by=None, at=NOON)
    for state in ways:
        assert account(execution) is None
        Message.objects.update(state=state)
    assert account(execution) == (expected, "failed" not in expected)


def test_whoever_leaves_before_anything_is_written_to_them_is_skipped(campaign, broken):
    """While they wait to begin, after they were put off, and where they needed somebody."""
    before, put_off, parked = enrolled(campaign, 3)
    execution = carried_out(campaign)
    handling.leave([before.pk], reason="Moved", by=None, at=NOON)
    run(NOON)
    HappeningFactory(contact=parked.contact, kind="call_outcome")
    broken("_hears")
    paused_and_resumed(campaign, NOON)
    handling.leave([put_off.pk, parked.pk], reason="Moved", by=None, at=NOON + HOUR)
    assert account(execution, NOON + HOUR) == ({"skipped": 3}, True)


class TestWhoeverCannotBeWrittenTo:
    @pytest.fixture
    def walk(self, campaign):
        (walk,) = enrolled(campaign)
        self.execution = carried_out(campaign)
        ContentTemplate.objects.update(archived_at=NOON)
        run(NOON)
        return walk

    def test_is_skipped_once_they_have_left(self, walk):
        handling.leave([walk.pk], reason="Moved", by=None, at=NOON)
        assert account(self.execution) == ({"skipped": 1}, True)

    def test_is_on_the_way_once_they_are_tried_again_and_waits_once_they_are_paused(self, walk):
        handling.retry([walk.pk], by=None, at=NOON)
        assert account(self.execution) is None
        handling.pause([walk.pk], by=None, at=NOON)
        assert account(self.execution) == ({"waiting": 1}, False)


class TestWhoeverNeedsSomebodyBeforeTheyBegin:
    def test_has_failed(self, campaign, broken):
        enrolled(campaign, 3)
        execution = carried_out(campaign)
        broken("_wake")
        assert account(execution) == ({"failed": 3}, False)

    def test_has_failed_where_others_were_sent_to(self, campaign, broken):
        walks = enrolled(campaign, 3)
        execution = carried_out(campaign)
        for walk in walks[:2]:
            HappeningFactory(contact=walk.contact, kind="call_outcome")
        broken("_hears")
        sent(NOON)
        assert account(execution) == ({"sent": 1, "failed": 2}, False)

    def test_begins_in_the_last_execution_once_they_are_tried_again(self, campaign, broken):
        campaign = begun(TWICE)
        (walk,) = enrolled(campaign)
        first = carried_out(campaign, "sms")
        broken("_wake")
        assert account(first) == ({"failed": 1}, False)
        enrolled(campaign)
        second = carried_out(campaign, "email")
        handling.retry([walk.pk], by=None, at=NOON)
        assert walk_of(walk).execution is None
        run(NOON)
        assert walk_of(walk).execution == second
        sent(NOON)
        assert account(second) == ({"sent": 2, "skipped": 2}, True)

    def test_is_of_no_later_execution_once_they_have_left(self, campaign, broken):
        (early,) = enrolled(campaign)
        handling.leave([early.pk], reason="Moved", by=None, at=NOON)
        (walk,) = enrolled(campaign)
        first = carried_out(campaign)
        broken("_wake")
        assert account(first) == ({"failed": 1}, False)
        handling.leave([walk.pk], reason="Moved", by=None, at=NOON)
        enrolled(campaign)
        second = carried_out(campaign)
        status = EnrollmentStatus.objects.get(name="Needs BDR")
        assert handling.set_status([early.pk, walk.pk], status=status, by=None, at=NOON) == 2
        run(NOON)
        sent(NOON)
        assert account(second) == ({"sent": 1}, True)
