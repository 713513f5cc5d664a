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
from config.kernel.redaction import brief, chain, redact, redact_quoted

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# The servers quote what a peer sent, whatever it was: a request line, a header, an address with its query. Celery
# quotes what a task said when it broke.
_SERVERS = ("celery", "gunicorn", "uvicorn", "websockets")
_ASKED = re.compile(r"\?\S*")


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
            line["error"] = "\n".join(_told(record.exc_info[1]))
        return json.dumps(line)


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage().strip()
    if str(record.name).partition(".")[0] in _SERVERS:
        return redact_quoted(_ASKED.sub("[redacted]", text))
    return redact(text)


def _told(error: BaseException) -> Iterator[str]:
    """Where each error of the chain arose and what it is, the last one first."""
    for one in chain(error):
        yield brief(one)
        yield from _frames(one.__traceback__)


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        yield redact(f"  {frame.filename}:{frame.lineno} {frame.name}")
