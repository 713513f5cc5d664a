"""The numbers of a node in the picture of its graph: small signs on its edges, beside the arrows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Pixels: of a letter, of the space around a text, of the height, and from the corner of the node.
LETTER, AROUND, HIGH, CORNER = 6, 14, 18, 8

_SIGNS: Final = (
    ("held", "here", "info", "top left"), ("passed", "passed", "plain", "top right"),
    ("blocked", "blocked", "warn", "bottom left"), ("failed", "failed", "bad", "bottom right"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pill:
    text: str
    tone: str
    x: int
    y: int
    width: int

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


def pills_of(counted: Mapping[str, int], x: int, y: int, *, wide: int, high: int) -> tuple[Pill, ...]:
    """Return the signs of a node at (x, y); what is nought has none."""
    found = []
    for name, word, tone, corner in _SIGNS:
        if number := counted.get(name):
            text = f"{number:,} {word}"
            width = LETTER * len(text) + AROUND
            left = x + CORNER if corner.endswith("left") else x + wide - CORNER - width
            found.append(Pill(text, tone, left, y - HIGH // 2 + (high if corner.startswith("bottom") else 0), width))
    return tuple(found)
