"""Understanding what was kept. Each in a transaction of its own; what cannot be understood stops nobody else."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from config.kernel import faults
from config.kernel.errors import Conflict
from config.kernel.redaction import brief
from config.kernel.transactions import atomic_with_retries
from crm.models import User
from integrations.choices import NewsState
from integrations.inbox.hooks import Hook, TooEarly, Unreadable, hook_for
from integrations.models import News, NewsBody

logger = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(minutes=2)  # after which another worker takes what one has taken and not settled
MOST = 6  # attempts
FIRST_WAIT = timedelta(seconds=5)
FEW = 2  # alone, a thing is not worth the statements for many
_CLAIM = """
    WITH due AS (SELECT id FROM integrations_news
                 WHERE state = 'waiting' AND due_at <= %s AND attempts < %s
                 ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE integrations_news n SET due_at = %s, attempts = n.attempts + 1 FROM due WHERE n.id = due.id
    RETURNING n.id, n.provider, n.attempts, n.due_at, n.received_at, n.signed"""
_PARK = """
    UPDATE integrations_news SET state = 'parked', due_at = NULL, error = 'Its workers died of it.'
    WHERE id IN (SELECT id FROM integrations_news WHERE state = 'waiting' AND due_at <= %s AND attempts >= %s
                 ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)"""

_SETTLE = """
    UPDATE integrations_news n
    SET state = 'understood', due_at = NULL, error = '', understood_at = %s, kind = t.kind
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::text[]) AS t (id, due_at, kind)
    WHERE n.id = t.id AND n.state = 'waiting' AND n.due_at = t.due_at"""

faults.register("inbox.after_claim", "inbox.before_settle", "inbox.after_settle")


class Lapsed(Exception):
    """Another worker has taken it meanwhile; nothing of what this one did is kept."""


class NotStuck(Conflict):
    """It was understood, or waits for its turn."""

    code = "not_stuck"


@dataclass(frozen=True, slots=True)
class Taken:
    """Our claim on one row: whoever takes it after us moves ``due_at``."""

    id: UUID
    provider: str
    attempts: int
    due_at: datetime
    received_at: datetime
    signed: bool


def read_due(*, at: datetime, most: int = BATCH) -> int:
    """Take up to fifty things that wait, the longest first, and understand each; return how many were taken."""
    taken = _claim(at, most)
    faults.point("inbox.after_claim")
    bodies = {row.pk: bytes(row.body) for row in NewsBody.objects.filter(pk__in=[one.id for one in taken])}
    done = _read_together(taken, bodies, at)
    for one in taken:
        if one.id not in done:
            _read(one, bodies.get(one.id), at)
    return len(taken)


def read_again(*, news: News, by: User | None, at: datetime) -> News:
    """Let a worker take ``news`` anew, that was not understood. :raises NotStuck: there is nothing to read again."""
    changes = {"state": NewsState.WAITING, "due_at": at, "attempts": 0, "error": ""}
    if not News.objects.stuck().filter(pk=news.pk).update(**changes):
        raise NotStuck("This was understood, or waits for its turn: there is nothing to read again.")
    news.refresh_from_db()
    return news


@transaction.atomic
def _claim(at: datetime, most: int) -> list[Taken]:
    with connection.cursor() as cursor:
        cursor.execute(_PARK, [at, MOST, most])
        if cursor.rowcount:
            logger.error("%s news were parked: whoever read them died", cursor.rowcount)
        cursor.execute(_CLAIM, [at, MOST, most, at + LEASE])
        taken = [Taken(*row) for row in cursor.fetchall()]
    return sorted(taken, key=lambda one: one.id)


def _read_together(taken: list[Taken], bodies: Mapping[UUID, bytes], at: datetime) -> set[UUID]:
    """Understand what can be understood together, by provider, and return what was; trouble leaves all to ``_read``."""
    done: set[UUID] = set()
    for provider in {one.provider for one in taken}:
        mine = {one.id: one for one in taken if one.provider == provider and one.id in bodies}
        hook = hook_for(provider)
        if hook is None or len(mine) < FEW:
            continue
        try:
            done |= _understand_together(hook, mine, {key: bodies[key] for key in mine}, at)
        except Exception as error:  # noqa: BLE001 - one of them is at fault, and will be found by itself
            logger.info("News of %s is read one by one: %s", provider, type(error).__name__)
    return done


@atomic_with_retries
def _understand_together(
    hook: Hook, mine: Mapping[UUID, Taken], bodies: Mapping[UUID, bytes], at: datetime
) -> set[UUID]:
    kinds = hook.at_once(bodies, at=at)
    faults.point("inbox.before_settle")
    ours = [mine[key].due_at for key in kinds]
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [at, list(kinds), ours, [kind[:40] for kind in kinds.values()]])
        if cursor.rowcount != len(kinds):
            raise Lapsed
    return set(kinds)


def _read(one: Taken, body: bytes | None, at: datetime) -> None:
    try:
        _understand(one, body, at)
    except Unreadable as reason:
        logger.warning("News %s of %s is quarantined", one.id, one.provider)
        _settle(one, state=NewsState.QUARANTINED, due_at=None, error=str(reason)[:300])
    except Lapsed:
        logger.warning("News %s took too long, and is another worker's", one.id)
    except TooEarly as reason:
        _put_off(one, str(reason), at)
    except Exception as error:  # noqa: BLE001 - whatever one of them does, the others are read
        logger.error("News %s of %s was not understood: %s", one.id, one.provider, brief(error))
        _put_off(one, brief(error), at)
    else:
        faults.point("inbox.after_settle")


@atomic_with_retries
def _understand(one: Taken, body: bytes | None, at: datetime) -> None:
    hook = hook_for(one.provider)
    if hook is None or body is None:
        raise Unreadable("Nobody here reads this provider." if body else "Its words are not kept any more.")
    kind = hook.understand(body, received_at=one.received_at, signed=one.signed, at=at)
    faults.point("inbox.before_settle")
    if not _settle(one, state=NewsState.UNDERSTOOD, due_at=None, kind=kind[:40], understood_at=at, error=""):
        raise Lapsed


def _put_off(one: Taken, why: str, at: datetime) -> None:
    if one.attempts >= MOST:
        _settle(one, state=NewsState.PARKED, due_at=None, error=why[:300])
    else:
        _settle(one, due_at=at + FIRST_WAIT * 4 ** (one.attempts - 1), error=why[:300])


def _settle(one: Taken, **outcome: Any) -> bool:
    """Write the outcome, unless the claim has lapsed."""
    return bool(News.objects.filter(pk=one.id, state=NewsState.WAITING, due_at=one.due_at).update(**outcome))
