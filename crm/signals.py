"""News of crm for the apps above it: sent inside the transaction that makes it, received in their ``receivers``."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True)
class ReachabilityChanged:
    """Something changed that decides whether, when or on which number these may be called.

    An endpoint stands for every contact that uses it, a contact and a project for all their pairs.
    """

    contact_ids: tuple[UUID, ...] = ()
    project_ids: tuple[UUID, ...] = ()
    endpoint_ids: tuple[UUID, ...] = ()
    pair_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class AccessChanged:
    """A user may do more or less than before, or signs in in another way: whoever listens as them asks again."""

    user_id: UUID


@dataclass(frozen=True)
class OwnersChanged:
    """Everything that one user looked after is another's, or nobody's: others see and call it than before."""

    from_id: UUID
    to_id: UUID | None


reachability_changed = Signal()  # sender: the class; event: the instance
access_changed = Signal()  # sender: the class; event: the instance
owners_changed = Signal()  # sender: the class; event: the instance


def tell_reachability(
    *,
    contacts: Iterable[UUID] = (),
    projects: Iterable[UUID] = (),
    endpoints: Iterable[UUID] = (),
    pairs: Iterable[UUID] = (),
) -> None:
    """Send the news, each id once and in order; nothing changed, nothing is sent."""
    named = (contacts, projects, endpoints, pairs)
    event = ReachabilityChanged(*(tuple(sorted(set(ids))) for ids in named))
    if event != ReachabilityChanged():
        reachability_changed.send(sender=ReachabilityChanged, event=event)
