"""What breaks on walks, so that people are parked: nothing is written of the move that it broke."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from campaigns.rules import walking

_PARTS: Final = ["_hears", "_settle", "_wake"]


class Broken(Exception):
    """Something is not as the engine thinks."""


@contextmanager
def breaking(chance: random.Random, *, often: float) -> Iterator[None]:
    """Let each part of a walk break that often inside the block, before it has done anything."""

    def broken(part: Callable[..., None]) -> Callable[..., None]:
        def breaks(*told: Any) -> None:
            if chance.random() < often:
                raise Broken
            part(*told)

        return breaks

    with pytest.MonkeyPatch.context() as patch:
        for name in _PARTS:
            patch.setattr(walking, name, broken(getattr(walking, name)))
        yield
