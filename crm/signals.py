"""News of crm for the apps above it: sent inside the transaction that makes it, received in their ``receivers``."""

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


reachability_changed = Signal()  # sender=ReachabilityChanged, change=<ReachabilityChanged>
