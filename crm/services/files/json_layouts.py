"""How the rows of a JSON file lie: where its array of objects is, and which columns its objects have."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from crm.services.files.dialects import Dialect
from crm.services.files.json_rows import OWN_SHAPE, Element, elements_at, find_rows, flatten, is_own_shape
from crm.services.files.json_text import DECODER, BrokenJson, JsonText
from crm.services.files.lines import blocks
from crm.services.files.names import remarks_on, same
from crm.services.files.rows import RAW_LIMIT, BadRow, Row
from crm.services.files.sources import NotATable, Source

SAMPLE = 500  # objects whose keys become columns; keys that first appear later go to ``Row.extra``
JSON_NAME = re.compile(r"\.(json|geojson|jsonl|ndjson)(\.gz)?$", re.IGNORECASE)
LINES_NAME = re.compile(r"\.(jsonl|ndjson)(\.gz)?$", re.IGNORECASE)
JSON_START = re.compile(r"[\s\ufeff]*(\{\s*(\"|\})|\[\s*(\{|\]))")
LINES_START = re.compile(r"\s*\{[^\n]*\}[ \t\r]*\n\s*\{")
NOT_AN_OBJECT = "The row is {kind}, not an object with named values."
KINDS = {dict: "an object", list: "an array", str: "a text or number", bool: "true or false", type(None): "null"}


def is_json(text: str, name: str) -> bool:
    return bool(JSON_NAME.search(name) or JSON_START.match(text))


@dataclass
class Json:
    """An array of objects, found by the keys of ``path``; or with ``path`` None a single value, which is one row."""

    encoding: str
    path: tuple[str, ...] | None
    columns: list[str] = field(default_factory=list)
    header: list[str] | None = None
    sample: list[list[str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    dialect: Dialect | None = None
    kind: str = "json"

    def elements(self, source: Source) -> Iterator[Element | BadRow]:
        """Yield what stands where rows should; a :class:`BadRow` in the place from which on nothing can be read."""
        text = JsonText(source.plain(), self.encoding)
        try:
            if self.path is None:
                text.peek()
                yield Element(text.line, text.value())
            else:
                yield from elements_at(text, self.path)
            text.end()
        except BrokenJson as error:
            reason = f"From line {error.line} on this is no JSON: {error}. Nothing behind this place was read."
            yield BadRow(0, error.line, "", reason, "broken_json")
        finally:
            text.close()

    def rows(self, source: Source, start: int) -> Iterator[Row | BadRow]:
        place = {same(name): index for index, name in enumerate(self.columns)}
        for number, element in enumerate(self.elements(source), start=1):
            if number <= start:
                continue
            yield _row(number, element, place)


@dataclass
class JsonLines(Json):
    kind: str = "jsonl"

    def elements(self, source: Source) -> Iterator[Element | BadRow]:
        for block in blocks(source.plain(), encoding=self.encoding, newline="\n"):
            for line, text in enumerate(block.lines, start=block.first):
                if text.strip():
                    yield _line(line, text)


def _line(number: int, text: str) -> Element | BadRow:
    try:
        return Element(number, DECODER.decode(text.strip()))
    except (ValueError, RecursionError) as error:
        return BadRow(0, number, text[:RAW_LIMIT], f"The line is no JSON: {error}.", "broken_json_line")


def _row(number: int, element: Element | BadRow, place: dict[str, int]) -> Row | BadRow:
    if isinstance(element, BadRow):
        return element._replace(number=number)
    if not isinstance(element.value, dict):
        reason = NOT_AN_OBJECT.format(kind=KINDS[type(element.value)])
        raw = json.dumps(element.value, ensure_ascii=False)[:RAW_LIMIT]
        return BadRow(number, element.line, raw, reason, "not_an_object")
    cells, extra = [""] * len(place), {}
    for name, text in flatten(element.value).items():
        if (at := place.get(same(name))) is not None:
            cells[at] = text
        else:
            extra[name] = text
    return Row(number, element.line, cells, "", extra or None, element.value if is_own_shape(element.value) else None)


def look_at_json(source: Source, text: str, *, encoding: str) -> Json:
    """Find the rows of a JSON file and the columns of the first ``SAMPLE`` of them.

    :raises NotATable: it is no JSON from the very beginning.
    """
    if LINES_NAME.search(source.name) or LINES_START.match(text):
        layout: Json = JsonLines(encoding, ())
    else:
        layout = Json(encoding, _path(source, encoding))
    objects: list[dict[str, str]] = []
    broken = ""
    for element in islice(layout.elements(source), SAMPLE):
        if isinstance(element, BadRow):
            broken = broken or element.reason
        elif isinstance(element.value, dict):
            objects.append(flatten(element.value))
    if broken and not objects:
        raise NotATable(f"{source.name} cannot be read. {broken}")
    names: dict[str, str] = {}  # another spelling in another object is the same column
    for flat in objects:
        for name in flat:
            names.setdefault(same(name), name)
    layout.columns = list(names.values())
    layout.header = layout.columns or None
    layout.remarks = [*_remarks(objects), *remarks_on(layout.columns)]
    by_name = [{same(name): text for name, text in flat.items()} for flat in objects]
    layout.sample = [[flat.get(name, "") for name in names] for flat in by_name]
    return layout


def _remarks(objects: list[dict[str, str]]) -> list[str]:
    lists = {name for flat in objects if not flat.keys() <= OWN_SHAPE for name in flat if flat[name].startswith("[{")}
    if not lists:
        return []
    return [f"Lists of objects inside rows are kept as text, nobody is made of them: {', '.join(sorted(lists)[:10])}."]


def _is_one_record(source: Source, encoding: str) -> bool:
    """Whether the whole file is one record in our own shape: then its contacts are not the rows."""
    text = JsonText(source.plain(), encoding)
    try:
        value = text.value()
    except BrokenJson:  # or longer than a record may be
        return False
    finally:
        text.close()
    return isinstance(value, dict) and is_own_shape(value)


def _path(source: Source, encoding: str) -> tuple[str, ...] | None:
    text = JsonText(source.plain(), encoding)
    try:
        start = text.peek()
        if start == "[":
            return ()
        path = find_rows(text) if start == "{" else None
        return None if path == ("contacts",) and _is_one_record(source, encoding) else path
    except BrokenJson as error:
        raise NotATable(f"{source.name} cannot be read. From line {error.line} on this is no JSON: {error}.") from error
    finally:
        text.close()
