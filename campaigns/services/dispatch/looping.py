"""One event loop per process, on a thread of its own, so that adapters keep their connections between batches."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process: a child that was forked makes its own


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` on the loop of this process, and wait for it."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="dispatch-loop", daemon=True).start()
        return loop
