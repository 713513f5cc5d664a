"""What came of comparing the ledgers: a row for each day of each provider."""

from django.db import models
from django.db.models import F, Q

from campaigns.querysets import LedgerDayQuerySet
from config.kernel.models import Row


class LedgerDay(Row):
    """One day (in UTC) of one provider: what its list has, what ours has, and what of it does not match.

    ``theirs`` are messages that it says it sent, ``ours`` those that we say it took. ``unexplained`` and ``repeated``
    are theirs, ``missing`` are ours; ``named`` keeps the ids of them all, by these three words. A day without
    ``compared_at`` was never compared to its end, and ``error`` says why not; the numbers are those of the last
    comparison, and what differs stays with them where a list breaks off.
    """

    provider = models.CharField(max_length=40)
    day = models.DateField(help_text="In UTC.")
    tried_at = models.DateTimeField()
    compared_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True, help_text="Why its list could not be had at the last try.")
    theirs = models.PositiveIntegerField(default=0)
    ours = models.PositiveIntegerField(default=0)
    unexplained = models.PositiveIntegerField(default=0, help_text="Of theirs: nothing of ours explains them.")
    repeated = models.PositiveIntegerField(default=0, help_text="Of theirs: sent more than once.")
    missing = models.PositiveIntegerField(default=0, help_text="Of ours: it does not know them.")
    named = models.JSONField(default=dict)

    objects = LedgerDayQuerySet.as_manager()

    class Meta:
        ordering = ["-day", "-id"]
        verbose_name = "daily ledger"
        constraints = [
            models.UniqueConstraint(fields=["provider", "day"], name="campaigns_ledgerday_once"),
            models.CheckConstraint(
                condition=Q(compared_at__isnull=False) | ~Q(error=""), name="campaigns_ledgerday_says_why_not"
            ),
        ]
        indexes = [models.Index(F("day").desc(), F("id").desc(), name="campaigns_ledgerday_newest")]

    def __str__(self) -> str:
        return f"{self.provider}, {self.day:%-d %b %Y}"
