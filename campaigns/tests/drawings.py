"""Graphs for tests, written as people would draw them: "wait>send", and "ask:yes>call" for another exit than next."""

from typing import Any

from campaigns.rules.composing import Content
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from campaigns.rules.validation import Surroundings

HELLO = Content("sms", "", "Hello {{contact.first_name|there}}")
MAIL = Content("email", "", "Dear {{contact.name}}")
VOICE = Content("voicemail", "", "Hello, this is {{sender.name}}")
SURROUNDINGS = Surroundings(
    contents={"hello": HELLO, "mail": MAIL, "voice": VOICE},
    statuses=frozenset({"No Activity", "Needs BDR"}),
    dispositions=frozenset({"Busy", "Meeting booked"}),
    senders=frozenset({"sms", "email", "voicemail"}),
)

DEFAULTS: dict[str, dict[str, Any]] = {
    "stage": {"status": "Needs BDR"},
    "sms_send": {"content": "hello"},
    "email_send": {"content": "mail"},
    "voicemail_drop": {"content": "voice", "consent": "express"},
    "call_task": {},
    "wait": {"mode": "duration", "amount": 2, "unit": "days"},
    "wait_for": {"event": "reply", "amount": 3, "unit": "days"},
    "branch": {},
    "split": {},
    "jump": {"rounds": 3},
    "exit": {},
}


def node(key: str, kind: str, **config: Any) -> DrawnNode:
    """Return a node of ``kind`` with settings that are right, but for those that are named."""
    return DrawnNode(key, kind, key, {**DEFAULTS.get(kind, {}), **config})


def edge(drawn: str, **condition: Any) -> DrawnEdge:
    source, target = drawn.split(">")
    source, _, label = source.partition(":")
    return DrawnEdge(source, target, label or "next", condition)


def drawing(*parts: DrawnNode | DrawnEdge | str, start: str = "") -> Drawing:
    nodes = [part for part in parts if isinstance(part, DrawnNode)]
    edges = [edge(part) if isinstance(part, str) else part for part in parts if not isinstance(part, DrawnNode)]
    return Drawing.of(nodes, edges, start=start)
