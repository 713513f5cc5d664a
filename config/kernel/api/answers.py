"""How an answer is written for programs."""

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

_PLAIN = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class Json(BaseRenderer):
    """Times are ISO 8601 in UTC with a Z. Columns that are JSON already pass through as ``orjson.Fragment``."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        indented = bool((renderer_context or {}).get("indent"))
        try:
            return orjson.dumps(data, default=_plain, option=_PLAIN | orjson.OPT_INDENT_2 if indented else _PLAIN)
        except orjson.JSONEncodeError:
            return json.dumps(_in_full(data), indent=2 if indented else None).encode()


def _in_full(value: Any) -> Any:
    """Return ``value`` as ``json`` can write it, with what ``orjson`` cannot: half characters, huge whole numbers."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(name): _in_full(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_in_full(inner) for inner in value]
    return json.loads(orjson.dumps(value, default=_plain, option=_PLAIN))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    raise TypeError(f"JSON has no word for a {type(value).__name__}.")
