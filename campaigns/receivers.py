"""What campaigns do about news from crm and calls: keep it, and wake the engine."""

from typing import Any

from django.dispatch import receiver

from calls.signals import CallConcluded, ClosedDown, call_concluded, closed_down
from campaigns.services import happenings
from config.kernel import clock
from crm.signals import ReachabilityChanged, reachability_changed


@receiver(reachability_changed, dispatch_uid="campaigns.keep_reachability")
def keep_reachability(event: ReachabilityChanged, **kwargs: Any) -> None:
    happenings.keep_reachability(event, at=clock.now())


@receiver(closed_down, dispatch_uid="campaigns.keep_closing")
def keep_closing(event: ClosedDown, **kwargs: Any) -> None:
    happenings.keep_closing(event)


@receiver(call_concluded, dispatch_uid="campaigns.keep_call")
def keep_call(event: CallConcluded, **kwargs: Any) -> None:
    happenings.keep_call(event)
