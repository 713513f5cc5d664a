"""Hints to screens. Lossy by contract: a page can always fetch the truth again."""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)


def tell(group: str, kind: str, **facts: Any) -> None:
    """Tell every screen in ``group`` that something of ``kind`` happened, once the transaction commits.

    ``facts`` are ids and states, never personal data. A broker that is away is logged and costs nothing else.
    """
    transaction.on_commit(lambda: _send(group, {"kind": kind, **facts}), robust=True)


def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group, {"type": "hint", "message": message})
    except (OSError, RuntimeError) as error:
        logger.warning("Screens of %s were not told: %s", group.split(".")[0], type(error).__name__)
