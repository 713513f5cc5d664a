"""Campaigns that stand still: nobody moves in a pause, and after it nothing goes out late, wrong or all at once."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from campaigns.models import CallTask, Campaign, ContentTemplate, Enrollment, Message
from campaigns.rules.drawings import DrawnNode
from campaigns.services import campaigns, counting, handling
from campaigns.services.engine import batches, running
from campaigns.tests import carriers
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory, SendingAccountFactory
from campaigns.tests.sending import send
from campaigns.tests.walks import FUNNEL, assert_replays, begun, enrolled, paused, resumed, run, settle, walk_of
from config.testing import NOON, WAITED
from crm.tests.factories import ContactFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def paused_in_a_wait():
    """A campaign that is paused when somebody has waited a day of two."""
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    run(NOON)
    settle("accepted", NOON)
    run(NOON)
    paused(campaign, NOON + DAY)
    return campaign, walk


def test_nobody_moves_once_a_pause_is_committed_and_waits_keep_what_was_left():
    campaign, walk = paused_in_a_wait()
    assert run(NOON + 3 * DAY) == 0
    resumed(campaign, NOON + 10 * DAY)
    run(NOON + 10 * DAY)
    assert walk_of(walk).wake_at == NOON + 11 * DAY
    assert (walk_of(walk).state, walk_of(walk).epoch) == ("waiting", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("why", ["due", "settled", "heard"])
def test_a_pause_waits_for_the_batch_that_is_being_written(between, why):
    """Committed while a batch moves people it would be a pause in which somebody moved (E9)."""
    campaign = begun(FUNNEL)
    (walk,) = enrolled(campaign)
    if why != "due":
        run(NOON)
        settle("accepted", NOON) if why == "settled" else HappeningFactory(contact=walk.contact)
    found = between("engine.before_commit", lambda: campaigns.pause(row=campaign, by=None, at=NOON))
    running.run(at=NOON)
    assert found == [WAITED]


def test_a_call_that_is_heard_of_before_they_are_let_go_shortens_no_wait():
    campaign, walk = paused_in_a_wait()
    resumed(campaign, NOON + 10 * DAY)
    HappeningFactory(contact=walk.contact, kind="call_outcome", data={"disposition": "No answer"})
    batches.heard(at=NOON + 10 * DAY)
    run(NOON + 10 * DAY)
    assert (walk_of(walk).state, walk_of(walk).wake_at) == ("waiting", NOON + 11 * DAY)
    assert walk_of(walk).last["disposition"] == "No answer"


class TestOfWhatHappensInAPause:
    """It is followed, and leads nobody any further before the campaign is resumed."""

    ANSWERED = drawing(
        node("sms", "sms_send"), node("ask", "wait_for"), node("bdr", "stage", status="Needs BDR"),
        node("ring", "call_task"), node("end", "exit"),
        "sms>ask", "ask:happened>bdr", "bdr>ring", "ring>end", "ask:timeout>end",
    )  # fmt: skip

    @pytest.fixture
    def campaign(self):
        return begun(self.ANSWERED, spread_minutes=0)

    @pytest.mark.parametrize("told", [True, False])
    def test_an_answer_leads_on_after_it_however_often_they_answer(self, campaign, told):
        """Whether they knew before the pause that they have got what they answer or hear of it only now."""
        (walk,) = enrolled(campaign)
        run(NOON)
        settle("accepted", NOON)
        if told:
            run(NOON)
        paused(campaign, NOON + DAY)
        for _ in range(2):
            HappeningFactory(contact=walk.contact)
            run(NOON + 2 * DAY)

        here = walk_of(walk)
        assert (here.state, here.node.key, here.status.name) == ("active", "bdr", "No Activity")
        assert not CallTask.objects.exists()
        assert_replays(walk)

        resumed(campaign, NOON + 3 * DAY)
        assert running.run(at=NOON + 3 * DAY) == (0, False), "they have not been let go yet"
        run(NOON + 3 * DAY)
        assert (walk_of(walk).state, walk_of(walk).status.name) == ("completed", "Needs BDR")
        assert CallTask.objects.count() == 1
        assert_replays(walk)

    @pytest.mark.parametrize("between", ["reply", "link_click", "call_outcome"])
    def test_whatever_happens_before_they_are_let_go_an_answer_leads_on(self, between):
        drawn = drawing(
            node("ask", "wait_for"), node("ring", "call_task"), node("end", "exit"), "ask:happened>ring",
            "ask:timeout>end", "ring>end",
        )  # fmt: skip
        campaign = begun(drawn, spread_minutes=0)
        (walk,) = enrolled(campaign)
        run(NOON)
        paused(campaign, NOON)
        for kind in ("reply", between, "reply"):
            HappeningFactory(contact=walk.contact, kind=kind)
            run(NOON)
        assert (walk_of(walk).state, walk_of(walk).node.key) == ("active", "ring")

        resumed(campaign, NOON + DAY)
        HappeningFactory(contact=walk.contact)
        running.run(at=NOON + DAY)
        assert walk_of(walk).state == "active", "they have not been let go yet"
        run(NOON + DAY)
        assert (walk_of(walk).state, CallTask.objects.count()) == ("completed", 1)
        assert_replays(walk)

    @pytest.mark.parametrize("by_hand", [False, True])
    def test_whoever_answered_before_and_is_tried_again_has_answered_once_more(self, by_hand):
        drawn = drawing(
            node("ask", "wait_for"), node("sms", "sms_send", content="new"), node("end", "exit"), "ask:happened>sms",
            "ask:timeout>end", "sms>end",
        )  # fmt: skip
        campaign = begun(drawn, spread_minutes=0)
        (walk,) = enrolled(campaign)
        run(NOON)
        HappeningFactory(contact=walk.contact)
        run(NOON)
        assert walk_of(walk).state == "parked", "there is no such content yet"
        ContentTemplate.objects.create(key="new", channel="sms", name="New", body="Hi")
        if not by_hand:
            paused(campaign, NOON)
        handling.retry([walk.pk], by=None, at=NOON)
        if by_hand:
            handling.pause([walk.pk], by=None, at=NOON)

        HappeningFactory(contact=walk.contact)
        run(NOON)
        assert (walk_of(walk).state, walk_of(walk).reason) == ("exited", "replied")

    def test_whoever_has_got_the_last_message_is_through(self):
        campaign = begun(drawing(node("sms", "sms_send")), spread_minutes=0)
        (walk,) = enrolled(campaign)
        run(NOON)
        paused(campaign, NOON)
        settle("accepted", NOON)
        HappeningFactory(contact=walk.contact, kind="link_click")
        run(NOON)
        assert (walk_of(walk).state, walk_of(walk).ended_at) == ("completed", NOON)
        assert_replays(walk)

    def test_where_a_graph_sends_whoever_answers_they_go_after_it(self):
        drawn = drawing(node("wait", "wait"), node("ring", "call_task"), node("again", "wait"), "wait>again")
        campaign = begun(replace(drawn, on_reply="ring"), spread_minutes=0)
        (walk,) = enrolled(campaign)
        run(NOON)
        paused(campaign, NOON)
        HappeningFactory(contact=walk.contact)
        run(NOON)
        assert (walk_of(walk).node.key, walk_of(walk).held_since, CallTask.objects.count()) == ("ring", None, 0)
        resumed(campaign, NOON + DAY)
        run(NOON + DAY)
        assert (walk_of(walk).state, CallTask.objects.count()) == ("completed", 1)

    @pytest.mark.parametrize(("kind", "reason"), [("reply", "replied"), ("opt_out", "opted_out")])
    def test_what_ends_a_walk_ends_it_there_and_then(self, kind, reason):
        _, walk = paused_in_a_wait()
        HappeningFactory(contact=walk.contact, kind=kind)
        run(NOON + 2 * DAY)
        assert (walk_of(walk).state, walk_of(walk).reason, walk_of(walk).ended_at) == ("exited", reason, NOON + 2 * DAY)


def test_what_was_about_to_go_out_before_a_pause_is_written_anew_and_spread(settings, tmp_path):
    carrier = carriers.install(settings, tmp_path)
    SendingAccountFactory()
    ContentTemplate.objects.create(key="when", channel="sms", name="When", body="On {{event.date}}.")
    campaign = begun(drawing(node("sms", "sms_send", content="when")), event_date=date(2026, 7, 1), spread_minutes=60)
    walks = enrolled(campaign, [ContactFactory(phone=f"+151255501{number:02}") for number in range(20)])
    run(NOON)
    Enrollment.objects.update(epoch=1)  # not before the first start, but in the middle of it
    Campaign.objects.update(epoch=1, pauses=[[NOON.isoformat(), NOON.isoformat()]])
    row = campaigns.pause(row=Campaign.objects.get(pk=campaign.pk), by=None, at=NOON)
    campaigns.edit(row=row, changes={"event_date": date(2026, 8, 1)}, by=None, at=NOON)
    resumed(campaign, NOON + timedelta(hours=1))

    send(NOON + timedelta(hours=1))
    assert not carrier.rows()  # nobody was let go yet
    for minutes in range(60, 121, 10):
        run(NOON + timedelta(minutes=minutes))
        send(NOON + timedelta(minutes=minutes))
        run(NOON + timedelta(minutes=minutes))
        if minutes == 90:
            assert 0 < len(carrier.rows()) < len(walks)

    assert {row["body"] for row in carrier.rows()} == {"On Saturday, August 1, 2026."}
    assert len(carrier.rows()) == len(walks)
    assert counting.numbers(campaign)["state:completed"] == len(walks)
    for walk in walks:
        assert_replays(walk)


def in_the_middle(campaign):
    """Not before its first start."""
    Enrollment.objects.update(epoch=1)
    Campaign.objects.update(epoch=1, pauses=[[NOON.isoformat(), NOON.isoformat()]])
    campaign.refresh_from_db()


@pytest.mark.parametrize("let_go_first", [True, False])
def test_what_was_about_to_go_out_to_whoever_is_paused_by_hand_is_written_anew_too(let_go_first):
    campaign = begun(drawing(node("sms", "sms_send")), spread_minutes=0)
    (walk,) = enrolled(campaign)
    run(NOON)
    in_the_middle(campaign)
    handling.pause([walk.pk], by=None, at=NOON)
    paused(campaign, NOON)
    resumed(campaign, NOON + DAY)
    if let_go_first:
        run(NOON + DAY)
        assert (walk_of(walk).state, walk_of(walk).paused_from) == ("paused", "waiting")
    handling.resume([walk.pk], by=None, at=NOON + DAY)
    run(NOON + DAY)
    assert list(Message.objects.order_by("id").values_list("state", flat=True)) == ["cancelled", "pending"]
    assert walk_of(walk).state == "waiting_send"
    assert_replays(walk)
    assert counting.numbers(campaign)["state:waiting_send"] == 1


@pytest.mark.parametrize(("on_reply", "state"), [("", "exited"), ("end", "completed")])
def test_what_was_written_for_a_walk_that_an_answer_ended_in_a_pause_waits_for_nothing(
    settings, tmp_path, on_reply, state
):
    carrier = carriers.install(settings, tmp_path)
    SendingAccountFactory()
    drawn = drawing(node("sms", "sms_send"), node("end", "exit"), "sms>end")
    campaign = begun(replace(drawn, on_reply=on_reply), spread_minutes=0)
    (walk,) = enrolled(campaign, [ContactFactory(phone="+15125550123")])
    run(NOON)
    in_the_middle(campaign)
    paused(campaign, NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    resumed(campaign, NOON + timedelta(hours=1))
    run(NOON + timedelta(hours=1))
    send(NOON + timedelta(hours=1))
    assert (walk_of(walk).state, Message.objects.get().state, carrier.rows()) == (state, "cancelled", [])


def test_after_a_pause_what_has_come_due_is_spread():
    campaign = begun(FUNNEL, spread_minutes=60)
    walks = enrolled(campaign, 40)
    paused(campaign, NOON)
    resumed(campaign, NOON + DAY)
    # People who were to begin before the pause have been in epoch 0; a first start spreads nobody, a resumption does
    Enrollment.objects.update(epoch=0)
    campaign.pauses, campaign.epoch = [[NOON.isoformat(), NOON.isoformat()], *campaign.pauses], 2
    campaign.save()
    Enrollment.objects.update(epoch=1)
    run(NOON + DAY)
    woken = sorted(Enrollment.objects.filter(state="pending").values_list("wake_at", flat=True))
    assert len(woken) > 35
    assert NOON + DAY < woken[0] <= woken[-1] < NOON + DAY + timedelta(hours=1)
    middle = woken[len(woken) // 2] - (NOON + DAY)
    assert timedelta(minutes=15) < middle < timedelta(minutes=45)
    for minutes in range(1, 61):
        running.run(at=NOON + DAY + timedelta(minutes=minutes))
    assert Enrollment.objects.filter(state="waiting_send").count() == len(walks)


def test_whoever_waits_for_the_day_of_an_event_is_not_later_for_a_pause_that_was_over_before():
    eve = DrawnNode("eve", "wait", "", {"mode": "event", "days": -1, "time": "09:00"})
    campaign = begun(
        drawing(eve, node("end", "exit"), "eve>end"), event_date=(NOON + 3 * DAY).date(), spread_minutes=10_080,
        epoch=1, pauses=[[NOON.isoformat(), NOON.isoformat()]],
    )  # fmt: skip
    enrolled(campaign, 20)
    run(NOON)
    (due,) = set(Enrollment.objects.values_list("wake_at", flat=True))
    paused(campaign, NOON + timedelta(hours=1))
    resumed(campaign, NOON + timedelta(hours=2))
    run(due)
    assert set(Enrollment.objects.values_list("state", flat=True)) == {"completed"}
