"""The words of campaigns that people edit: what is sent, and what may be said of somebody who is in one."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from campaigns.querysets import ContentTemplateQuerySet
from config.kernel.audit import audited
from config.kernel.models import Timestamped
from crm.choices import Channel


class ContentTemplate(Timestamped):
    """A text with merge tags for one channel; what is read on a call is a script.

    Graphs name it by ``key``, so a corrected text holds for whatever is sent from then on. What has been sent keeps its
    own words.
    """

    key = models.SlugField(max_length=80, help_text="What graphs call it. It never changes.")
    name = models.CharField(max_length=120)
    channel = models.CharField(max_length=10, choices=Channel)
    subject = models.CharField(max_length=200, blank=True, help_text="Of an e-mail.")
    body = models.TextField()
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ContentTemplateQuerySet.as_manager()

    class Meta:
        ordering = ["key"]
        verbose_name = "content"
        constraints = [
            models.UniqueConstraint(fields=["key"], name="campaigns_content_one_per_key"),
            models.CheckConstraint(
                condition=Q(subject="") | Q(channel=Channel.EMAIL), name="campaigns_content_subject_of_email"
            ),
        ]
        triggers = audited()

    def __str__(self) -> str:
        return self.name


class EnrollmentStatus(Timestamped):
    """What may be said of somebody in a campaign: "Needs BDR", "Received RSVP". ``place`` is that in a funnel."""

    name = models.CharField(max_length=80, help_text="Upper and lower case are the same.")
    place = models.PositiveSmallIntegerField(
        blank=True,
        help_text="In the funnel. Whoever begins gets the status in use with the smallest place. Empty: the last.",
    )
    is_active = models.BooleanField(
        default=True, help_text="Nobody gets one that is not in use; whoever begins then gets the next one."
    )

    class Meta:
        ordering = ["place", "name"]
        verbose_name = "status"
        verbose_name_plural = "statuses"
        constraints = [models.UniqueConstraint(Lower(F("name")), name="campaigns_status_one_per_name")]
        triggers = audited()

    def __str__(self) -> str:
        return self.name
