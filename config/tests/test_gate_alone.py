"""The gate without any app: how rules are registered, and how far ahead it looks for the end of what blocks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from config.kernel.gate import HORIZON, ROUNDS, Approach, Asked, Block, Gate, Level
from config.kernel.ids import uuid7
from config.testing import NOON


@dataclass(frozen=True)
class Waiting:
    """Blocks until so long after whatever moment it is asked about, up to an end."""

    wait: timedelta
    ends: timedelta = timedelta(days=999)
    code: str = "waiting"
    level = Level.CONTACT
    channels = frozenset({"sms"})
    version = 1

    def blocks(self, facts: Any, at: Any) -> Block | None:
        return Block(self.code, self.level, {}, at + self.wait) if at < NOON + self.ends else None

    def excludes(self, asked: Any) -> Any:
        raise NotImplementedError


def earliest(*rules: Waiting) -> Any:
    gate = Gate()
    gate.register(rules=rules)
    (verdict,) = gate.decide([Approach(uuid7(), None, "sms")], asked=Asked(at=NOON, channel="sms"))
    return gate.earliest(verdict)


def test_a_code_is_registered_once():
    gate = Gate()
    gate.register(rules=[Waiting(timedelta(1))])
    with pytest.raises(ValueError, match="'waiting' is registered already"):
        gate.register(rules=[Waiting(timedelta(2))])


@pytest.mark.parametrize(
    ("rules", "wait"),
    [
        ([], timedelta()),
        ([Waiting(timedelta(hours=1), timedelta(hours=3))], timedelta(hours=3)),
        ([Waiting(HORIZON, timedelta(1))], HORIZON),
        ([Waiting(HORIZON + timedelta(seconds=1), timedelta(1))], None),
        ([Waiting(timedelta(1), timedelta(days=ROUNDS - 1))], timedelta(days=ROUNDS - 1)),
        ([Waiting(timedelta(1), timedelta(days=ROUNDS + 1))], None),
    ],
)
def test_it_looks_ahead_as_far_as_it_says(rules, wait):
    assert earliest(*rules) == (wait if wait is None else NOON + wait)
