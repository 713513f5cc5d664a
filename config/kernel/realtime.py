"""Hints to screens. Lossy by contract: a page can always fetch the truth again."""

import logging
from functools import cache
from typing import Any

import redis
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)
PATIENCE = 1.0  # seconds


def tell(group: str, kind: str, **facts: Any) -> None:
    """Tell every screen in ``group`` that something of ``kind`` happened, once the transaction commits.

    ``facts`` are ids and states, never personal data; a group whose members see different things is told none. A broker
    that is away is logged and costs nothing else.
    """
    transaction.on_commit(lambda: _send(group, {"kind": kind, **facts}), robust=True)


def _send(group: str, message: dict[str, Any]) -> None:
    """Publish what ``group_send`` of the layer would: from synchronous code that one needs an event loop, a thread and
    a connection for every hint, which takes longer than leasing a pair."""
    config: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    body = get_channel_layer().serialize({"type": "hint", "message": message})
    try:
        _publisher(config["hosts"][0]).publish(f"{config['prefix']}__group__{group}", body)
    except (OSError, redis.RedisError) as error:
        logger.warning("Screens of %s were not told: %s", group.split(".")[0], type(error).__name__)


@cache
def _publisher(address: str) -> redis.Redis:
    return redis.Redis.from_url(address, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
