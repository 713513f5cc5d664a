"""One JSON object per line, with the request's id and without personal data."""

import json
import logging
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from config.kernel.http import request_id

_KEPT = (
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"  # a UUID
    r"|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b"  # a moment
)
_PRIVATE = re.compile(rf"({_KEPT})|\+?\d[\d\s().-]{{7,}}\d|[^\s<>(),;:=\"']+(?:@|%40)[^\s<>(),;:\"']+")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_LONGEST_CHAIN = 10
# The servers quote what a peer sent, whatever it was: a request line, a header, an address with its query.
_SERVERS = ("gunicorn", "uvicorn", "websockets")
_QUOTED = re.compile(r"'[^']*'?|\"[^\"]*\"?|\?\S*")


def redact(text: str) -> str:
    """Replace what looks like a phone number or an e-mail address: logs are read by more people than the database."""
    return _PRIVATE.sub(lambda found: found[1] or "[redacted]", text)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; what was passed as ``extra`` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        for name, value in record.__dict__.items():
            if name not in _STANDARD and isinstance(value, str | int | float | bool | None):
                line[name] = redact(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[1]:
            line["error"] = redact("\n".join(_told(record.exc_info[1])))
        return json.dumps(line)


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage().strip()
    if str(record.name).partition(".")[0] in _SERVERS:
        text = _QUOTED.sub("[redacted]", text)
    return redact(text)


def _told(error: BaseException) -> Iterator[str]:
    """Where each error of the chain arose and the first line of what it says, the last one first.

    The lines after the first are where PostgreSQL quotes the row: "DETAIL: Failing row contains ...".
    """
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain and len(chain) < _LONGEST_CHAIN:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    for one in chain:
        yield f"{type(one).__module__}.{type(one).__qualname__}: {(str(one).splitlines() or [''])[0]}"
        yield from _frames(one.__traceback__)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        yield f"  {frame.filename}:{frame.lineno} {frame.name}"
