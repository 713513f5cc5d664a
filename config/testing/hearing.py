"""What is told inside a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.dispatch import Signal


@contextmanager
def hearing(signal: Signal) -> Iterator[list[Any]]:
    """Give the events that ``signal`` sends inside the block, and none that it sends later."""
    heard: list[Any] = []

    def hear(event: Any, **kwargs: Any) -> None:
        heard.append(event)

    signal.connect(hear)
    try:
        yield heard
    finally:
        signal.disconnect(hear)
