"""Hints to screens. Lossy by contract: a page can always fetch the truth again."""

import logging
import os
from functools import cache
from threading import Lock
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
        _publisher(config["hosts"][0], os.getpid()).publish(f"{config['prefix']}__group__{group}", body)
    except (OSError, redis.RedisError) as error:
        logger.warning("Screens of %s were not told: %s", group.split(".")[0], type(error).__name__)


class _Publisher:
    """One connection per process on which the broker does not answer: nobody waits for how many screens have heard."""

    def __init__(self, address: str) -> None:
        patience = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
        self._pool = redis.ConnectionPool.from_url(address, **patience)
        self._connection: Any = None
        self._turn = Lock()

    def publish(self, channel: str, body: bytes) -> None:
        """:raises redis.RedisError: the broker is away; the next hint tries it again."""
        with self._turn:
            own, self._connection = self._connection, None  # nobody's, should anything fail
            if own is None or _is_lost(own):
                own = self._connected(own)
            own.send_command("PUBLISH", channel, body, check_health=False)
            self._connection = own

    def _connected(self, lost: Any) -> Any:
        if lost:
            lost.disconnect()
        own: Any = self._pool.make_connection()
        own.connect()
        own.send_command("CLIENT", "REPLY", "OFF", check_health=False)
        return own


def _is_lost(own: Any) -> bool:
    """All that can ever be read on such a connection is its end."""
    try:
        lost: bool = own.can_read(0)
    except (OSError, redis.RedisError):
        lost = True
    return lost


@cache
def _publisher(address: str, process: int) -> _Publisher:
    """A child process must not speak on its parent's connection."""
    return _Publisher(address)
