"""Notices: what somebody is told when something that they began is over."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from config.kernel.models import Row
from crm.querysets import NoticeQuerySet


class Notice(Row):
    """A sentence for one user, with where to look; shown to them once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", db_index=False)
    at = models.DateTimeField()
    text = models.CharField(max_length=300)
    link = models.CharField(max_length=300, blank=True, help_text="A path of this site.")
    seen_at = models.DateTimeField(null=True, editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(F("user"), F("id"), name="crm_notice_by_user"),
            models.Index(F("user"), condition=Q(seen_at=None), name="crm_notice_unseen"),
        ]

    def __str__(self) -> str:
        return self.text
