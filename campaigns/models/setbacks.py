"""Setbacks: what workers could not do for a campaign, and when it is tried again."""

from django.db import models

from config.kernel.models import Row


class Setback(Row):
    """Work of a campaign that has failed since it last succeeded; the first success deletes it.

    ``key`` is the campaign's, or that of one of its enrolments of many or of its executions. A row and nothing in the
    cache: that may forget, and every process would begin to count anew.
    """

    campaign = models.ForeignKey(
        "campaigns.Campaign", models.CASCADE, related_name="setbacks", db_index=False, db_constraint=False
    )
    what = models.CharField(max_length=20, help_text="What failed.")
    key = models.UUIDField()
    since = models.DateTimeField(help_text="When it failed first.")
    tries = models.PositiveIntegerField(help_text="How often it failed in a row.")
    retry_at = models.DateTimeField(help_text="When it is tried again.")
    error = models.CharField(max_length=200, help_text="How it failed last.")

    class Meta:
        ordering = ["since", "id"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "what", "key"], name="campaigns_setback_one_per_work")
        ]

    def __str__(self) -> str:
        return self.what
