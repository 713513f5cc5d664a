"""News is kept first and understood later (DESIGN 21): whoever tells us has its answer in milliseconds."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction

from config.kernel import faults
from config.kernel.ids import uuid7
from config.kernel.work import ring
from integrations.bodies import LOST
from integrations.inbox.hooks import Hook, Item, Unreadable
from integrations.tasks import read_inbox

LONGEST_KEY = 100
_KEEP = """
    WITH told AS (SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS t (id, key, body)),
    kept AS (INSERT INTO integrations_news (id, provider, key, received_at, signed, due_at)
             SELECT id, %s, key, %s, %s, %s FROM told ORDER BY key
             ON CONFLICT (provider, key) DO NOTHING RETURNING id)
    INSERT INTO integrations_newsbody (id, body) SELECT told.id, told.body FROM told JOIN kept USING (id)"""

faults.register("inbox.before_commit", "inbox.after_commit")


def items_of(hook: Hook, body: bytes) -> list[Item]:
    """Return what was told in ``body``; what cannot be taken apart is one thing, known by its hash."""
    try:
        found = list(hook.items(body))
    except Unreadable:
        found = []
    return [_known(item) for item in found] or [Item(hashed(body), body)]


def hashed(body: bytes) -> str:
    return f"sha256:{sha256(body).hexdigest()}"


def _known(item: Item) -> Item:
    """An id that no database keeps, or of which something was lost, is none."""
    is_usable = 0 < len(item.key) <= LONGEST_KEY and "\0" not in item.key and LOST not in item.key
    return item if is_usable else Item(hashed(item.body), item.body)


def keep(*, provider: str, items: Iterable[Item], signed: bool, at: datetime) -> int:
    """Keep what was told, in one transaction, and wake a worker; return how much of it was news.

    In the order of their keys, so that two who tell the same wait for each other and never deadlock.
    """
    told = list(items)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                _KEEP,
                [
                    [uuid7() for _ in told], [item.key for item in told], [item.body for item in told],
                    provider, at, signed, at,
                ],
            )  # fmt: skip
            kept = int(cursor.rowcount)
        if kept:
            ring(read_inbox)
        faults.point("inbox.before_commit")
    faults.point("inbox.after_commit")
    return kept
