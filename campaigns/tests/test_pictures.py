from typing import Any

import pytest
from hypothesis import given

from campaigns.reports import pictures, words
from campaigns.rules.drawings import Drawing, DrawnNode
from campaigns.rules.validation import Fault
from campaigns.tests.drawings import drawing, node
from campaigns.tests.test_exchange import drawings
from campaigns.tests.test_validation import WHOLE


def places(drawn: Drawing) -> dict[str, tuple[int, int]]:
    return {box.key: (box.x, box.y) for box in pictures.draw(drawn).boxes}


def test_everybody_walks_down_but_for_ways_back() -> None:
    found = places(WHOLE)
    for edge in WHOLE.edges:
        if edge.label != "again":
            assert found[edge.source][1] < found[edge.target][1], edge
    assert found["round"][1] > found["hello"][1]


def test_those_whom_nobody_reaches_stand_below_all_others() -> None:
    found = places(drawing(node("a", "wait"), node("b", "exit"), node("lost", "exit"), "a>b", start="a"))
    assert found["lost"][1] > found["b"][1] > found["a"][1]


@given(drawings())
def test_no_node_lies_on_another_and_none_outside_the_picture(drawn: Drawing) -> None:
    picture = pictures.draw(drawn)
    assert len(picture.boxes) == len(drawn.nodes)
    assert len(picture.arrows) == len(drawn.edges)
    for box in picture.boxes:
        assert 0 <= box.x <= picture.width - pictures.WIDE
        assert 0 <= box.y <= picture.height - pictures.HIGH
    for one in picture.boxes:
        for other in picture.boxes:
            apart = abs(one.x - other.x) >= pictures.WIDE or abs(one.y - other.y) >= pictures.HIGH
            assert one is other or apart


def test_no_label_lies_on_another_where_two_ways_lead_to_one_node() -> None:
    both = drawing(node("ask", "wait_for"), node("end", "exit"), "ask:happened>end", "ask:timeout>end")
    arrows = pictures.draw(both).arrows
    assert [arrow.label for arrow in arrows] == ["it happened, too late", ""]
    assert {arrow.label for arrow in pictures.draw(WHOLE).arrows} >= {"it happened", "too late", "else", "a 30 %"}


def test_a_fault_stands_on_its_node() -> None:
    boxes = {box.key: box for box in pictures.draw(WHOLE, [Fault("no_content", "Gone.", "hello")]).boxes}
    assert boxes["hello"].faults == ("Gone.",)
    assert boxes["mail"].faults == ()


def test_what_a_node_does_is_said_in_words() -> None:
    said = {each.key: words.said(each) for each in WHOLE.nodes}
    assert said["hello"] == "SMS: hello"
    assert said["reply"] == "Wait for a reply, at most 3 days"
    assert said["pause"] == "Wait 2 days"
    assert said["round"] == "Again, 3 times at most"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"mode": "event", "days": -1, "time": "09:00"}, "Wait until 1 day before the event, 09:00"),
        ({"mode": "event", "days": 0, "time": "09:00"}, "Wait until the day of the event, 09:00"),
        ({"mode": "weekday", "weekdays": ["monday"], "time": "09:00"}, "Wait until Monday 09:00"),
        ({"mode": "date", "date": "2027-01-31", "time": "09:00"}, "Wait until 2027-01-31 09:00"),
        ({"mode": "duration", "amount": 1, "unit": "hours"}, "Wait 1 hour"),
        ({"mode": "never"}, "Wait"),
        ({"mode": "event", "days": "soon", "time": "09:00"}, "Wait"),
    ],
)
def test_a_wait_says_until_when(settings: dict[str, Any], expected: str) -> None:
    assert words.said(DrawnNode("w", "wait", "", settings)) == expected
