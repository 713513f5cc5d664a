from django.conf import settings
from django.db import models

from calls.querysets import LeaseQuerySet
from config.kernel.models import Row


class Lease(Row):
    """A rep's exclusive hold on a pair while they prepare and call: nobody else gets its person or its number.

    The unique constraints are the promise; an expired row is swept away by whoever needs its place.
    """

    pair = models.OneToOneField("crm.ProjectContact", models.CASCADE, related_name="lease")
    contact = models.OneToOneField("crm.Contact", models.CASCADE, related_name="lease")
    endpoint = models.OneToOneField("crm.Endpoint", models.CASCADE, related_name="lease")
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="lease")
    taken_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decision_id = models.UUIDField()

    objects = LeaseQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="calls_lease_by_end")]

    def __str__(self) -> str:
        return f"Lease until {self.expires_at:%H:%M:%S}"


class Waterfall(Row):
    """How many pairs each rule keeps from the queue, counted by a worker; ``at`` is the age of the count.

    ``blocks`` counts all that a rule blocks; ``first`` only those that no earlier rule blocks, so that ``first``
    and ``callable`` add up to ``pairs``.
    """

    at = models.DateTimeField(null=True, help_text="Empty: asked for, and not counted yet.")
    asked_at = models.DateTimeField(help_text="A project's count is renewed for a day after somebody looked at it.")
    project = models.OneToOneField("crm.Project", models.CASCADE, null=True, blank=True, related_name="waterfall")
    pairs = models.BigIntegerField(default=0)
    callable = models.BigIntegerField(default=0)
    rules = models.JSONField(default=list, help_text="In rule order: code, level, blocks, first.")
    seconds = models.FloatField(default=0, help_text="How long the count took.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project"], nulls_distinct=False, name="calls_waterfall_one_each")
        ]

    def __str__(self) -> str:
        return f"{self.callable} of {self.pairs} callable"
