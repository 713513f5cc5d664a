"""The rules of telephone work in the order of the waterfall."""

from calls.rules import caps, leased, opening, terminal
from config.kernel.gate import Rule

RULES: list[Rule] = [
    *terminal.RULES,
    *caps.RULES,
    *leased.RULES,
    *terminal.NUMBER_RULES,
    *caps.NUMBER_RULES,
    opening.OutsideHours(),
    *leased.NUMBER_RULES,
]
