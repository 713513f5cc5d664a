"""The bodies of requests and answers, as others write them."""

import json
import re
from typing import Any, Final

import orjson

LOST: Final = "\ufffd"  # stands where a character could not be read
_HALVES: Final = re.compile("[\ud800-\udfff]")


def loaded(body: bytes) -> Any:
    """Return what ``body`` says in JSON; half a character, which whoever cuts a text short leaves, is ``LOST``.

    :raises ValueError: this is no JSON.
    """
    try:
        return orjson.loads(body)
    except ValueError:
        return orjson.loads(_whole(body))


def _whole(body: bytes) -> str:
    try:
        return _HALVES.sub(LOST, json.dumps(json.loads(body.decode()), ensure_ascii=False))
    except RecursionError:
        raise ValueError("This is nested too deep.") from None
