"""PostgreSQL and Valkey of this checkout, for development, tests and a one-command start.

Only programs from wheels (or from the system) are used: nothing is installed, no account is made, and no permission
of a directory that is not ours is changed. Whoever sets `DATABASE_URL` and `REDIS_URL` brings servers of their own,
and nothing here starts. Standard library only, because it runs before anything else does.

The servers outlive the process that started them; any number of processes share them until `stop()` or `stop_all()`.
"""

import contextlib
import os
import shutil

from config.embedded import dotenv, places, postgres
from config.embedded.places import CannotServe
from config.embedded.postgres import Cluster
from config.embedded.valkey import Valkey

MACHINE = frozenset({"CHROMIUM", "EMBEDDED_STATE_DIR", "PG_BIN", "REDIS_BIN"})

__all__ = [
    "MACHINE",
    "CannotServe",
    "dead",
    "ensure",
    "flush_tests",
    "is_embedded",
    "read_machine",
    "set_default_env",
    "set_test_env",
    "stop",
    "stop_all",
    "stop_tests",
]


def set_default_env() -> None:
    """Say where the servers are or would be, unless the environment or `.env` says so; starts and makes nothing.

    Fills DATABASE_URL, REDIS_URL, CELERY_BROKER_URL, CACHE_URL and CHANNELS_URL.
    """
    test = os.environ.get("CLEARLINE_TESTS") == "1"
    dotenv.load(places.CHECKOUT / ".env", only=MACHINE if test else None)
    _set_database(Cluster(test=test))
    if not os.environ.get("REDIS_URL") or not test:
        _set_redis(Valkey(test=test), slot=0)


def read_machine() -> None:
    """Take from `.env` where this machine keeps programs and data, and nothing else: tests run there too."""
    dotenv.load(places.CHECKOUT / ".env", only=MACHINE)


def set_test_env(*, slot: int) -> None:
    """Say the same of the servers for tests; ``slot`` tells parallel test processes apart.

    Of `.env` only what `read_machine` takes: what a developer tries out there must not decide whether the tests pass.
    A variable of the environment still wins.
    """
    os.environ["CLEARLINE_TESTS"] = "1"
    os.environ.setdefault("DEBUG", "1")
    os.environ.setdefault("SECRET_KEY", "only for tests, which keep nothing secret and last for seconds")
    _set_database(Cluster(test=True))
    _set_redis(Valkey(test=True), slot=slot)


def is_embedded() -> bool:
    """Whether the database is one of ours, which may be dropped without asking anybody."""
    set_default_env()
    return f"host={places.sockets()}/pg" in os.environ["DATABASE_URL"]


def ensure() -> bool:
    """Start the servers that the environment leaves to us; False if they all run already.

    Any number of processes may call it at once. :raises CannotServe: with the reason and the server's last words.
    """
    set_default_env()
    missing = [server for server in (_database(), _redis()) if server and not server.ready()]
    if not missing:
        return False
    with places.turn():
        started = [server.start() for server in missing]
    return any(started)


def dead() -> list[str]:
    """Name the servers that the environment leaves to us and that do not live; cheap, to be asked all the time."""
    set_default_env()
    servers = {"PostgreSQL": _database(), "Valkey": _redis()}
    return [name for name, server in servers.items() if server and not server.lives()]


def stop() -> list[str]:
    """Stop the servers that `ensure` starts, and no others; return the names of those that ran.

    Servers for tests go on, for tests that run in another terminal.
    """
    set_default_env()
    valkey, cluster = _redis(), None if _has_no_postgres() else _database()
    with places.turn():
        stopped = [valkey.name] if valkey and valkey.stop() else []
        if cluster and postgres.stop(cluster.data):
            stopped.append(cluster.name)
            shutil.rmtree(cluster.socket, ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody's socket is still there, or nobody's ever was
            places.sockets().rmdir()
    return stopped


def stop_all() -> list[str]:
    """Stop every embedded server of this checkout, those for tests too; return the names of those that ran."""
    with places.turn():
        stopped = [server.name for server in (Valkey(), Valkey(test=True)) if server.stop()]
        stopped += postgres.stop_all()
        shutil.rmtree(places.sockets(), ignore_errors=True)
    return stopped


def flush_tests(*, slot: int) -> None:
    """Forget what an earlier test process left in the databases of ``slot``, if the server is ours."""
    if server := _redis():
        server.flush(slot=slot)


def stop_tests() -> None:
    """Stop the servers for tests, if they are ours; the database template stays for the next run."""
    with places.turn():
        if server := _redis():
            server.stop()
        if cluster := _database():
            postgres.stop(cluster.data)


def _set_database(cluster: Cluster) -> None:
    if os.environ.get("DATABASE_URL"):
        return
    try:
        os.environ["DATABASE_URL"] = cluster.url()
    except CannotServe:
        # Settings must load without servers; whoever then needs one hears the reason from ensure().
        os.environ["DATABASE_URL"] = f"postgres://{postgres.ROLE}@/{postgres.DATABASE}?host={places.sockets()}/none"
    for name in ("PGHOST", "PGPORT", "PGSERVICE", "PGOPTIONS"):
        os.environ.pop(name, None)  # libpq prefers them to silence in the URL


def _set_redis(server: Valkey, *, slot: int) -> None:
    given = os.environ.get("REDIS_URL")
    if given and str(server.socket) not in given:
        broker, cache, channels = given, given, given
    else:
        os.environ["REDIS_URL"] = server.url("redis", slot=slot)
        broker, cache, channels = (server.url(use, slot=slot) for use in ("broker", "cache", "channels"))
    for name, url in (("CELERY_BROKER_URL", _for_celery(broker)), ("CACHE_URL", cache), ("CHANNELS_URL", channels)):
        if str(server.socket) in os.environ.get(name, str(server.socket)):
            os.environ[name] = url


def _for_celery(url: str) -> str:
    """Celery spells a unix socket differently from redis-py."""
    return url.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)


def _database() -> Cluster | None:
    url = os.environ["DATABASE_URL"]
    if _has_no_postgres():
        return Cluster()  # its start() says what is missing
    if str(places.sockets()) not in url:
        return None
    return next((cluster for cluster in (Cluster(), Cluster(test=True)) if url.endswith(f"={cluster.socket}")), None)


def _has_no_postgres() -> bool:
    return os.environ["DATABASE_URL"].endswith(f"{places.sockets()}/none")


def _redis() -> Valkey | None:
    url = os.environ["REDIS_URL"]
    return next((server for server in (Valkey(), Valkey(test=True)) if f"{server.socket}?" in url), None)
