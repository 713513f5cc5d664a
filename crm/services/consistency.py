"""Copies that services keep true are checked every night, and put right where they are not (DESIGN 9).

Nothing here knows how a copy is made: each is handed to its one writer, batch by batch, each batch in a transaction of
its own. A copy that was wrong is the mark of somebody who wrote around that writer, so it is counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import models, transaction

from config.kernel.audit import acting
from crm.models import Contact, Endpoint
from crm.services import quality
from crm.services.primaries import copy_primaries
from crm.services.profiles import refresh_profiles
from crm.services.suppressing import copy_suppressed
from crm.signals import tell_reachability

BATCH: Final = 5_000  # rows of one transaction: a second of locks at most


@dataclass(slots=True)
class Repaired:
    """How many copies were wrong."""

    primaries: int = 0
    suppressed: int = 0
    profiles: int = 0
    qualities: int = 0

    def __bool__(self) -> bool:
        return bool(self.primaries or self.suppressed or self.profiles or self.qualities)


def check_copies(*, batch: int = BATCH) -> Repaired:
    """Put every copy right, and return how many of each kind were not. Whoever may be callable differently is told of.

    Profiles move by themselves when the zone data is renewed; everything else should never be wrong.
    """
    found = Repaired()
    with acting(service="check_copies"):
        for ids in _batches(Contact, batch):
            _check_contacts(ids, found)
        for ids in _batches(Endpoint, batch):
            _check_endpoints(ids, found)
    return found


@transaction.atomic
def _check_contacts(ids: list[UUID], found: Repaired) -> None:
    changed = copy_primaries(contact_ids=ids)
    found.primaries += len(changed)
    found.qualities += quality.refresh(contact_ids=ids)
    tell_reachability(contacts=changed)


@transaction.atomic
def _check_endpoints(ids: list[UUID], found: Repaired) -> None:
    suppressed, moved = copy_suppressed(endpoint_ids=ids), refresh_profiles(endpoint_ids=ids)
    found.suppressed += len(suppressed)
    found.profiles += len(moved)
    tell_reachability(endpoints=[*suppressed, *moved])


def _batches(model: type[models.Model], size: int) -> Iterator[list[UUID]]:
    rows = model._default_manager.order_by("pk").values_list("pk", flat=True)
    ids = list(rows[:size])
    while ids:
        yield ids
        ids = list(rows.filter(pk__gt=ids[-1])[:size])
