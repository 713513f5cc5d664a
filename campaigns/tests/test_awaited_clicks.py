"""Who waits for a click waits behind an e-mail with a link: otherwise in vain, and the graph says so."""

from dataclasses import replace

import pytest

from campaigns.rules.composing import Content
from campaigns.rules.drawings import Drawing, DrawnNode
from campaigns.rules.links import has_link
from campaigns.rules.validation import Surroundings, faults
from campaigns.tests.drawings import SURROUNDINGS, drawing, node

CLICK, END = node("click", "wait_for", event="link_click"), node("end", "exit")
ENDS = ("click:happened>end", "click:timeout>end")


def told(drawn: Drawing, surroundings: Surroundings = SURROUNDINGS) -> list[tuple[str, str]]:
    return [(fault.code, fault.node) for fault in faults(drawn, surroundings)]


def mailing(body: str, says: dict[str, str] | None = None, subject: str = "") -> Surroundings:
    return replace(SURROUNDINGS, contents={"mail": Content("email", subject, body)}, says=says)


LINKED = mailing("See https://clearline.example/prices")


@pytest.mark.parametrize("before", [node("first", "stage"), node("first", "call_task"), node("first", "wait")])
def test_without_an_email_on_the_way_it_is_a_fault_of_the_wait(before: DrawnNode) -> None:
    drawn = drawing(before, CLICK, END, "first>click", *ENDS)
    assert told(drawn, LINKED) == [("no_email", "click")]
    assert told(drawn, replace(LINKED, senders=None)) == [("no_email", "click")]


def test_an_sms_with_a_link_is_no_email() -> None:
    sms = Content("sms", "", "https://clearline.example/")
    drawn = drawing(node("sms", "sms_send"), CLICK, END, "sms>click", *ENDS)
    assert told(drawn, replace(LINKED, contents={"hello": sms})) == [("no_email", "click")]


def test_an_email_that_comes_only_later_is_none() -> None:
    drawn = drawing(CLICK, node("mail", "email_send"), END, "click:timeout>mail", "click:happened>end", "mail>end")
    assert told(drawn, LINKED) == [("no_email", "click")]


def test_one_email_with_a_link_on_one_way_is_enough() -> None:
    contents = {**LINKED.contents, "plain": Content("email", "", "No link")}
    ways = drawing(
        node("call", "call_task"), node("asked", "wait_for", event="call_outcome"), node("mail", "email_send"),
        node("plain", "email_send", content="plain"), node("wait", "wait"), CLICK, END,
        "call>asked", "asked:happened>mail", "asked:timeout>plain", "mail>wait", "plain>wait", "wait>click", *ENDS,
    )  # fmt: skip
    assert told(ways, replace(LINKED, contents=contents)) == []


def test_a_way_may_lead_back_through_a_jump_and_over_a_reply() -> None:
    mail, jump = node("mail", "email_send"), node("jump", "jump")
    loop = drawing(
        CLICK, mail, jump, END, "click:timeout>mail", "click:happened>end", "mail>jump", "jump:again>click",
        "jump:done>end", start="click",
    )  # fmt: skip
    assert told(loop, LINKED) == []
    replied = replace(drawing(mail, CLICK, END, "mail>end", *ENDS, start="mail"), on_reply="click")
    assert told(replied, LINKED) == []


@pytest.mark.parametrize(
    ("body", "says", "is_fault"),
    [
        ("See https://clearline.example/prices", None, False),
        ("SEE HTTP://CLEARLINE.EXAMPLE", None, False),
        ("https://{{contact.attributes.page}}", None, False),
        ("{{contact.attributes.page}}", None, False),
        ("We meet at {{event.place}}", None, False),
        ("We meet at {{event.place}}", {"event.place": "https://meet.example/room"}, False),
        ("We meet at {{event.place}}", {"event.place": "Hall 3"}, True),
        ("{{event.place|https://clearline.example/}}", {"event.place": "Hall 3"}, False),
        ("Dear {{contact.name}}", None, True),
        ("www.clearline.example, ftp://clearline.example, mailto:team@clearline.example", None, True),
        ("https:// and nothing behind it", None, True),
    ],
)
def test_a_link_stands_in_the_text_or_comes_with_a_value(
    body: str, says: dict[str, str] | None, is_fault: bool
) -> None:
    drawn = drawing(node("mail", "email_send"), CLICK, END, "mail>click", *ENDS)
    about = {"event.date": "", "contact.name": "Ada", **says} if says else None
    assert told(drawn, mailing(body, about)) == ([("no_link", "click")] if is_fault else [])


def test_a_link_in_the_subject_cannot_be_opened() -> None:
    drawn = drawing(node("mail", "email_send"), CLICK, END, "mail>click", *ENDS)
    assert told(drawn, mailing("Dear you", subject="https://clearline.example/")) == [("no_link", "click")]


def test_of_a_content_that_there_is_not_only_that_is_said() -> None:
    drawn = drawing(node("mail", "email_send", content="gone"), CLICK, END, "mail>click", *ENDS)
    assert told(drawn, LINKED) == [("no_content", "mail")]


@pytest.mark.parametrize("text", ["h" * 1_000_000, "http" * 200_000, "https:/" * 100_000, "{{" * 300_000])
def test_a_long_text_is_looked_through_at_once(text: str) -> None:
    assert not has_link(text)
