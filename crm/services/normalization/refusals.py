"""Values that cannot be used, and what to tell the person who sent them."""

from collections.abc import Mapping
from typing import ClassVar


class Unusable(ValueError):
    """A value was given, and no meaning could be taken from it without guessing.

    ``reason`` is a snake_case code for programs and counts, ``raw`` the value as given. The text of the error says what
    is wrong and what to do, and never repeats the value: texts reach logs, values are personal.
    """

    advice: ClassVar[Mapping[str, str]] = {}

    def __init__(self, reason: str, raw: str) -> None:
        super().__init__(reason, raw)  # both, so that the error survives the way back from a worker process
        self.reason = reason
        self.raw = raw

    def __str__(self) -> str:
        return self.advice[self.reason]
