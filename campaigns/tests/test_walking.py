"""One wake of one walk, without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from campaigns.rules.moves import Happened, Route, Settled
from campaigns.rules.walking import MOST, walk
from campaigns.tests.drawings import drawing, edge, node
from campaigns.tests.somebody import NOON, Somebody, go, standing_after

SENDING = drawing(node("stage", "stage"), node("sms", "sms_send"), node("end", "exit"), "stage>sms", "sms>end")


def test_a_walk_begins_at_the_start_and_goes_as_far_as_it_can():
    move = go(SENDING)
    assert (move.state, move.node, move.visit, move.status) == ("waiting_send", "sms", 1, "Needs BDR")
    assert [note.kind for note in move.notes] == ["status", "passed", "arrived"]
    (send,) = move.sends
    assert (send.channel, send.content, send.tries) == ("sms", "hello", 0)
    assert move.begun
    assert sorted(move.counts) == [
        ("sms", "arrived", 1),
        ("sms", "held", 1),
        ("stage", "arrived", 1),
        ("stage", "passed", 1),
    ]


@pytest.mark.parametrize("state", ["accepted", "delivered", "undelivered", "rejected", "expired"])
def test_whatever_became_of_a_message_the_walk_goes_on_and_knows_it(state):
    move = go(SENDING, standing_after(go(SENDING)), settled=Settled(state))
    assert (move.state, move.last) == ("completed", {"outcome": state, "channel": "sms"})
    assert move.ended == (state, "next")


def test_what_is_blocked_for_a_time_is_tried_again_then_at_the_same_visit():
    waiting = go(
        SENDING, standing_after(go(SENDING)), settled=Settled("blocked", "outside_hours", NOON + timedelta(hours=9))
    )
    assert (waiting.state, waiting.node, waiting.visit, waiting.wake_at) == (
        "waiting",
        "sms",
        1,
        NOON + timedelta(hours=9),
    )
    assert waiting.ended is None
    assert not waiting.begun
    again = go(SENDING, standing_after(waiting), at=NOON + timedelta(hours=9))
    assert (again.state, again.visit, again.sends[0].tries, again.begun) == ("waiting_send", 1, 1, False)


def test_news_of_a_message_that_they_do_not_wait_for_changes_nothing():
    put_off = go(SENDING, standing_after(go(SENDING)), settled=Settled("blocked", "outside_hours", NOON))
    assert walk(Route(SENDING), standing_after(put_off), Somebody(), NOON, settled=Settled("accepted")) is None


def test_what_is_blocked_for_good_ends_the_walk_unless_the_node_goes_on_without():
    blocked = Settled("blocked", "endpoint_suppressed")
    move = go(SENDING, standing_after(go(SENDING)), settled=blocked)
    assert (move.state, move.reason, move.ended) == ("exited", "blocked: endpoint_suppressed", ("left", ""))
    advancing = drawing(node("sms", "sms_send", when_blocked="advance"), node("end", "exit", reason="Over"), "sms>end")
    move = go(advancing, standing_after(go(advancing)), settled=blocked)
    assert (move.state, move.reason, move.last["outcome"]) == ("completed", "“Over”", "blocked")
    leaving = drawing(node("sms", "sms_send", when_blocked="exit"), "sms>end", node("end", "exit"))
    move = go(leaving, standing_after(go(leaving)), settled=replace(blocked, retry_at=NOON))
    assert move.state == "exited"


def test_a_wait_says_when_it_ends_and_what_that_was_made_of():
    drawn = drawing(node("wait", "wait"), node("end", "exit"), "wait>end")
    move = go(drawn)
    assert (move.state, move.wake_at) == ("waiting", NOON + timedelta(days=2))
    assert move.wake_rule == {"since": NOON.isoformat(), "config": {"mode": "duration", "amount": 2, "unit": "days"}}
    assert go(drawn, standing_after(move), at=NOON + timedelta(days=2)).state == "completed"


def test_a_wait_for_an_event_whose_day_nobody_has_said_waits_for_a_person():
    drawn = drawing(node("wait", "wait", mode="event", days=-1, time="10:00"), node("end", "exit"), "wait>end")
    drawn.by_key["wait"].config.pop("amount")
    assert go(drawn).state == "parked"
    assert go(drawn, event=date(2026, 12, 1)).wake_at == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert go(drawn, event=date(2026, 11, 1)).state == "completed"  # the day before is over


def test_a_wait_until_a_moment_is_looked_at_again_when_it_is_over():
    drawn = drawing(node("wait", "wait", mode="event", days=-1, time="10:00"), node("end", "exit"), "wait>end")
    for name in ("amount", "unit"):
        drawn.by_key["wait"].config.pop(name)
    waiting = standing_after(go(drawn, event=date(2026, 12, 1)))
    woken = waiting.wake_at
    moved = go(drawn, waiting, at=woken, event=date(2026, 12, 8))
    assert (moved.state, moved.wake_at) == ("waiting", woken + timedelta(days=7))
    assert (moved.begun, moved.ended) == (False, None)
    west = Somebody(zone=ZoneInfo("America/Los_Angeles"))
    assert go(drawn, waiting, at=woken, event=date(2026, 12, 1), person=west).wake_at == woken + timedelta(hours=2)
    assert go(drawn, waiting, at=woken).state == "parked"
    assert go(drawn, waiting, at=woken, event=date(2026, 12, 1)).state == "completed"


ASKING = drawing(
    node("ask", "wait_for"), node("yes", "stage", status="Yes"), node("no", "stage", status="No"),
    "ask:happened>yes", "ask:timeout>no",
)  # fmt: skip


def test_a_reply_that_is_waited_for_leads_on_and_a_late_one_has_lost():
    waiting = standing_after(go(ASKING))
    assert go(ASKING, waiting, happened=[Happened("reply", NOON)]).status == "Yes"
    late = go(ASKING, waiting, at=NOON + timedelta(days=3))
    assert (late.status, late.ended) == ("No", ("timeout", "timeout"))


def test_a_reply_ends_the_walk_unless_it_is_waited_for_or_the_graph_says_where_it_leads():
    waiting = standing_after(go(SENDING))
    move = go(SENDING, waiting, happened=[Happened("reply", NOON)])
    assert (move.state, move.reason) == ("exited", "replied")
    elsewhere = replace(SENDING, on_reply="end")
    move = go(elsewhere, waiting, happened=[Happened("reply", NOON)])
    assert (move.state, move.node, move.ended) == ("completed", "end", ("reply", ""))


@pytest.mark.parametrize(("kind", "reason"), [("opt_out", "opted_out"), ("meeting", "meeting")])
def test_an_opt_out_and_a_meeting_end_a_walk_wherever_it_is(kind, reason):
    for drawn in (SENDING, ASKING, replace(SENDING, on_reply="end")):
        move = go(drawn, standing_after(go(drawn)), happened=[Happened("reply", NOON), Happened(kind, NOON)])
        assert (move.state, move.reason) == ("exited", reason)


def test_what_stops_somebody_comes_before_what_they_wait_for():
    stopped = Somebody(stop="suppressed")
    move = go(ASKING, standing_after(go(ASKING)), happened=[Happened("reply", NOON)], person=stopped)
    assert (move.state, move.reason) == ("exited", "suppressed")
    assert go(SENDING, person=stopped).sends == []


def test_another_outcome_of_a_call_is_remembered_and_the_wait_goes_on():
    drawn = drawing(
        node("ask", "wait_for", event="call_outcome", outcomes=["Interested"]), node("end", "exit"),
        "ask:happened>end", "ask:timeout>end",
    )  # fmt: skip
    waiting = go(drawn)
    other = go(drawn, standing_after(waiting), happened=[Happened("call_outcome", NOON, {"disposition": "Busy"})])
    assert (other.state, other.wake_at, other.wake_rule) == ("waiting", waiting.wake_at, waiting.wake_rule)
    assert (other.last["outcome"], other.last["disposition"]) == ("call_outcome", "Busy")
    wanted = go(drawn, standing_after(other), happened=[Happened("call_outcome", NOON, {"disposition": "Interested"})])
    assert wanted.state == "completed"


BETWEEN = drawing(
    node("ask", "call_task"), node("later", "wait", amount=1), node("call", "wait_for", event="call_outcome"),
    node("once", "wait_for", event="call_outcome"), node("end", "exit"), "ask>later", "later>call",
    "call:happened>once",
    "call:timeout>end", "once:happened>end", "once:timeout>end",
)  # fmt: skip
CALLED = Happened("call_outcome", NOON, {"disposition": "Busy"})


def test_what_happens_before_somebody_comes_to_wait_for_it_counts_there_once():
    called = go(BETWEEN, standing_after(go(BETWEEN)), happened=[CALLED])
    assert (called.state, called.node) == ("waiting", "later")
    over = go(BETWEEN, standing_after(called), at=NOON + timedelta(days=1))
    assert (over.state, over.node) == ("waiting", "once")
    (led_on,) = [note for note in over.notes if note.node == "call" and note.kind == "passed"]
    assert (led_on.exit, led_on.data["outcome"]) == ("happened", "call_outcome")


@pytest.mark.parametrize("asked", ["sms_send", "call_task"])
def test_what_happened_before_somebody_was_written_to_or_to_be_called_is_no_answer_to_it(asked):
    drawn = drawing(
        node("first", "wait", amount=1), node("asked", asked), node("call", "wait_for", event="call_outcome"),
        node("end", "exit"), "first>asked", "asked>call", "call:happened>end", "call:timeout>end",
    )  # fmt: skip
    called = go(drawn, standing_after(go(drawn)), happened=[CALLED])
    asked_for = go(drawn, standing_after(called), at=NOON + timedelta(days=1))
    if asked_for.state == "waiting_send":
        asked_for = go(drawn, standing_after(asked_for), settled=Settled("accepted"))
    assert (asked_for.state, asked_for.node) == ("waiting", "call")


@pytest.mark.parametrize(("between", "state"), [("sms_send", "completed"), ("email_send", "waiting")])
def test_a_click_is_ahead_until_the_next_e_mail_whatever_else_is_sent(between, state):
    drawn = drawing(
        node("first", "wait", amount=1),
        node("between", between, content="mail" if between == "email_send" else "hello"),
        node("click", "wait_for", event="link_click"), node("end", "exit"), "first>between", "between>click",
        "click:happened>end", "click:timeout>end",
    )  # fmt: skip
    clicked = go(drawn, standing_after(go(drawn)), happened=[Happened("link_click", NOON)])
    sent = go(drawn, standing_after(clicked), at=NOON + timedelta(days=1))
    assert go(drawn, standing_after(sent), settled=Settled("accepted")).state == state


def test_an_outcome_that_nobody_waits_for_there_is_not_taken_for_the_one_that_is():
    wanted = drawing(
        node("later", "wait", amount=1), node("call", "wait_for", event="call_outcome", outcomes=["Interested"]),
        node("end", "exit"), "later>call", "call:happened>end", "call:timeout>end",
    )  # fmt: skip
    called = go(wanted, standing_after(go(wanted)), happened=[CALLED])
    assert go(wanted, standing_after(called), at=NOON + timedelta(days=1)).state == "waiting"


def test_a_branch_asks_what_is_known_and_what_became_of_the_last_step():
    drawn = drawing(
        node("sms", "sms_send"), node("ask", "branch"), node("a", "exit", reason="A"), node("b", "exit", reason="B"),
        "sms>ask", edge("ask:failed>a", fact="last.outcome", value="undelivered", **{"is": "equal"}), "ask:else>b",
    )  # fmt: skip
    sent = standing_after(go(drawn))
    assert go(drawn, sent, settled=Settled("undelivered")).reason == "“A”"
    assert go(drawn, sent, settled=Settled("delivered")).reason == "“B”"


def test_what_an_exit_says_in_words_of_ours_is_no_reason_of_ours():
    for words, said in {"opted_out": "“opted_out”", "": ""}.items():
        assert go(drawing(node("end", "exit", reason=words))).reason == said
    long = go(drawing(node("end", "exit", reason="x" * 200))).reason
    assert (len(long), long[0], long[-1]) == (200, "“", "”")


def test_a_jump_leads_back_as_often_as_it_says_and_counts_anew_later():
    drawn = drawing(
        node("wait", "wait"), node("jump", "jump", rounds=2), node("end", "exit"),
        "wait>jump", "jump:again>wait", "jump:done>end",
    )  # fmt: skip
    move, at, woken = go(drawn), NOON, 1
    while move.state == "waiting":
        at += timedelta(days=2)
        move, woken = go(drawn, standing_after(move), at=at), woken + 1
    assert (woken, move.visits) == (4, {"wait": 3, "jump": 3, "end": 1})


def test_whoever_cannot_be_written_to_waits_for_a_person_who_is_told_why():
    unknown = drawing(node("sms", "sms_send", content="name"))
    assert go(unknown).reason.startswith("Nobody has said x")
    missing = drawing(node("sms", "sms_send", content="gone"))
    assert go(missing).reason == "There is no content 'gone' for sms any more."
    assert go(SENDING, statuses=frozenset()).reason == "There is no status 'Needs BDR' any more."


def test_whoever_reaches_the_goal_leaves():
    move = go(SENDING, goal="Needs BDR")
    assert (move.state, move.reason, move.sends) == ("exited", "goal", [])


def test_a_long_way_is_walked_in_several_wakes():
    keys = [f"n{number}" for number in range(MOST + 50)]
    drawn = drawing(*[node(key, "stage", status=key) for key in keys], *map(">".join, pairwise(keys)))
    first = go(drawn)
    assert (first.state, first.node, first.wake_at) == ("active", f"n{MOST}", NOON)
    last = go(drawn, standing_after(first))
    assert (last.state, last.status) == ("completed", keys[-1])


def test_a_call_is_asked_for_and_does_not_hold_anybody_up():
    drawn = drawing(node("call", "call_task", priority="high", script="hi"), node("end", "exit"), "call>end")
    move = go(drawn)
    assert move.state == "completed"
    (task,) = move.tasks
    assert (task.node, task.visit, task.priority, task.script) == ("call", 1, "high", "hi")


def test_nobody_is_asked_to_call_whoever_wants_no_calls():
    drawn = drawing(node("call", "call_task"), node("end", "exit"), "call>end")
    move = go(drawn, person=Somebody(is_called=False))
    assert (move.state, move.tasks, move.notes[0].data["outcome"]) == ("completed", [], "do_not_call")


def test_nothing_new_moves_nobody():
    standing = standing_after(go(SENDING))
    assert walk(Route(SENDING), standing, Somebody(), NOON, happened=[Happened("reachability", NOON)]) is None


def test_days_are_those_of_ones_own_clock_and_hours_are_asked_of_nobody():
    before = datetime(2026, 10, 31, 18, tzinfo=UTC)  # clocks go back in the night
    day, hours = (drawing(node("wait", "wait", amount=n, unit=unit)) for n, unit in ((1, "days"), (24, "hours")))
    assert go(day, at=before).wake_at == before + timedelta(hours=25)
    assert go(day, at=before, person=Somebody(zone=ZoneInfo("UTC"))).wake_at == before + timedelta(hours=24)
    assert go(hours, at=before, person=Somebody(zone=None)).wake_at == before + timedelta(hours=24)
