from django.db import models
from django.db.models import F, Q

from campaigns.querysets import CallTaskQuerySet
from config.kernel.models import Timestamped


class CallTask(Timestamped):
    """A call that a campaign asks for, as work for the call desk. It is done when the person was called."""

    enrollment = models.ForeignKey("campaigns.Enrollment", models.PROTECT, related_name="tasks", db_index=False)
    node = models.ForeignKey("campaigns.Node", models.PROTECT, related_name="+", db_index=False)
    visit = models.PositiveIntegerField()
    contact = models.ForeignKey("crm.Contact", models.PROTECT, related_name="call_tasks", db_index=False)
    pair = models.ForeignKey("crm.ProjectContact", models.SET_NULL, null=True, related_name="+", db_index=False)
    priority = models.SmallIntegerField()
    script = models.CharField(max_length=80, blank=True, db_default="", help_text="Key of the content to read.")
    done_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=80, blank=True, db_default="")
    cancelled_at = models.DateTimeField(null=True)

    objects = CallTaskQuerySet.as_manager()

    class Meta:
        ordering = ["-priority", "id"]
        constraints = [
            models.UniqueConstraint(fields=["enrollment", "node", "visit"], name="campaigns_task_once"),
        ]
        indexes = [
            models.Index(
                F("priority").desc(),
                F("id"),
                condition=Q(done_at=None, cancelled_at=None),
                name="campaigns_task_open",
            ),
            models.Index(
                F("contact"), condition=Q(done_at=None, cancelled_at=None), name="campaigns_task_open_by_contact"
            ),
        ]

    def __str__(self) -> str:
        return f"Call {self.contact}"
