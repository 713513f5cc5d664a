"""Campaigns that start, and end, by themselves."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.urls import reverse

from campaigns.choices import OVER, CampaignStatus
from campaigns.models import Campaign, Enrollment
from campaigns.services import campaigns, handling, templates
from campaigns.services.setbacks import Turns
from config.kernel.transactions import atomic_with_retries
from crm.services import notices

logger = logging.getLogger(__name__)

CHUNK: Final = 1_000


def start_due(*, at: datetime) -> int:
    """Start what was scheduled for now; return how many. What has a fault is a draft again, and who runs it is told."""
    due = Campaign.objects.filter(status=CampaignStatus.SCHEDULED, starts_at__lte=at).order_by("id")
    return _each("Starting", _started, due, at)


def finish_drained(*, at: datetime) -> int:
    """Complete the draining campaigns that everybody has left; return how many."""
    walking = Enrollment.objects.live().filter(campaign=OuterRef("pk"))
    over = Campaign.objects.filter(~Exists(walking), status=CampaignStatus.DRAINING).order_by("id")
    return _each("Completing", _finished, over, at)


def to_be_left() -> list[UUID]:
    """Return the campaigns that are over and that somebody is still in."""
    walking = Enrollment.objects.live().filter(campaign=OuterRef("pk"))
    over = Campaign.objects.filter(Exists(walking), status__in=OVER)
    return list(over.order_by("id").values_list("pk", flat=True))


def let_leave(*, campaign: UUID, at: datetime, size: int = CHUNK) -> int:
    """Let the next chunk of people leave a campaign that is over (trust 3.4); return how many.

    Its exclusive place is theirs no longer, and nothing of theirs waits any more.
    """
    return handling.let_leave(
        Enrollment.objects.live()
        .filter(campaign=campaign, campaign__status__in=OVER)
        .order_by("contact_id")
        .values_list("pk", flat=True)[:size],
        code="campaign_ended",
        at=at,
    )


def _each(what: str, do: Callable[[Campaign, datetime], bool], rows: Iterable[Campaign], at: datetime) -> int:
    """Do it with each of these, whatever becomes of the others; return with how many it was done."""
    turns, done = Turns(at=at), 0
    found = {row.pk: row for row in rows}
    for key in turns.of(what, found):
        with turns.turn(what, key):
            done += do(found[key], at)
    return done


def _finished(row: Campaign, at: datetime) -> bool:
    try:
        campaigns.complete(row=row, by=None, at=at)
    except campaigns.WrongStatus:
        return False  # somebody was faster
    return True


@atomic_with_retries
def _call_off(row: Campaign, refusal: templates.HasFaults, at: datetime) -> None:
    """Make it a draft again, and tell whoever runs it: they believe that it began."""
    campaigns.unschedule(row=row, by=None, at=at)
    text = f"{row.name} did not start as it was scheduled. {refusal}"
    page = reverse("admin:campaigns_campaign_change", args=[row.pk])
    for user in {row.owner, row.sender}:
        notices.tell(user=user, text=text, link=page, at=at)


def _started(row: Campaign, at: datetime) -> bool:
    try:
        campaigns.start(row=row, by=None, at=at)
    except campaigns.WrongStatus:
        return False  # somebody was faster
    except templates.HasFaults as refusal:
        logger.error("Campaign %s was to start and has faults: %d", row.pk, len(refusal.faults))
        _call_off(row, refusal, at)
        return False
    return True
