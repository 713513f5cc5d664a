"""A graph in words: what a branch asks, which consent a voicemail needs, what becomes of what is blocked."""

from typing import Any

import pytest

from campaigns.models import Template, TemplateVersion
from campaigns.reports import pictures, settings, words
from campaigns.rules.conditions import OPERATORS
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from campaigns.services import templates
from campaigns.tests.drawings import drawing, edge, node
from config.testing import NOON
from crm.tests.backoffice import page_url, signed_in
from crm.tests.factories import UserFactory

PHONE = {"fact": "contact.has_phone", "is": "equal", "value": True}
TEXAS = {"fact": "contact.region", "is": "among", "value": ["TX", "OK"]}
SCORE = {"fact": "contact.lead_score", "is": "least", "value": 70}
WHOLE = drawing(
    node("ask", "branch"), node("text", "sms_send"), node("drop", "voicemail_drop", when_blocked="advance"),
    node("end", "exit", reason="Done"), edge("ask:yes>text", **PHONE), edge("ask:south>drop", any=[TEXAS, SCORE]),
    "ask:else>end", "text>end", "drop>end",
)  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (PHONE, "has a telephone number: yes"),
        ({**PHONE, "value": False}, "has a telephone number: no"),
        ({**PHONE, "is": "other"}, "has a telephone number: no"),
        (TEXAS, "state is one of TX or OK"),
        ({"all": [PHONE, {"any": [TEXAS, SCORE]}]},
         "has a telephone number: yes and (state is one of TX or OK or lead score is at least 70)"),
        ({"fact": "contact.attributes.shoe", "is": "filled"}, "“shoe” of the contact is known"),
        ({"fact": "contact.title", "is": "empty"}, "title is not known"),
        ({"weight": 30}, "30 %"),
        ({"fact": "contact.title"}, "something that cannot be read"),
        ({"all": 3}, "something that cannot be read"),
    ],
)  # fmt: skip
def test_a_condition_is_a_question_in_words(condition: dict[str, Any], expected: str) -> None:
    assert settings.asks(condition) == expected


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_its_words(operator: str) -> None:
    assert "cannot be read" not in settings.asks({"fact": "contact.title", "is": operator, "value": 1})


def test_a_node_says_all_that_its_settings_say() -> None:
    full = {each.key: words.in_full(WHOLE, each) for each in WHOLE.nodes}
    assert full == {
        "ask": f"Asks: yes if {settings.asks(PHONE)}; south if {settings.asks(TEXAS)} or {settings.asks(SCORE)}",
        "text": "SMS: hello; blocked: waits or leaves",
        "drop": "Voicemail: voice; needs prior express consent; blocked: goes on",
        "end": "Exit; Done",
    }
    assert words.ways(WHOLE, "ask") == "yes to “text”; south to “drop”; else to “end”"
    named = Drawing.of([DrawnNode("a", "stage"), DrawnNode("b", "exit", "Done")], [DrawnEdge("a", "b")], start="a")
    assert words.ways(named, "a") == "to “Done”"
    unsaid = drawing(DrawnNode("drop", "voicemail_drop", "", {"content": "voice"}))
    assert "needs a consent that nobody chose" in words.in_full(unsaid, unsaid.nodes[0])
    for strange in ("perhaps", ["exit"], {"exit": 1}):
        text = node("text", "sms_send", when_blocked=strange)
        assert words.in_full(drawing(text), text) == "SMS: hello; blocked: nobody can tell"
    heard = node("call", "wait_for", event="call_outcome", outcomes=["interested", "callback"])
    assert words.said(heard) == "Wait for a call (interested, callback), at most 3 days"


def test_the_picture_says_what_is_asked_and_where_a_reply_leads() -> None:
    picture = pictures.draw(WHOLE)
    boxes = {box.key: box for box in picture.boxes}
    assert boxes["ask"].what.startswith("yes if has a telephone number: yes")
    assert boxes["drop"].told == words.in_full(WHOLE, WHOLE.by_key["drop"])
    assert picture.on_reply == "A reply ends the walk, but where a node waits for it."
    leading = Drawing(WHOLE.start, WHOLE.nodes, WHOLE.edges, on_reply="end")
    assert pictures.draw(leading).on_reply == "A reply leads to “end”, but where a node waits for it."


@pytest.fixture
def version(db: Any) -> TemplateVersion:
    template: Template = templates.create(name="Words", drawing=drawing(node("end", "exit")), by=None, at=NOON)
    templates.publish(row=template, by=None, at=NOON)
    ways = (node("ask", "branch"), node("end", "exit", reason="Over"), edge("ask:yes>end", **PHONE), "ask:else>end")
    templates.draw(row=template, drawing=drawing(*ways), revision=None, by=None, at=NOON)
    return templates.publish(row=template, by=None, at=NOON)


def test_versions_are_compared_in_words_and_their_graph_is_taken_out(version):
    page = " ".join(signed_in(UserFactory(bdr=True)).get(page_url(version)).content.decode().split())
    assert "<td>Added</td><td>Way from ask, yes</td><td>If</td><td>" in page
    assert "has a telephone number: yes</td>" in page
    assert "<td>Everybody begins at</td>" in page
    assert "{&#x27;" not in page
    assert "A reply ends the walk" in page
    for kind in ("csv", "json"):
        assert f'href="/api/v1/graphs/{version.graph_id}/export-{kind}/" download' in page
        answer = signed_in(UserFactory(bdr=True)).get(f"/api/v1/graphs/{version.graph_id}/export-{kind}/")
        assert answer.status_code == 200


def test_an_empty_graph_says_where_a_csv_goes(db):
    template = templates.create(name="Empty", by=None, at=NOON)
    page = signed_in(UserFactory(admin=True)).get(page_url(template)).content.decode()
    assert f"/api/v1/graphs/{template.draft_id}/import-csv/" in page
