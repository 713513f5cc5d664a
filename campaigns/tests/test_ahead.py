"""What happens to somebody before they come to wait for it: which of it counts there, and how often."""

from dataclasses import replace
from datetime import timedelta

from campaigns.rules.drawings import Drawing
from campaigns.rules.moves import Happened, Move
from campaigns.tests.drawings import drawing, node
from campaigns.tests.test_walking import CALLED, NOON, go, standing_after

CLICKED = Happened("link_click", NOON, {"channel": "email"})


def heard(drawn: Drawing, *news: Happened) -> Move:
    """Where somebody stands whom one thing after the other has happened to, and who was moved by each."""
    move = go(drawn)
    for each in news:
        move = go(drawn, standing_after(move), happened=[each])
    return move


def test_whatever_else_happens_what_came_before_leads_on_those_who_come_to_wait_for_it():
    drawn = drawing(
        node("later", "wait", amount=1), node("click", "wait_for", event="link_click"), node("end", "exit"),
        node("silent", "exit"), "later>click", "click:happened>end", "click:timeout>silent",
    )  # fmt: skip
    over = go(drawn, standing_after(heard(drawn, CLICKED, CALLED)), at=NOON + timedelta(days=1))
    assert (over.state, over.node) == ("completed", "end")
    assert (over.last["outcome"], over.last["channel"]) == ("link_click", "email")


def test_what_came_before_that_which_led_somebody_on_is_behind_them():
    drawn = drawing(
        node("one", "wait_for", event="call_outcome", outcomes=["Interested"]),
        node("two", "wait_for", event="call_outcome"), node("end", "exit"),
        "one:happened>two", "one:timeout>end", "two:happened>end", "two:timeout>end",
    )  # fmt: skip
    move = heard(drawn, CALLED, Happened("call_outcome", NOON, {"disposition": "Interested"}))
    assert (move.state, move.node) == ("waiting", "two")


def test_the_same_outcome_once_more_counts_for_those_who_come_to_wait_for_it():
    drawn = drawing(
        node("one", "wait_for", event="call_outcome"), node("later", "wait", amount=1),
        node("two", "wait_for", event="call_outcome"), node("end", "exit"), node("silent", "exit"),
        "one:happened>later", "one:timeout>end", "later>two", "two:happened>end", "two:timeout>silent",
    )  # fmt: skip
    again = heard(drawn, CALLED, CALLED, CLICKED, CALLED)
    assert len(again.last["ahead"]) == 2, "however often"
    over = go(drawn, standing_after(heard(drawn, CALLED, CALLED)), at=NOON + timedelta(days=1))
    assert (over.state, over.node) == ("completed", "end")


def test_whoever_was_paused_after_an_answer_leaves_with_another_one():
    drawn = drawing(
        node("ask", "wait_for"), node("later", "wait"), node("sms", "sms_send"), node("end", "exit"),
        "ask:happened>later", "ask:timeout>end", "later>sms", "sms>end",
    )  # fmt: skip
    answer = Happened("reply", NOON, {"channel": "sms"})
    waiting = standing_after(heard(drawn, answer))
    paused = replace(waiting, state="paused", paused_from="waiting", left=timedelta(hours=3), wake_at=None)
    assert (go(drawn, paused, happened=[answer]).state, waiting.node) == ("exited", "later")
