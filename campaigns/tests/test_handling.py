"""What people do to walks by hand."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign, ContentTemplate, EnrollmentEvent, EnrollmentStatus, EnrollmentStep, Message
from campaigns.services import counting, handling
from campaigns.tests.drawings import drawing, node
from campaigns.tests.factories import HappeningFactory
from campaigns.tests.walks import assert_replays, begun, enrolled, paused, resumed, run, settle, walk_of
from config.kernel.audit import acting
from config.testing import NOON
from crm.tests.factories import UserFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WAITING = drawing(node("wait", "wait"), node("sms", "sms_send"), "wait>sms")


def test_a_pause_keeps_what_is_left_of_a_wait():
    (walk,) = enrolled(begun(WAITING))
    run(NOON)
    rep = UserFactory(bdr=True)
    assert handling.pause([walk.pk], by=rep, at=NOON + DAY) == 1
    assert (walk_of(walk).state, walk_of(walk).wake_at, walk_of(walk).left) == ("paused", None, DAY)
    assert run(NOON + 9 * DAY) == 0
    assert handling.pause([walk.pk], by=rep, at=NOON + DAY) == 0
    assert handling.resume([walk.pk], by=rep, at=NOON + 10 * DAY) == 1
    assert (walk_of(walk).state, walk_of(walk).wake_at) == ("waiting", NOON + 11 * DAY)
    run(NOON + 11 * DAY)
    assert walk_of(walk).state == "waiting_send"
    assert_replays(walk)
    assert EnrollmentStep.objects.get(node__key="wait").outcome == "over"
    assert EnrollmentEvent.objects.get(kind="paused").by == rep


@pytest.mark.parametrize(
    ("by_hand", "wakes"),
    [((3, 6), 7), ((2, 3), 6), ((0.5, 3), 6.5), ((0.5, 6), 7.5), ((5, 8), 9), ((3, 5), 6)],
    ids=["paused in it", "both in it", "resumed in it", "around it", "before they are let go", "at its end"],
)
def test_a_wait_keeps_what_is_left_of_it_through_a_pause_by_hand_and_one_of_the_campaign(by_hand, wakes):
    campaign = begun(WAITING, spread_minutes=0)
    (walk,) = enrolled(campaign)
    run(NOON)
    does = [(by_hand[0], 1, handling.pause), (by_hand[1], 1, handling.resume), (1, 0, paused), (5, 0, resumed)]
    for day, hand, verb in sorted(does, key=lambda each: each[:2]):
        if hand:
            verb([walk.pk], by=None, at=NOON + day * DAY)
        else:
            verb(campaign, NOON + day * DAY)
    run(NOON + 5 * DAY)
    assert (walk_of(walk).state, walk_of(walk).wake_at) == ("waiting", NOON + wakes * DAY)
    assert_replays(walk)


def test_a_pause_by_hand_moves_no_moment_that_somebody_waits_for():
    thursday = node("wait", "wait", mode="weekday", weekdays=["thursday"], time="10:00")
    event = node("wait", "wait", mode="event", days=-1, time="10:00")
    for waits in (thursday, event):
        del waits.config["amount"], waits.config["unit"]
    for drawn in (drawing(thursday), drawing(event)):
        campaign = begun(drawn, event_date=NOON.date() + 6 * DAY)
        (walk,) = enrolled(campaign)
        run(NOON)
        wakes = walk_of(walk).wake_at
        handling.pause([walk.pk], by=None, at=NOON)
        Campaign.objects.update(event_date=NOON.date() + 5 * DAY)
        handling.resume([walk.pk], by=None, at=NOON + DAY)
        run(NOON + DAY)
        moved = DAY if drawn.nodes == (event,) else timedelta()
        assert (walk_of(walk).state, walk_of(walk).wake_at) == ("waiting", wakes - moved)
        handling.pause([walk.pk], by=None, at=NOON + DAY)
        handling.resume([walk.pk], by=None, at=NOON + 9 * DAY)
        run(NOON + 9 * DAY)
        assert walk_of(walk).state == "completed"


def test_a_message_that_goes_out_meanwhile_is_told_after_the_pause():
    (walk,) = enrolled(begun(drawing(node("sms", "sms_send"))))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    settle("accepted", NOON)
    run(NOON)
    assert walk_of(walk).state == "paused"
    handling.resume([walk.pk], by=None, at=NOON)
    run(NOON)
    assert walk_of(walk).state == "completed"


def test_whoever_answers_while_they_are_paused_leaves_and_no_step_stays_open():
    (walk,) = enrolled(begun(WAITING))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).reason, walk_of(walk).paused_from) == ("exited", "replied", "")
    assert walk_of(walk).held_since is None


@pytest.mark.parametrize("event", ["reply", "call_outcome", "link_click"])
def test_what_is_waited_for_may_come_in_a_pause_and_leads_on_after_it(event):
    drawn = drawing(
        node("ask", "wait_for", event=event), node("bdr", "stage", status="Needs BDR"), node("end", "exit"),
        "ask:happened>bdr", "ask:timeout>end",
    )  # fmt: skip
    (walk,) = enrolled(begun(drawn))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    HappeningFactory(contact=walk.contact, kind=event)
    run(NOON + 9 * DAY)
    here = walk_of(walk)
    assert (here.state, here.node.key, here.status.name, here.stage) == ("paused", "bdr", "No Activity", "")
    assert_replays(walk)
    handling.resume([walk.pk], by=None, at=NOON + 9 * DAY)
    run(NOON + 9 * DAY)
    here = walk_of(walk)
    assert (here.state, here.status.name, here.stage) == ("completed", "Needs BDR", "bdr")
    assert_replays(walk)
    assert walk_of(walk).held_since is None


def test_whoever_is_paused_behind_a_message_and_answers_it_twice_has_answered():
    drawn = drawing(
        node("sms", "sms_send"), node("ask", "wait_for"), node("bdr", "stage", status="Needs BDR"), node("end", "exit"),
        "sms>ask", "ask:happened>bdr", "ask:timeout>end",
    )  # fmt: skip
    (walk,) = enrolled(begun(drawn))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    settle("accepted", NOON)
    for _ in range(2):
        HappeningFactory(contact=walk.contact)
        run(NOON)
    assert (walk_of(walk).state, walk_of(walk).node.key, walk_of(walk).left) == ("paused", "bdr", timedelta())
    handling.resume([walk.pk], by=None, at=NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).status.name) == ("completed", "Needs BDR")
    assert_replays(walk)


def test_where_a_graph_sends_whoever_answers_they_go_once_their_pause_is_over():
    drawn = replace(drawing(node("wait", "wait"), node("sms", "sms_send"), "wait>sms"), on_reply="sms")
    (walk,) = enrolled(begun(drawn))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON)
    HappeningFactory(contact=walk.contact)
    run(NOON)
    assert (walk_of(walk).state, Message.objects.count()) == ("paused", 0)
    handling.resume([walk.pk], by=None, at=NOON)
    run(NOON)
    assert (walk_of(walk).state, Message.objects.count()) == ("waiting_send", 1)
    assert_replays(walk)


def test_what_happens_in_a_pause_leaves_what_is_left_of_a_wait():
    (walk,) = enrolled(begun(WAITING))
    run(NOON)
    handling.pause([walk.pk], by=None, at=NOON + DAY)
    HappeningFactory(contact=walk.contact, kind="call_outcome")
    run(NOON + DAY)
    assert (walk_of(walk).state, walk_of(walk).left, walk_of(walk).last["outcome"]) == ("paused", DAY, "call_outcome")


def test_a_status_by_hand_moves_nobody_but_whoever_has_reached_the_goal():
    campaign = begun(WAITING)
    status = EnrollmentStatus.objects.get(name="Needs BDR")
    walks = enrolled(campaign, 2)
    run(NOON)
    ids = [walk.pk for walk in walks]
    assert handling.set_status(ids, status=status, by=None, at=NOON) == 2
    assert handling.set_status(ids, status=status, by=None, at=NOON) == 0
    assert {(walk_of(w).state, walk_of(w).wake_at, walk_of(w).status) for w in walks} == {
        ("waiting", NOON + 2 * DAY, status)
    }
    assert counting.numbers(campaign)[f"status:{status.pk}"] == 2
    Campaign.objects.update(goal=EnrollmentStatus.objects.get(name="No Activity"))
    handling.set_status(ids[:1], status=EnrollmentStatus.objects.get(name="No Activity"), by=None, at=NOON)
    assert (walk_of(walks[0]).state, walk_of(walks[0]).reason) == ("exited", "goal")
    assert_replays(walks[0])


def test_whoever_had_a_status_before_it_became_the_goal_leaves_when_it_is_said_again():
    campaign, status = begun(WAITING), EnrollmentStatus.objects.get(name="Needs BDR")
    (walk,) = enrolled(campaign)
    handling.set_status([walk.pk], status=status, by=None, at=NOON)
    Campaign.objects.update(goal=status)
    assert handling.set_status([walk.pk], status=status, by=None, at=NOON) == 1
    assert (walk_of(walk).state, walk_of(walk).reason) == ("exited", "goal")
    assert handling.set_status([walk.pk], status=status, by=None, at=NOON) == 0


def test_behind_a_pooler_a_hand_moves_people_in_a_request_too(monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    (walk,), rep = enrolled(begun(WAITING)), UserFactory(bdr=True)
    run(NOON)
    with acting(user=rep.pk):
        assert handling.pause([walk.pk], by=rep, at=NOON) == 1
    assert walk_of(walk).state == "paused"


def test_a_status_by_hand_says_nothing_else_of_when_and_why_somebody_left():
    (walk,) = enrolled(begun(WAITING))
    handling.leave([walk.pk], reason="Moved away", by=None, at=NOON)
    handling.set_status([walk.pk], status=EnrollmentStatus.objects.get(name="Needs BDR"), by=None, at=NOON + DAY)
    walk = walk_of(walk)
    assert (walk.status.name, walk.ended_at, walk.reason) == ("Needs BDR", NOON, "“Moved away”")
    assert_replays(walk)


def test_whoever_is_taken_out_leaves_for_a_reason():
    (walk,) = enrolled(begun(drawing(node("sms", "sms_send"))))
    run(NOON)
    for nothing in (" ", "\u200b"):
        with pytest.raises(handling.NoReason):
            handling.leave([walk.pk], reason=nothing, by=None, at=NOON)
    assert handling.leave([walk.pk], reason="Asked by telephone", by=None, at=NOON) == 1
    assert handling.leave([walk.pk], reason="Again", by=None, at=NOON) == 0
    assert (walk_of(walk).reason, Message.objects.get().state) == ("“Asked by telephone”", "cancelled")


def test_what_could_not_be_done_is_tried_again_when_its_cause_is_gone():
    campaign = begun(drawing(node("sms", "sms_send", content="later")))
    (walk,) = enrolled(campaign)
    run(NOON)
    assert walk_of(walk).reason == "There is no content 'later' for sms any more."
    assert handling.retry([walk.pk], by=None, at=NOON) == 1
    assert walk_of(walk).reason == ""
    run(NOON)
    assert walk_of(walk).state == "parked"

    ContentTemplate.objects.create(key="later", channel="sms", name="Later", body="Hello")
    handling.retry([walk.pk], by=None, at=NOON)
    run(NOON)
    assert (walk_of(walk).state, walk_of(walk).visit) == ("waiting_send", 1)  # nothing was done at it
    assert_replays(walk)


def test_a_hand_may_move_people_of_a_campaign_that_stands_still():
    campaign = begun(WAITING)
    (walk,) = enrolled(campaign)
    run(NOON)
    Campaign.objects.update(status=CampaignStatus.PAUSED, paused_at=NOON)
    assert handling.leave([walk.pk], reason="Wrong person", by=None, at=NOON) == 1


def test_a_list_of_any_length_is_refused_whole():
    with pytest.raises(handling.TooMany):
        handling.leave(range(handling.MOST + 1), reason="x", by=None, at=NOON)
