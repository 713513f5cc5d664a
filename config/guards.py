"""What a server has to be set to before we work on it, asked of the server itself."""

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connections
from kombu.connection import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

LOCK_TIMEOUT = "2s"  # a migration that waits for a lock keeps everybody waiting behind it


def evicting(broker: str) -> Iterator[CheckMessage]:
    """Say of a broker that it would throw away what was rung when its memory is full (trust B3).

    One that cannot be asked is not judged: that it is away, the health page says.
    """
    policy = _policy(broker)
    if policy not in {"", "noeviction"}:
        yield Error(
            f"The broker throws away what it likes when its memory is full: maxmemory-policy is {policy}.",
            hint="Set maxmemory-policy to noeviction on the server that CELERY_BROKER_URL or REDIS_URL names.",
            id="clearline.E016",
        )


def refuse_evicting(broker: str) -> None:
    """Stop a worker before it hears its first ring. :raises SystemExit: its broker forgets; it says what to do.

    Celery logs whatever else a receiver of its signals raises, and starts all the same.
    """
    for found in evicting(broker):
        raise SystemExit(f"{found.id}: {found.msg} {found.hint}")


def _policy(broker: str) -> str:
    """Return the policy of a server, "" where it does not say."""
    try:
        with Connection(broker, transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS) as server:  # type: ignore[no-untyped-call]  # kombu has no types
            return str(server.channel().client.info("memory").get("maxmemory_policy", ""))
    except (OSError, RedisError, KombuError):
        return ""


def limit_waits(using: str) -> None:
    """Let no migration wait long for a lock: whoever comes after it would wait behind it (trust B11)."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def wait_as_before(using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("RESET lock_timeout")
