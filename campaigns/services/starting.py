"""Campaigns that start by themselves."""

import logging
from datetime import datetime

from campaigns.choices import CampaignStatus
from campaigns.models import Campaign
from campaigns.services import campaigns, templates

logger = logging.getLogger(__name__)


def start_due(*, at: datetime) -> int:
    """Start what was scheduled for now; return how many. What has a fault becomes a draft again, and is logged."""
    due = Campaign.objects.filter(status=CampaignStatus.SCHEDULED, starts_at__lte=at).order_by("id")
    return sum(_started(row, at) for row in due)


def _started(row: Campaign, at: datetime) -> bool:
    try:
        campaigns.start(row=row, by=None, at=at)
    except campaigns.WrongStatus:
        return False  # somebody was faster
    except templates.HasFaults as refusal:
        logger.error("Campaign %s was to start and has faults: %d", row.pk, len(refusal.faults))
        campaigns.unschedule(row=row, by=None, at=at)
        return False
    return True
