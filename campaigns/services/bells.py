"""The doorbells of campaigns, for whoever leaves work: a worker wakes once the transaction commits.

A lost ring costs seconds, because beat rings too.
"""

from config.kernel.work import ring


def dispatcher() -> None:
    """There is a message to send."""
    from campaigns import tasks

    ring(tasks.dispatch_messages)


def engine() -> None:
    """Somebody is to be moved, or something has happened to them."""
    from campaigns import tasks

    ring(tasks.move_people)


def enrolment() -> None:
    """Many are to be enrolled, to be let go after a pause, or to be given places of their companies."""
    from campaigns import tasks

    ring(tasks.take_people_in)
