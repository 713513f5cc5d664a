"""The doorbell of dispatch, for whoever writes a message; a lost ring costs seconds."""

from config.kernel.work import ring


def ask_for_dispatch() -> None:
    """Wake a worker once this transaction commits."""
    from campaigns import tasks

    ring(tasks.dispatch_messages)
