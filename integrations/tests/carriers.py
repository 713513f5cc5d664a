"""The simulated carrier in a process of its own, as a test sees it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from config.embedded import places

CALM = {"latency_ms": 0, "error_before": 0, "error_after": 0, "refuse": 0, "undelivered": 0, "silent": 0}
QUIET = {**CALM, "duplicate": 0, "disorder": 0, "opt_out": 0, "out_of_office": 0, "reply": 0, "click": 0, "scan": 0}
_SAYS = re.compile(r"simulated carrier at (http://127\.0\.0\.1:(\d+))")


class RunningCarrier:
    """Started by ``start``; ``set`` decides how it behaves from now on."""

    def __init__(self, ledger: Path) -> None:
        self.ledger, self.url, self.port = ledger, "", 0
        self.process: subprocess.Popen[str] | None = None
        self.client = httpx.Client(timeout=20, trust_env=False)

    def start(self) -> None:
        """Start it, on the port that it had before if it had one."""
        command = [sys.executable, "-m", "integrations.simulated.carrier", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--ledger", str(self.ledger)], cwd=places.CHECKOUT, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        said = _SAYS.search(self.process.stderr.readline())
        self.url, self.port = said[1], int(said[2])

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        code = self.process.wait(timeout=20)
        self.client.close()
        self.client = httpx.Client(timeout=20, trust_env=False)
        self.process.stderr.close()
        return code

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, f"{self.url}{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def forget(self) -> None:
        """An empty ledger, and everybody gets what is sent to them and says nothing."""
        self.ask("POST", "/control/forget")
        self.set(**QUIET)

    @contextmanager
    def lent(self) -> Iterator["RunningCarrier"]:
        """For one test: as if nothing had ever been sent; what it still had to tell is told to no other test."""
        self.forget()
        yield self
        self.forget()

    def set(self, **behaviour: Any) -> None:
        self.ask("PATCH", "/control", behaviour)

    def will(self, mode: str, to: str = "*") -> None:
        self.set(modes={to: mode})

    def cut(self, pieces: int) -> None:
        self.set(pieces=pieces)

    def messages(self, limit: int = 1_000_000) -> list[dict[str, Any]]:
        """Of as many as the carrier gives at once, or ``limit``, page by page."""
        asked = f"since=1970-01-02T00:00:00%2B00:00&until=2999-01-01T00:00:00%2B00:00&text=1&limit={limit}"
        found, after = [], "0:0"
        while after:
            page = self.ask("GET", f"/messages?{asked}&after={after}")
            found, after = [*found, *page["messages"]], page["next"]
        return found

    def facts(self) -> dict[str, Any]:
        return self.ask("GET", "/health")

    def wait_until_told(self, seconds: float = 20) -> None:
        """Until no news waits."""
        give_up = time.monotonic() + seconds
        while self.facts()["news_waiting"]:
            assert time.monotonic() < give_up, "news still waits"
            time.sleep(0.02)


@contextmanager
def running(ledger: Path) -> Iterator[RunningCarrier]:
    carrier = RunningCarrier(ledger)
    carrier.start()
    try:
        yield carrier
    finally:
        carrier.client.close()
        if carrier.process.poll() is None:
            carrier.end()
