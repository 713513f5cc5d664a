"""One event loop per process, on a thread of its own, so that adapters keep their connections between batches."""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
logger = logging.getLogger(__name__)

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process: a child that was forked makes its own


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` on the loop of this process, and wait for it."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


async def within(seconds: float, work: Callable[[], Awaitable[Result]]) -> Result:
    """Return what an adapter's ``work`` comes to: what it does to its task, or to the process, it does to neither.

    :raises TimeoutError: it is not over after so many seconds. It is asked to end, and nobody waits for it any more.
    """
    task = asyncio.create_task(_contained(work))
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError(f"No answer within {seconds:g} seconds.")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_disregarded)


async def _contained(work: Callable[[], Awaitable[Result]]) -> Result:
    try:
        return await work()
    except (Exception, asyncio.CancelledError):
        raise
    except BaseException as error:
        raise RuntimeError(f"The adapter wanted to end the process: {type(error).__name__}.") from error


def _disregarded(task: "asyncio.Task[Any]") -> None:
    """Let the loop not complain of an error that nobody waits for."""
    if not task.cancelled():
        task.exception()


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            threading.Thread(target=_serve, args=[loop], name="dispatch-loop", daemon=True).start()
        return loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run for ever: what an adapter has left behind may want to end the process in its own time."""
    while True:
        try:
            loop.run_forever()
        except BaseException:
            logger.exception("Something that an adapter left behind wanted to end the process")
