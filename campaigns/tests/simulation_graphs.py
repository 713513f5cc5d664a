"""The graphs that the simulation walks: together they use every kind of wait, of answer and of way out."""

from dataclasses import replace
from typing import Any, Final

from campaigns.rules.drawings import Drawing, DrawnNode
from campaigns.tests.drawings import drawing, edge, node


def _day(key: str, **config: Any) -> DrawnNode:
    """A wait until a moment: nothing of what a wait for a time has by default."""
    return DrawnNode(key, "wait", key, config)


DRAWINGS: Final[list[Drawing]] = [
    drawing(
        node("begin", "stage", status="No Activity"), node("one", "sms_send"), node("ask", "wait_for", amount=1),
        node("yes", "stage", status="Needs BDR"), node("again", "jump", rounds=2), node("end", "exit"),
        "begin>one", "one>ask", "ask:happened>yes", "ask:timeout>again", "again:again>one", "again:done>end",
    ),
    drawing(
        node("way", "split"), node("one", "sms_send", when_blocked="advance"), node("two", "email_send"),
        node("wait", "wait", amount=5, unit="hours"), node("last", "branch"), node("more", "sms_send"),
        node("end", "exit"),
        edge("way:a>one", weight=50), edge("way:b>two", weight=50), "one>wait", "two>wait", "wait>last",
        edge("last:sent>more", fact="last.outcome", value=["accepted", "delivered"], **{"is": "among"}),
        "last:else>end", "more>end",
    ),
    replace(
        drawing(
            node("one", "sms_send", when_blocked="exit"),
            _day("wait", mode="weekday", weekdays=["thursday"], time="10:00"),
            node("two", "sms_send"), node("thanks", "email_send"), node("end", "exit"),
            "one>wait", "wait>two", "two>end", "thanks>end",
        ),
        on_reply="thanks",
    ),
    drawing(
        node("call", "call_task"), node("ask", "wait_for", event="call_outcome", amount=1),
        node("bdr", "stage", status="Needs BDR"), node("mail", "email_send"), node("reply", "wait_for", amount=2),
        node("thanks", "sms_send"), node("wait", "wait", amount=1), node("late", "email_send"),
        node("look", "wait_for", event="link_click", amount=1), node("end", "exit"), "call>ask", "ask:happened>bdr",
        "ask:timeout>wait", "wait>late", "late>look", "look:happened>bdr", "look:timeout>end", "bdr>mail", "mail>reply",
        "reply:happened>thanks", "reply:timeout>end", "thanks>end",
    ),
    replace(
        drawing(
            node("invite", "email_send"), _day("wait", mode="event", days=-1, time="10:00"), node("soon", "sms_send"),
            node("called", "wait_for", event="call_outcome", outcomes=["Gatekeeper"], amount=20, unit="hours"),
            node("after", "sms_send"), node("said", "stage", status="Needs BDR"), node("end", "exit"),
            "invite>wait", "wait>soon", "soon>called", "called:happened>said", "called:timeout>after", "after>end",
            "said>end",
        ),
        on_reply="said",
    ),
    drawing(
        node("mail", "email_send"), node("look", "wait_for", event="link_click", amount=1),
        node("thanks", "sms_send", when_blocked="advance"), node("wait", "wait", amount=3, unit="hours"),
        node("looked", "branch"), node("more", "email_send"), node("again", "wait_for", event="link_click", amount=20,
        unit="hours"), node("bdr", "stage", status="Needs BDR"), node("end", "exit"),
        "mail>look", "look:happened>thanks", "look:timeout>wait", "thanks>wait", "wait>looked",
        edge("looked:late>bdr", fact="last.outcome", value="link_click", **{"is": "equal"}), "looked:else>more",
        "more>again", "again:happened>bdr", "again:timeout>end", "bdr>end",
    ),
]  # fmt: skip
