"""Where the rows are in a JSON file, and a row of JSON as flat text.

Understood: an array of objects; an object that holds one (ArcGIS and GeoJSON features, Socrata, CKAN, any API answer);
a single object; and JSON lines.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from crm.services.files.json_text import JsonText
from crm.services.files.names import told_apart

WELL_KNOWN = {"features", "data", "results", "result", "records", "rows", "items", "value"}  # in lower case
PATH_DEPTH = 3  # {"result": {"records": [...]}} is 2
FLAT_DEPTH = 3
OWN_SHAPE = frozenset({"project", "contacts"})


class Element(NamedTuple):
    line: int
    value: Any


def find_rows(text: JsonText) -> tuple[str, ...] | None:
    """The keys that lead to the array of objects inside the object that begins here; None where there is none.

    A well-known name decides at once; else the longest array does, which takes reading to the end.

    :raises BrokenJson: the text is not JSON.
    """
    found: list[tuple[int, tuple[str, ...]]] = []
    for path, objects in _arrays(text, ()):
        if objects and path[-1].lower() in WELL_KNOWN:
            return path
        found.append((objects, path))
    text.end()
    objects, path = max(found, key=lambda item: item[0], default=(0, ()))
    return path if objects else None


def _arrays(text: JsonText, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield each array with the number of objects in it; one for a well-known name, of which only the first is read."""
    for key in text.keys():  # noqa: SIM118 - it is a stream, not a dictionary
        here = (*path, key)
        if text.peek() == "{" and len(here) < PATH_DEPTH:
            yield from _arrays(text, here)
        elif text.peek() == "[":
            objects = 0
            for _, value in text.elements():
                objects += isinstance(value, dict)
                if objects and key.lower() in WELL_KNOWN:
                    yield here, 1
            yield here, objects
        else:
            text.value()


def elements_at(text: JsonText, path: tuple[str, ...]) -> Iterator[Element]:
    """Yield the elements of the array to which the keys lead, then read on to the end of the object.

    :raises BrokenJson: the text is not JSON; the elements before that place were yielded.
    """
    if not path:
        yield from (Element(line, value) for line, value in text.elements())
        return
    for key in text.keys():  # noqa: SIM118 - it is a stream, not a dictionary
        if key == path[0]:
            yield from elements_at(text, path[1:])
        else:
            _skip(text)


def _skip(text: JsonText) -> None:
    if text.peek() != "[":
        text.value()
        return
    for _ in text.elements():
        pass


def is_own_shape(value: dict[str, Any]) -> bool:
    """Whether this is a record as our API takes it: a project and a list of contacts, or one of them."""
    project, contacts = value.get("project"), value.get("contacts")
    known_project = isinstance(project, dict) and "project_id" in project
    return bool(value) and value.keys() <= OWN_SHAPE and (known_project or isinstance(contacts, list))


def flatten(value: dict[str, Any]) -> dict[str, str]:
    """One object as columns of text: nested objects become "outer.inner", lists of plain values are joined by "; ".

    The properties of a feature stand for the feature; its point becomes "longitude" and "latitude". A record in our own
    shape is its two parts, as JSON. Names that differ in nothing but their spelling are told apart, so none is lost.
    """
    flat: dict[str, str] = {}
    if is_own_shape(value):
        return {name: _text(json.dumps(part, ensure_ascii=False)) for name, part in value.items() if part is not None}
    inner = value.get("attributes", value.get("properties"))
    if isinstance(inner, dict) and ("geometry" in value or value.keys() <= {"attributes", "properties", "type", "id"}):
        _flatten(inner, "", 0, flat)
        _place(value.get("geometry"), flat)
    else:
        _flatten(value, "", 0, flat)
    return dict(zip(told_apart(list(flat)), flat.values(), strict=True))


def _flatten(value: dict[str, Any], prefix: str, depth: int, flat: dict[str, str]) -> None:
    for key, item in value.items():
        name = prefix + _text(key)
        if isinstance(item, dict) and depth < FLAT_DEPTH:
            _flatten(item, name + ".", depth + 1, flat)
        else:
            flat[name] = _plain(item)


def _plain(item: Any) -> str:
    if isinstance(item, str):
        return _text(item)
    if item is None:
        return ""
    if isinstance(item, list) and not any(isinstance(part, dict | list) for part in item):
        return "; ".join(_plain(part) for part in item)
    return _text(json.dumps(item, ensure_ascii=False))


def _text(text: str) -> str:
    """Without what no database stores: NULs go, halves of surrogate pairs become the replacement character."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "")


def _place(geometry: Any, flat: dict[str, str]) -> None:
    if not isinstance(geometry, dict):
        return
    point = geometry.get("coordinates") if geometry.get("type") == "Point" else [geometry.get("x"), geometry.get("y")]
    if isinstance(point, list) and len(point) >= 2 and all(isinstance(part, str) for part in point[:2]):
        flat.setdefault("longitude", point[0])
        flat.setdefault("latitude", point[1])
