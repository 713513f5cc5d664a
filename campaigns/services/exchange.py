"""Graphs as files: JSON for programs, CSV for spreadsheets. What is written is read back as the same drawing."""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from campaigns.rules.drawings import Drawing, DrawnEdge, DrawnNode
from config.kernel.errors import DomainError

LARGEST: Final = 2_000_000  # bytes of a file
MOST_PARTS: Final = 5_000
COLUMNS: Final = ("part", "key", "type", "name", "x", "y", "source", "target", "label", "order", "settings")
LONGEST_CELL = 32_000  # characters, as spreadsheets hold them; longer settings go on in "settings 2" and so on
BEYOND: Final = 2**63  # of any number
_SETTINGS: Final = re.compile(r"settings( \d+)?")
_PARTS: Final = ("node", "edge", "on_reply")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "'")  # what a spreadsheet would calculate


class UnreadableGraph(DomainError):
    """The file is no graph; ``details`` name the line or the part."""

    code = "unreadable_graph"


def to_json(drawing: Drawing) -> bytes:
    """Return a drawing as JSON, indented."""
    nodes = [
        {"key": node.key, "type": node.type, "name": node.name, "config": dict(node.config), "x": node.x, "y": node.y}
        for node in drawing.nodes
    ]
    edges = [
        {
            "source": edge.source,
            "target": edge.target,
            "label": edge.label,
            "condition": dict(edge.condition),
            "order": edge.order,
        }
        for edge in drawing.edges
    ]
    whole = {"start": drawing.start, "on_reply": drawing.on_reply, "nodes": nodes, "edges": edges}
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2)


def from_json(data: bytes) -> Drawing:
    """Return the drawing that ``to_json`` wrote, or somebody by hand: only keys and types of nodes are needed.

    :raises UnreadableGraph: it is something else.
    """
    _refuse_large(data)
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UnreadableGraph(f"This is no JSON: {error}.") from error
    return drawing_in(whole)


def drawing_in(whole: Any) -> Drawing:
    """Return the drawing that a JSON object describes. :raises UnreadableGraph: it describes none."""
    if not isinstance(whole, Mapping) or whole.keys() - {"start", "on_reply", "nodes", "edges"}:
        raise UnreadableGraph('A graph is an object with "start", "on_reply", "nodes" and "edges", and nothing else.')
    nodes, edges = whole.get("nodes"), whole.get("edges", [])
    if not isinstance(nodes, list) or not isinstance(edges, list) or len(nodes) + len(edges) > MOST_PARTS:
        raise UnreadableGraph(f'"nodes" and "edges" are lists, of at most {MOST_PARTS:,} parts together.')
    entries = {name: whole.get(name, "") for name in ("start", "on_reply")}
    if not all(isinstance(key, str) for key in entries.values()):
        raise UnreadableGraph('"start" and "on_reply" are keys of nodes.')
    drawn = [_node(item, f"nodes[{number}]") for number, item in enumerate(nodes)]
    return Drawing.of(drawn, [_edge(item, f"edges[{number}]") for number, item in enumerate(edges)], **entries)


def to_csv(drawing: Drawing) -> str:
    """Return a drawing as CSV: a line for each node, the start first, one for each edge, one for a reply's way.

    A cell that a spreadsheet would calculate begins with an apostrophe, and none is longer than one could hold.
    """
    lines: list[tuple[Any, ...]] = [
        ("node", node.key, node.type, node.name, node.x, node.y, "", "", "", "", _settings(node.config))
        for node in sorted(drawing.nodes, key=lambda node: node.key != drawing.start)
    ]
    lines += [
        ("edge", "", "", "", "", "", edge.source, edge.target, edge.label, edge.order, _settings(edge.condition))
        for edge in drawing.edges
    ]
    if drawing.on_reply:
        lines.append(("on_reply", "", "", "", "", "", "", drawing.on_reply, "", "", ""))
    cells = [[*line[:-1], *_cut(line[-1])] for line in lines]
    widest = max(map(len, cells), default=0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *(f"settings {number}" for number in range(2, 2 + widest - len(COLUMNS)))])
    writer.writerows([_guarded(cell) for cell in line] for line in cells)
    return out.getvalue()


def from_csv(text: str) -> Drawing:
    """Return the drawing that ``to_csv`` wrote. :raises UnreadableGraph: it is something else; it names the line."""
    _refuse_large(text.encode(errors="replace"))
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        if missing := set(COLUMNS) - set(reader.fieldnames or ()):
            raise UnreadableGraph(f"Columns are missing: {', '.join(sorted(missing))}.")
        parts = [name for name in reader.fieldnames or () if _SETTINGS.fullmatch(name)]
        lines = [(reader.line_num, _joined(line, parts)) for line in reader]
    except csv.Error as error:
        raise UnreadableGraph(f"Line {reader.line_num}: {error}.") from error
    if len(lines) > MOST_PARTS:
        raise UnreadableGraph(f"At most {MOST_PARTS:,} lines.")
    nodes = [_node(_of_line(line, number), f"line {number}") for number, line in _those(lines, "node")]
    edges = [_edge(_of_line(line, number), f"line {number}") for number, line in _those(lines, "edge")]
    replies = [line["target"] for _, line in _those(lines, "on_reply")]
    if len(nodes) + len(edges) + len(replies[:1]) < len(lines):
        odd = next((number for number, line in lines if line["part"] not in _PARTS), len(lines) + 1)
        raise UnreadableGraph(f'Line {odd}: "part" is "node" or "edge", or once "on_reply".')
    return Drawing.of(nodes, edges, start=nodes[0].key if nodes else "", on_reply="".join(replies))


def _cut(settings: str) -> list[str]:
    return [settings[begin : begin + LONGEST_CELL] for begin in range(0, len(settings), LONGEST_CELL)] or [""]


def _joined(line: Mapping[str, str | None], parts: Sequence[str]) -> dict[str, str]:
    """Return the cells of a line by column, its settings as one."""
    found = {name: _bare(line.get(name) or "") for name in COLUMNS}
    return found | {"settings": "".join(_bare(line.get(name) or "") for name in parts)}


def _those(lines: Iterable[tuple[int, dict[str, str]]], part: str) -> list[tuple[int, dict[str, str]]]:
    return [(number, line) for number, line in lines if line["part"] == part]


def _of_line(line: Mapping[str, str], number: int) -> dict[str, Any]:
    """Return a line of CSV as JSON would say it."""
    try:
        settings = orjson.loads(line["settings"] or "{}")
        numbers = {name: float(line[name]) for name in ("x", "y") if line[name]}
        order = {"order": int(line["order"])} if line["order"] else {}
    except ValueError as error:
        raise UnreadableGraph(f"Line {number}: {error}.") from error
    texts = {name: line[name] for name in ("key", "type", "name", "source", "target", "label") if line[name]}
    return {**texts, **numbers, **order, "config" if line["part"] == "node" else "condition": settings}


def _node(item: Any, where: str) -> DrawnNode:
    said = _object(item, where, {"key": str, "type": str, "name": str, "config": dict, "x": float, "y": float})
    _need(said, where, "key", "type")
    return DrawnNode(**said)


def _edge(item: Any, where: str) -> DrawnEdge:
    said = _object(item, where, {"source": str, "target": str, "label": str, "condition": dict, "order": int})
    _need(said, where, "source", "target")
    if not 0 <= said.get("order", 0) < 2**15:
        raise UnreadableGraph(f'{where}: "order" is a number from 0 to {2**15 - 1:,}.')
    return DrawnEdge(**said)


def _object(item: Any, where: str, kinds: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise UnreadableGraph(f"{where} is an object.")
    for name, value in item.items():
        kind = kinds.get(name)
        if kind is None:
            raise UnreadableGraph(f"{where}: nobody knows {name!r}; known are {', '.join(kinds)}.")
        if not isinstance(value, int | float if kind is float else kind) or isinstance(value, bool):
            raise UnreadableGraph(f"{where}: {name!r} is {_WORDS[kind]}.")
        if why := _unwritable(value):
            raise UnreadableGraph(f"{where}: {name!r} {why}")
    return {name: float(value) if kinds[name] is float else value for name, value in item.items()}


def _unwritable(value: Any) -> str:
    """What is read here is kept, read by others, and written again; return why this could not be, or ""."""
    try:
        orjson.dumps(value)
        is_held = all(map(_is_held, _numbers(value)))
    except TypeError as error:
        if "ecursion" in str(error):
            return "is nested too deep: say it flatter."
        is_held = False
    return "" if is_held else "holds a number that no file could hold: make it smaller."


def _is_held(number: float) -> bool:
    """Whether every reader holds it: a database writes a large one as a whole one, whatever it was."""
    return math.isfinite(number) and abs(number) < BEYOND


def _numbers(value: Any) -> Iterator[float]:
    """Yield every number in a value, however deep; true and false are none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(inner)


_WORDS: Final = {str: "a text", dict: "an object", float: "a number", int: "a whole number"}


def _need(said: Mapping[str, Any], where: str, *names: str) -> None:
    if missing := [name for name in names if not said.get(name)]:
        raise UnreadableGraph(f"{where}: say its {' and its '.join(missing)}.")


def _settings(said: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(said)).decode() if said else ""


def _guarded(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _refuse_large(data: bytes) -> None:
    if len(data) > LARGEST:
        raise UnreadableGraph(f"A file of more than {LARGEST // 1_000_000} MB is no graph.")
