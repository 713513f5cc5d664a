"""Campaigns that start, and end, by themselves."""

import logging
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef
from django.urls import reverse

from campaigns.choices import OVER, CampaignStatus
from campaigns.models import Campaign, Enrollment
from campaigns.services import campaigns, handling, templates
from config.kernel.transactions import atomic_with_retries
from crm.services import notices

logger = logging.getLogger(__name__)

CHUNK: Final = 1_000


def start_due(*, at: datetime) -> int:
    """Start what was scheduled for now; return how many. What has a fault is a draft again, and who runs it is told."""
    due = Campaign.objects.filter(status=CampaignStatus.SCHEDULED, starts_at__lte=at).order_by("id")
    return sum(_started(row, at) for row in due)


def finish_drained(*, at: datetime) -> int:
    """Complete the draining campaigns that everybody has left; return how many."""
    walking = Enrollment.objects.live().filter(campaign=OuterRef("pk"))
    over = Campaign.objects.filter(~Exists(walking), status=CampaignStatus.DRAINING).order_by("id")
    return sum(_finished(row, at) for row in over)


def let_everybody_leave(*, at: datetime, size: int = CHUNK) -> bool:
    """Let the next chunk of people leave a campaign that is over (trust 3.4); say whether there may be more.

    Its exclusive place is theirs no longer, and nothing of theirs waits any more.
    """
    walking = Enrollment.objects.live().filter(campaign=OuterRef("pk"))
    over = Campaign.objects.filter(Exists(walking), status__in=OVER).order_by("id").first()
    if over is None:
        return False
    handling.leave(
        Enrollment.objects.live().filter(campaign=over).order_by("id").values_list("pk", flat=True)[:size],
        reason="campaign_ended", by=None, at=at,
    )  # fmt: skip
    return True


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
