import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.choices import NodeType
from campaigns.rules.composing import Content
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from campaigns.rules.validation import Fault, Surroundings, faults
from campaigns.tests.drawings import DEFAULTS, SURROUNDINGS, drawing, edge, node


def told(drawn: Drawing, surroundings: Surroundings = SURROUNDINGS) -> list[tuple[str, str]]:
    return [(fault.code, fault.node) for fault in faults(drawn, surroundings)]


WHOLE = drawing(
    node("start", "stage"), node("hello", "sms_send"), node("reply", "wait_for"),
    node("warm", "branch"), node("call", "call_task"), node("which", "split"),
    node("mail", "email_send"), node("drop", "voicemail_drop"), node("pause", "wait"),
    node("round", "jump"), node("end", "exit"),
    "start>hello", "hello>reply", "reply:happened>warm", "reply:timeout>which",
    edge("warm:yes>call", fact="contact.lead_score", value=50, **{"is": "least"}), "warm:else>end",
    edge("which:a>mail", weight=30), edge("which:b>drop", weight=70),
    "mail>pause", "drop>pause", "pause>round", "round:again>hello", "round:done>end",
)  # fmt: skip


def test_a_graph_with_a_node_of_every_type_has_no_fault() -> None:
    assert {each.type for each in WHOLE.nodes} == set(NodeType.values)
    assert faults(WHOLE, SURROUNDINGS) == []


def test_where_everybody_begins_is_where_no_edge_leads() -> None:
    assert WHOLE.start == "start"


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (drawing(), [("empty", "")]),
        (drawing(node("a", "exit"), start="b"), [("no_start", "")]),
        (drawing(node("a", "exit"), node("a", "exit")), [("same_key", "a")]),
        (drawing(node("a", "wait"), "a>b"), [("no_such_node", "b")]),
        (drawing(node("a", "wait"), "b>a", start="a"), [("no_such_node", "b")]),
        (drawing(node("a", "exit"), node("b", "exit")), [("unreachable", "b")]),
        (drawing(node("a", "fax_send")), [("unknown_type", "a")]),
        (drawing(node("", "exit")), [("bad_key", "")]),
        (drawing(node("k" * 81, "exit")), [("bad_key", "k" * 80)]),
        (drawing(node("a", "wait", amount=0)), [("bad_setting", "a")]),
        (drawing(node("a", "wait", color="red")), [("bad_setting", "a")]),
        (drawing(node("a", "wait", mode="eternity")), [("bad_setting", "a")] * 3),
        (drawing(node("a", "wait_for"), node("b", "exit"), "a:happened>b"), [("missing_timeout", "a")]),
        (drawing(node("a", "wait_for"), node("b", "exit"), "a:timeout>b"), [("missing_happened", "a")]),
        (drawing(node("a", "stage"), node("b", "exit"), "a>b", "a>b"), [("same_exit", "a")]),
        (drawing(node("a", "stage"), node("b", "exit"), "a:sideways>b"), [("unknown_exit", "a")]),
        (drawing(node("a", "exit"), node("b", "exit"), "a>b", start="a"), [("unknown_exit", "a")]),
        (drawing(node("a", "stage"), node("b", "exit"), edge("a>b", fact="x")), [("needless_condition", "a")]),
        (drawing(node("a", "stage", status="Gone")), [("unknown_status", "a")]),
    ],
)
def test_a_fault_is_named_with_its_node(drawn: Drawing, expected: list[tuple[str, str]]) -> None:
    assert told(drawn) == expected


ASKED = {"fact": "contact.title", "is": "filled"}


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([edge("a:yes>b", **ASKED)], ["missing_else"]),
        ([edge("a:else>b")], ["no_condition"]),
        ([edge("a:yes>b", **ASKED), edge("a:else>b", **ASKED)], ["needless_condition"]),
        ([edge("a:yes>b", fact="contact.shoe", **{"is": "filled"}), edge("a:else>b")], ["bad_condition"]),
        ([edge("a:yes>b"), edge("a:else>b")], ["bad_condition"]),
    ],
)
def test_a_branch_asks_and_has_an_else(edges: list[DrawnEdge], expected: list[str]) -> None:
    assert [code for code, _ in told(drawing(node("a", "branch"), node("b", "exit"), *edges))] == expected


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([50, 50], []), ([100], ["no_split"]), ([50, 40], ["bad_weight"]), ([120, -20], ["bad_weight"]),
     ([50.0, 50.0], ["bad_weight"]), ([None, 100], ["bad_weight"]), ([True, 99], ["bad_weight"])],
)  # fmt: skip
def test_the_weights_of_a_split_add_up_to_a_hundred(weights: list[object], expected: list[str]) -> None:
    ways = [edge(f"a:way{number}>b", weight=weight) for number, weight in enumerate(weights)]
    assert [code for code, _ in told(drawing(node("a", "split"), node("b", "exit"), *ways))] == expected


@pytest.mark.parametrize(("kind", "exits"), [("branch", ["else"]), ("wait_for", ["happened", "timeout"])])
def test_an_exit_that_leads_nowhere_is_called_as_the_edge_would_be(kind: str, exits: list[str]) -> None:
    said = [fault.message for fault in faults(drawing(node("a", kind)), SURROUNDINGS) if "missing" in fault.code]
    assert said == [f"Say what happens next: no edge leaves by '{label}'." for label in exits]


def test_a_loop_goes_through_a_jump_and_a_wait() -> None:
    send, pause, jump = node("send", "sms_send"), node("pause", "wait"), node("jump", "jump")
    endless = drawing(send, pause, "send>pause", "pause>send", start="send")
    hasty = drawing(send, jump, "send>jump", "jump:again>send", start="send")
    good = drawing(send, pause, jump, "send>pause", "pause>jump", "jump:again>send", start="send")
    assert told(endless) == [("endless_loop", "send")]
    assert told(hasty) == [("loop_without_wait", "send")]
    assert told(good) == []


@pytest.mark.parametrize(
    "wait", [{"mode": "date", "date": "2027-01-31", "time": "09:00"}, {"mode": "event", "days": -1, "time": "09:00"}]
)
def test_a_day_is_over_for_good_and_holds_a_loop_up_once(wait: dict[str, object]) -> None:
    send, jump, day = node("send", "sms_send"), node("jump", "jump"), DrawnNode("day", "wait", "", wait)
    drawn = drawing(send, day, jump, "send>day", "day>jump", "jump:again>send", start="send")
    assert told(drawn) == [("loop_without_wait", "send")]


def test_only_a_call_has_outcomes() -> None:
    def waiting(event: str) -> Drawing:
        ask = node("ask", "wait_for", event=event, outcomes=["Busy"])
        return drawing(ask, node("end", "exit"), "ask:happened>end", "ask:timeout>end")

    assert told(waiting("call_outcome")) == []
    assert told(waiting("reply")) == [("needless_outcomes", "ask")]


def test_names_that_there_are_not_are_told_where_somebody_would_wait_or_be_asked_for_them_in_vain() -> None:
    ask = node("ask", "wait_for", event="call_outcome", outcomes=["Busy", "Bussy"])
    end = node("end", "exit")
    assert told(drawing(ask, end, "ask:happened>end", "ask:timeout>end")) == [("unknown_outcome", "ask")]

    def asked(**condition: Any) -> list[tuple[str, str]]:
        return told(drawing(node("b", "branch"), end, edge("b:x>end", **condition), "b:else>end"))

    last, status = "last.disposition", "enrollment.status"
    assert asked(fact=last, value="meeting BOOKED", **{"is": "equal"}) == []
    assert asked(fact=last, value=["Busy", "Meeting bokked"], **{"is": "among"}) == [("bad_condition", "b")]
    nested = [{"all": [{"fact": status, "is": "other", "value": "Needs DBR"}]}]
    assert asked(any=nested) == [("bad_condition", "b")]
    assert asked(fact=status, **{"is": "filled"}) == []


def test_every_loop_is_told() -> None:
    nodes = [node(key, "stage") for key in "abcd"]
    two = drawing(*nodes, "a>b", "b:x>a", "b>c", "c>d", "d:x>c", start="a")
    assert sorted(fault for fault in told(two) if fault[0] == "endless_loop") == [
        ("endless_loop", "a"),
        ("endless_loop", "c"),
    ]


def test_a_graph_that_is_too_large_is_told_so_and_nothing_else() -> None:
    assert told(drawing(*[node(f"n{n}", "stage") for n in range(501)])) == [("too_large", "")]


def test_however_many_loops_there_are_each_edge_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [f"n{n}" for n in range(400)]
    drawn = drawing(*[node(key, "stage") for key in keys], *[f"{key}>{key}" for key in keys])
    tried: list[str] = []
    leaving = Drawing.leaving
    monkeypatch.setattr(Drawing, "leaving", lambda self, key: tried.append(key) or leaving(self, key))
    assert list(drawn.loops()) == [[key] for key in keys]
    assert tried == keys


GONE = Fault("no_content", "There is no content 'gone'.", "a", "content")


@pytest.mark.parametrize(
    ("kind", "settings", "surroundings", "expected"),
    [
        ("sms_send", {"content": "gone"}, SURROUNDINGS, GONE),
        ("sms_send", {"content": "mail"}, SURROUNDINGS, "other_channel"),
        ("sms_send", {"content": "odd"}, SURROUNDINGS, "unknown_tag"),
        ("sms_send", {"content": "open"}, SURROUNDINGS, "unknown_tag"),
        ("call_task", {"script": "gone"}, SURROUNDINGS, "no_content"),
        ("email_send", {}, Surroundings(SURROUNDINGS.contents, senders=frozenset({"sms"})), "no_sender"),
        ("voicemail_drop", {"consent": "any"}, SURROUNDINGS, "bad_setting"),
    ],
)  # fmt: skip
def test_a_send_needs_something_to_send_and_somebody_who_does(
    kind: str, settings: dict[str, str], surroundings: Surroundings, expected: Fault | str
) -> None:
    odd = {"odd": Content("sms", "", "{{contact.shoe_size}}"), "open": Content("sms", "", "{{contact.name")}
    around = replace(surroundings, contents={**surroundings.contents, **odd})
    (found,) = faults(drawing(node("a", kind, **settings)), around)
    assert expected in (found, found.code)


def test_a_voicemail_says_which_consent_it_needs() -> None:
    silent = DrawnNode("a", "voicemail_drop", "", {"content": "voice"})
    assert told(drawing(silent)) == [("no_consent_rule", "a")]


def test_a_template_has_no_sender_yet() -> None:
    before = Surroundings(SURROUNDINGS.contents, SURROUNDINGS.statuses, senders=None)
    assert told(drawing(node("a", "email_send")), before) == []


KEYS = "abcde"
DRAWN = st.builds(
    lambda kinds, ends: Drawing.of(
        [node(key, kind) for key, kind in zip(KEYS, kinds, strict=True)],
        [DrawnEdge(source, target, str(number)) for number, (source, target) in enumerate(ends)],
        start="a",
    ),
    st.lists(st.sampled_from(["stage", "wait", "jump"]), min_size=5, max_size=5),
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=8),
)


@given(DRAWN)
def test_loops_are_those_that_somebody_could_walk(drawn: Drawing) -> None:
    """Whoever walks every way of the graph, node by node, finds a way back exactly where a loop is told."""
    allowed = {each.key for each in drawn.nodes if each.type != "jump"}
    steps = {(e.source, e.target) for e in drawn.edges if {e.source, e.target} <= allowed}
    ways = set(steps)
    for _ in KEYS:
        ways |= {(a, d) for (a, b), (c, d) in itertools.product(ways, steps) if b == c}
    back = {source for source, target in ways if source == target}
    loops = list(drawn.loops(without=set(KEYS) - allowed))
    assert bool(loops) == bool(back)
    for loop in loops:
        assert set(loop) <= back
        assert all(step in steps for step in zip(loop, [*loop[1:], loop[0]], strict=True))
    left = allowed - {key for loop in loops for key in loop}
    assert not [1 for loop in drawn.loops(without=set(KEYS) - left)]


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3))
SETTINGS = [*{name for each in DEFAULTS.values() for name in each}, "time", "weekdays", "outcomes", "x"]
ASKS = st.dictionaries(st.sampled_from(["fact", "is", "value", "all", "any", "weight"]), ODD)
ODD_NODES = st.builds(
    DrawnNode,
    st.sampled_from(["a", "b", ""]),
    st.sampled_from([*NodeType.values, "fax", ""]),
    config=st.dictionaries(st.sampled_from(SETTINGS), ODD),
)
ODD_EDGES = st.builds(
    DrawnEdge,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["next", "else", "timeout", "x"]),
    ASKS,
)


@given(st.builds(Drawing.of, st.lists(ODD_NODES, max_size=3), st.lists(ODD_EDGES, max_size=4)))
def test_no_graph_is_so_strange_that_it_cannot_be_judged(drawn: Drawing) -> None:
    assert all(fault.code and fault.message for fault in faults(drawn, SURROUNDINGS))
