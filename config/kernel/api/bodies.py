"""What a body may say: JSON as RFC 8259 has it, of sane size and depth, that PostgreSQL can keep."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rest_framework.exceptions import APIException, ErrorDetail, ParseError, ValidationError
from rest_framework.parsers import BaseParser

from config.kernel.api.answers import Json

MAX_BYTES, MAX_DEPTH, MAX_DIGITS = 1_000_000, 20, 300


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class StrictJson(BaseParser):
    """Refuses what two readers could understand differently: a name twice, NaN, numbers beyond a double, NUL.

    A view that takes more than a megabyte says so in ``max_body_bytes``.
    """

    media_type = "application/json"
    renderer_class = Json  # how the browsable API writes an example of such a body

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        view = (parser_context or {}).get("view")
        text = _decoded(_read(stream, getattr(view, "max_body_bytes", MAX_BYTES)))
        try:
            data = json.loads(
                text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_float, parse_int=_int
            )
        except RecursionError as error:
            raise ParseError(f"The body is nested more than {MAX_DEPTH} deep.", "too_deep") from error
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ParseError(f"The body is not JSON: {error.msg} at {where}.") from error
        if bad := dict(_unkeepable(data)):
            raise ValidationError(bad)
        return data


def _read(stream: Any, limit: int) -> bytes:
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes: send it in parts.")
    return body


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8: byte {error.start} cannot stand there.", "not_utf8") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({_spelled(name) for name in names if names.count(name) > 1})
        raise ParseError(f"The body says these twice: {', '.join(twice)[:200]}.", "duplicate_name")
    return found


def _no_constant(name: str) -> Any:
    raise ParseError(f"{name} is not JSON: leave the value out, or send null.")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ParseError(f"The number {digits[:40]} is too large.")
    return value


def _int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ParseError(f"The number {digits[:40]}... is too large.")
    return int(digits)


def _unkeepable(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, list[ErrorDetail]]]:
    """Yield the path of every text that PostgreSQL cannot keep, each with the reason."""
    if depth > MAX_DEPTH:
        raise ParseError(f"The body is nested more than {MAX_DEPTH} deep.", "too_deep")
    if isinstance(value, str) and (reason := _unkeepable_text(value)):
        yield path, [ErrorDetail(reason, "bad_text")]
    if isinstance(value, dict):
        for name in filter(_unkeepable_text, value):
            yield _step(path, name), [ErrorDetail("A name may not hold that character.", "bad_text")]
    for name, inner in _parts(value):
        yield from _unkeepable(inner, _step(path, name), depth + 1)


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _step(path: str, name: str | int) -> str:
    return f"{path}.{_spelled(str(name))}".strip(".")


def _unkeepable_text(text: str) -> str:
    if "\0" in text:
        return "Text may not hold the NUL character."
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return "Text may not hold half of a surrogate pair."
    return ""


def _spelled(name: str) -> str:
    return json.dumps(name)[1:-1] if _unkeepable_text(name) else name
