"""Named places where a test may strike: kill the process, raise, or wait.

In production a point is one attribute read and nothing else. ``REGISTERED`` names every point there is, so that
a test can prove that each of them has been struck.
"""

from collections.abc import Callable

REGISTERED: set[str] = set()
strike: Callable[[str], None] | None = None


def register(*names: str) -> None:
    """Make points known; the module that owns them calls this once."""
    REGISTERED.update(names)


def point(name: str) -> None:
    """Do nothing, unless a test has set ``faults.strike``."""
    if strike is not None:
        strike(name)
