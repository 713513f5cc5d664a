"""What telephone work does about news from crm, and about sessions that end."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete
from django.dispatch import receiver

from calls.choices import ACCESS_CHANGED
from calls.services import hints, leasing
from calls.tasks import count_waterfalls
from config.kernel import clock
from config.kernel.realtime import tell
from config.kernel.work import ring
from crm.models import User
from crm.signals import (
    AccessChanged,
    OwnersChanged,
    ReachabilityChanged,
    access_changed,
    owners_changed,
    reachability_changed,
)

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


@receiver(access_changed, dispatch_uid="calls.let_screens_ask_again")
def let_screens_ask_again(event: AccessChanged, **kwargs: Any) -> None:
    tell(f"rep.{event.user_id}", ACCESS_CHANGED)


@receiver(access_changed, dispatch_uid="calls.give_back_whom_they_hold")
def give_back_whom_they_hold(event: AccessChanged, **kwargs: Any) -> None:
    """Whoever may not use the desk any more keeps nobody from their colleagues."""
    user = User.objects.get(pk=event.user_id)
    if not user.has_perm("calls.use_call_desk"):
        leasing.release(user=user, at=clock.now())


@receiver(owners_changed, dispatch_uid="calls.tell_of_other_owners")
def tell_of_other_owners(event: OwnersChanged, **kwargs: Any) -> None:
    """No hint knows of owners; whoever looks at the queue sees others in it now."""
    tell("desk", "queue_changed")


@receiver(post_delete, sender=Session, dispatch_uid="calls.session_ended")
def session_ended(instance: Session, **kwargs: Any) -> None:
    """Signing out deletes the session only after it has sent its own signal: that one would come too early."""
    if user := instance.get_decoded().get(SESSION_KEY):
        tell(f"rep.{user}", ACCESS_CHANGED)
