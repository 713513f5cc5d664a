"""A status for many people of a campaign at once, from a list that somebody has: of walks, of contacts, of lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from campaigns.models import Campaign, Enrollment, EnrollmentStatus
from campaigns.services import handling, ownership
from campaigns.services.pasted import found_in
from config.kernel.errors import Conflict
from config.kernel.transactions import atomic_with_retries
from crm.models import Contact, User


@dataclass(frozen=True)
class Marked:
    """``found`` walks were meant, of ``changed`` the status was another; nobody was found for ``unknown``."""

    found: int
    changed: int
    unknown: tuple[str, ...]


def may_handle(row: Enrollment, by: User | None) -> bool:
    """Whether ``by`` may do something to this walk: those who run the campaign may, and whoever works the contact."""
    return not ownership.why_not_yours(row.campaign, by) or row.contact.owner_id in {None, by and by.pk}


def refuse_others(row: Enrollment, by: User | None) -> None:
    """:raises ownership.NotYours: the campaign is somebody else's, and so is the contact."""
    if not may_handle(row, by):
        raise ownership.NotYours(f"{ownership.why_not_yours(row.campaign, by)} The contact is not yours either.")


class NothingToDo(Conflict):
    """The walk is not in a state in which that means anything."""

    code = "nothing_to_do"


# What to say where a verb of ``handling`` found nothing to do.
_OTHERWISE: Final[Mapping[str, str]] = {
    "leave": "They have left already.",
    "pause": "They are paused already, or have left.",
    "resume": "They are not paused.",
    "retry": "They are not parked: nothing waits for another try.",
}


def handle(row: Enrollment, verb: Callable[..., int], *, by: User | None, at: datetime, **told: Any) -> None:
    """Do a verb of ``handling`` to one walk.

    :raises ownership.NotYours: the campaign is somebody else's, and so is the contact.
    :raises NothingToDo: the walk is not in a state in which that means anything.
    """
    refuse_others(row, by)
    if not verb([row.pk], **told, by=by, at=at) and verb.__name__ in _OTHERWISE:
        raise NothingToDo(_OTHERWISE[verb.__name__])


@atomic_with_retries
def mark(
    *, campaign: Campaign, status: EnrollmentStatus, by: User | None, at: datetime,
    enrollments: Sequence[UUID] = (), contacts: Sequence[UUID] = (), lines: Sequence[str] = (),
) -> Marked:  # fmt: skip
    """Give the last walks of these people this status; ``lines`` are their numbers or e-mail addresses.

    Whom ``by`` may not handle is not found.

    :raises handling.TooMany: they are more than can be marked at once.
    """
    if len(enrollments) + len(contacts) + len(lines) > handling.MOST:
        raise handling.TooMany(f"At most {handling.MOST:,} at once: send them in parts.")
    owners = found_in(lines, by=by)
    walks = Enrollment.objects.filter(campaign=campaign)
    if ownership.why_not_yours(campaign, by) and by:
        walks = walks.filter(contact__in=Contact.objects.visible_to(by))
    meant: dict[Any, UUID] = {key: key for key in walks.filter(pk__in=enrollments).values_list("pk", flat=True)}
    people = [*contacts, *owners.values()]
    lasts = walks.filter(contact__in=people).order_by("contact_id", "-run_no").distinct("contact_id")
    of_contact: dict[Any, UUID] = dict(lasts.values_list("contact_id", "pk"))
    asked = [(str(key), meant.get(key)) for key in enrollments] + [(str(key), of_contact.get(key)) for key in contacts]
    asked += [(line, of_contact.get(owners.get(line))) for line in lines]
    found = {key for _, key in asked if key}
    changed = handling.set_status(found, status=status, by=by, at=at) if found else 0
    return Marked(len(found), changed, tuple(told for told, key in asked if key is None))
