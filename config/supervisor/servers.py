"""The embedded servers while Clearline runs: what dies of them is started again, or everything stops and says why."""

import time
from collections import deque
from dataclasses import dataclass, field

from config import embedded
from config.supervisor.output import Terminal
from config.supervisor.programs import TOO_MANY_DEATHS, WITHIN, KeepsDying

TOO_MANY_FAILURES = 2
EVERY = 1.0  # second


@dataclass
class Servers:
    """PostgreSQL and Valkey over all their lives. What was committed they bring back themselves."""

    terminal: Terminal
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=TOO_MANY_DEATHS))
    failures: deque[float] = field(default_factory=lambda: deque(maxlen=TOO_MANY_FAILURES))
    look_at: float = 0.0

    def look_after(self, now: float | None = None) -> None:
        """Notice a death and start again who died.

        :raises KeepsDying: that failed twice within a minute, or they died five times within one.
        """
        now = time.monotonic() if now is None else now
        if now < self.look_at:
            return
        self.look_at = now + EVERY
        if dead := " and ".join(embedded.dead()):
            self.terminal.say(f"{dead} died; starting again")
            self._start(dead, now)

    def _start(self, dead: str, now: float) -> None:
        self.deaths.append(now)
        if _all_within_a_minute(self.deaths, now):
            raise KeepsDying(f"{dead} died {TOO_MANY_DEATHS} times within a minute.")
        try:
            embedded.ensure()
        except embedded.CannotServe as refusal:
            self.failures.append(now)
            if _all_within_a_minute(self.failures, now):
                raise KeepsDying(f"{dead} died and cannot be started again. {refusal}") from None
            self.terminal.say(f"{dead} did not start; trying once more. {refusal}")
        else:
            self.terminal.say(f"{dead} started again; what was committed is there")


def _all_within_a_minute(moments: deque[float], now: float) -> bool:
    return len(moments) == moments.maxlen and now - moments[0] <= WITHIN
