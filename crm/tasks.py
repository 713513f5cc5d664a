"""Doorbells of crm. No arguments; ringing twice or not at all does no harm."""

import logging
from dataclasses import asdict

from celery import shared_task

from config.kernel import clock, partitions
from crm.services import consistency

logger = logging.getLogger(__name__)


@shared_task(ignore_result=True, expires=86400)
def look_after_partitions() -> None:
    """Make the months ahead; rows that no month was made for are an alarm."""
    made = partitions.add_months(today=clock.now().date())
    if made:
        logger.info("Made %d partitions", made)
    if strayed := sorted(table for table, has_rows in partitions.strays().items() if has_rows):
        logger.error(
            "Rows lie outside every month in %s: a month had no partition in time. Is beat running?", ", ".join(strayed)
        )


@shared_task(ignore_result=True, expires=86400)
def refresh_consistency() -> None:
    """Put right whatever copy is not true any more; one that was wrong is worth a look at who wrote it."""
    repaired = consistency.check_copies()
    logger.log(logging.WARNING if repaired else logging.INFO, "Copies put right: %s", asdict(repaired))
