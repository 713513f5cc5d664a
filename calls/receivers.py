"""What telephone work does about news from crm."""

from typing import Any

from django.dispatch import receiver

from calls.services import hints
from calls.tasks import count_waterfalls
from config.kernel import clock
from config.kernel.realtime import tell
from config.kernel.work import ring
from crm.signals import ReachabilityChanged, reachability_changed

MANY = 100  # an intake, not a person at work: the dashboard's count is out of date at once


@receiver(reachability_changed, dispatch_uid="calls.refresh_hints")
def refresh_hints(event: ReachabilityChanged, **kwargs: Any) -> None:
    hints.refresh(
        at=clock.now(),
        pair_ids=event.pair_ids,
        contact_ids=event.contact_ids,
        project_ids=event.project_ids,
        endpoint_ids=event.endpoint_ids,
    )
    tell("desk", "queue_changed")
    if len(event.contact_ids) >= MANY:
        ring(count_waterfalls)
