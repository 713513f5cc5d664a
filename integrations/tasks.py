"""Doorbells of the edge, see calls.tasks."""

from celery import shared_task

from config.kernel import clock
from config.kernel.work import ring
from integrations.inbox import reading

PATIENCE = 20.0  # seconds that a rung task works, then it rings itself


@shared_task(ignore_result=True, expires=5)
def read_inbox() -> None:
    deadline = clock.monotonic() + PATIENCE
    while reading.read_due(at=clock.now()) == reading.BATCH:
        if clock.monotonic() > deadline:
            ring(read_inbox)
            return
