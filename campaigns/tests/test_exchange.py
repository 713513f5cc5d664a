import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.choices import NodeType
from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from campaigns.services import exchange
from campaigns.tests.test_validation import WHOLE

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
KEYS = st.text(st.sampled_from("ab=+-@'\t \"\n,;"), min_size=1, max_size=4)
VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
SETTINGS = st.dictionaries(TEXTS, VALUES | st.lists(VALUES | st.lists(VALUES, max_size=1), max_size=2), max_size=3)
PLACES = st.floats(-(2.0**62), 2.0**62)


@st.composite
def drawings(draw: st.DrawFn) -> Drawing:
    keys = draw(st.lists(KEYS, min_size=1, max_size=4, unique=True))
    kinds = st.sampled_from(NodeType.values)
    nodes = [DrawnNode(key, draw(kinds), draw(TEXTS), draw(SETTINGS), draw(PLACES), draw(PLACES)) for key in keys]
    ends = st.sampled_from(keys)
    edges = st.builds(DrawnEdge, ends, ends, KEYS, SETTINGS, st.integers(0, 99))
    return Drawing.of(nodes, draw(st.lists(edges, max_size=4)), start=draw(ends))


@given(drawings(), st.sampled_from([1, 5, exchange.LONGEST_CELL]))
def test_what_is_written_is_read_back_and_no_cell_of_it_is_a_formula(drawn: Drawing, longest: int) -> None:
    assert exchange.from_json(exchange.to_json(drawn)) == drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "LONGEST_CELL", longest)
        written = exchange.to_csv(drawn)
    found = exchange.from_csv(written)
    assert (found.start, found.by_key, found.edges) == (drawn.start, drawn.by_key, drawn.edges)
    for line in csv.reader(io.StringIO(written, newline="")):
        assert not [cell for cell in line if cell.startswith(("=", "+", "@", "\t", "\r"))]
        assert not [cell for cell in line if cell.startswith("-") and not _is_number(cell)]


def _is_number(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "").replace("e", "").replace("+", "").replace("-", "").isdigit()


def test_a_graph_of_long_settings_is_read_back_from_cells_that_a_spreadsheet_holds() -> None:
    among = {
        "fact": "contact.title",
        "is": "among",
        "value": [f"Director number {number:06}" for number in range(8000)],
    }
    ways = [DrawnEdge("b", "e", "yes", among), DrawnEdge("b", "e", "else")]
    drawn = Drawing.of([DrawnNode("b", "branch"), DrawnNode("e", "exit")], ways)

    written = exchange.to_csv(drawn)

    assert exchange.from_csv(written) == drawn
    assert max(len(cell) for line in csv.reader(io.StringIO(written, newline="")) for cell in line) <= 32_767
    assert {len(line) for line in csv.reader(io.StringIO(exchange.to_csv(WHOLE)))} == {len(exchange.COLUMNS)}


def test_a_graph_written_by_hand_needs_keys_and_types() -> None:
    found = exchange.from_json(b'{"nodes": [{"key": "a", "type": "exit"}]}')
    assert found == Drawing("a", (DrawnNode("a", "exit"),), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("[]", "an object with"),
        ('{"color": "red", "nodes": []}', "nothing else"),
        ('{"nodes": {}}', "lists"),
        ('{"nodes": [1]}', r"nodes\[0\] is an object"),
        ('{"nodes": [{"type": "exit"}]}', r"nodes\[0\]: say its key"),
        ('{"nodes": [{"key": "a", "type": 1}]}', "'type' is a text"),
        ('{"nodes": [{"key": "a", "type": "exit", "x": true}]}', "'x' is a number"),
        ('{"nodes": [{"key": "a", "type": "exit", "color": "red"}]}', "nobody knows 'color'"),
        ('{"nodes": [], "edges": [{"source": "a"}]}', r"edges\[0\]: say its target"),
        ('{"nodes": [], "edges": [{"source": "a", "target": "b", "order": -1}]}', "from 0"),
        ('{"nodes": [], "start": 1}', "keys of nodes"),
        ('{"nodes": [' + ",".join(['{"key": "a", "type": "exit"}'] * 5001) + "]}", "at most 5,000"),
    ],
)
def test_what_is_no_graph_is_told_in_words(text: str, words: str) -> None:
    with pytest.raises(exchange.UnreadableGraph, match=words):
        exchange.from_json(text.encode())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("part,", "parts,"), "Columns are missing: part"),
        (("\r\nnode,start", "\r\nnod,start"), 'Line 2: "part" is'),
        (('""Needs BDR""', '""Needs BDR'), "Line 2: "),
        (("node,hello,sms_send", "node,,sms_send"), "say its key"),
        (("node,hello,sms_send,hello,0.0", "node,hello,sms_send,hello,left"), "Line 3: could not convert"),
    ],
)
def test_a_broken_line_is_named(change: tuple[str, str], words: str) -> None:
    text = exchange.to_csv(WHOLE)
    assert change[0] in text
    with pytest.raises(exchange.UnreadableGraph, match=words):
        exchange.from_csv(text.replace(*change))


@pytest.mark.parametrize("place", ["nan", "inf", "-inf", "1e400", "1e300", "-9223372036854775808"])
def test_a_place_that_json_could_not_hold_is_refused(place: str) -> None:
    text = exchange.to_csv(WHOLE).replace("node,hello,sms_send,hello,0.0", f"node,hello,sms_send,hello,{place}")
    with pytest.raises(exchange.UnreadableGraph, match="line 3: 'x' holds a number"):
        exchange.from_csv(text)


@pytest.mark.parametrize("number", [2**63, -(2**63), 1e300, 1e19, 10**300])
def test_a_number_that_no_file_could_hold_is_refused_wherever_it_stands(number: float) -> None:
    whole: dict[str, Any] = {"nodes": [{"key": "a", "type": "wait", "config": {"amounts": [{"amount": 2**63 - 1}]}}]}
    assert exchange.to_json(exchange.drawing_in(whole))
    whole["nodes"][0]["config"]["amounts"][0]["amount"] = number
    with pytest.raises(exchange.UnreadableGraph, match=r"nodes\[0\]: 'config' holds a number"):
        exchange.drawing_in(whole)
    edge = {"source": "a", "target": "a", "condition": {"all": [{"value": number}]}}
    with pytest.raises(exchange.UnreadableGraph, match=r"edges\[0\]: 'condition' holds a number"):
        exchange.drawing_in({"nodes": [], "edges": [edge]})


def test_settings_that_no_file_could_hold_are_said_to_be_nested_too_deep() -> None:
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(exchange.UnreadableGraph, match=r"nodes\[0\]: 'config' is nested too deep"):
        exchange.drawing_in({"nodes": [{"key": "a", "type": "wait", "config": deep}]})


def test_a_spreadsheets_mark_at_the_beginning_is_no_part_of_the_first_column() -> None:
    assert exchange.from_csv("\ufeff" + exchange.to_csv(WHOLE)).by_key == WHOLE.by_key


def test_a_file_of_many_megabytes_is_not_read() -> None:
    with pytest.raises(exchange.UnreadableGraph, match="2 MB"):
        exchange.from_json(json.dumps({"nodes": [{"key": "a", "type": "exit", "name": "x" * 2_000_000}]}).encode())
