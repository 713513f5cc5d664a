"""Nothing leaves the machine during tests: a test that needs the world is wrong, or late, or both."""

import ipaddress
import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

SERVERS = ("DATABASE_URL", "REPLICA_URL", "REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL", "CHANNELS_URL")


class OutsideRefused(RuntimeError):
    """A test tried to reach something that is not on this machine."""


def guard() -> None:
    """Refuse every Python socket a peer that is neither loopback, nor a unix socket, nor one of the given servers.

    It lasts until the process ends: Python's audit hooks cannot be taken back.
    """
    given = _given_servers()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            connection, address = arguments
            if address and connection.family in {socket.AF_INET, socket.AF_INET6}:
                refuse_outside(address[0], given)
        elif event == "socket.getaddrinfo" and arguments[0]:
            refuse_outside(arguments[0], given)

    sys.addaudithook(watch)


def refuse_outside(host: str | bytes, given: set[str]) -> None:
    """:raises OutsideRefused: ``host`` is not this machine, nor among the servers that were given."""
    name = host.decode() if isinstance(host, bytes) else host
    if name not in given and not _is_local(name):
        raise OutsideRefused(
            f"A test tried to reach {name}. Nothing leaves this machine in tests: stand a fake up on 127.0.0.1."
        )


def _given_servers() -> set[str]:
    """Names and addresses of the servers that the environment brought along."""
    names = {urlsplit(os.environ.get(variable, "")).hostname or "" for variable in SERVERS} - {""}
    return names | {str(entry[4][0]) for name in names for entry in socket.getaddrinfo(name, None)}


def _is_local(host: str) -> bool:
    if host in {"", "localhost"} or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
