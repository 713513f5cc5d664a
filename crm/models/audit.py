from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT

from config.kernel.keeping import append_only
from crm.choices import Operation
from crm.querysets import AuditEventQuerySet


class AuditEvent(models.Model):
    """One change of one row, written by the trigger of its table. Append-only, partitioned by month of the id.

    ``old`` and ``new`` hold the columns that changed; for a deletion ``old`` is the whole row. Rows born in bulk have
    no event: their creation is read from the row itself.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    at = models.DateTimeField()
    entity = models.CharField(max_length=60)
    entity_id = models.UUIDField()
    operation = models.CharField(max_length=6, choices=Operation)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    service = models.CharField(max_length=80)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.TextField()
    request_id = models.CharField(max_length=64)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["entity_id", "-id"], name="crm_auditevent_by_entity"),
            models.Index(fields=["actor", "-id"], name="crm_auditevent_by_actor"),
            models.Index(
                KT("old__contact_id"),
                F("id").desc(),
                condition=Q(operation=Operation.DELETE),
                name="crm_auditevent_lost",
            ),  # what a contact had and has no more
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.entity.rpartition('.')[2]} {self.get_operation_display().lower()}"
