"""What a walk leaves behind: where it was held up, and everything that happened on it."""

from django.conf import settings
from django.db import models

from campaigns.choices import EnrollmentEventKind, EnrollmentState
from campaigns.querysets import EnrollmentEventQuerySet
from config.kernel.keeping import append_only


class EnrollmentStep(models.Model):
    """One visit to a node that held somebody up (a send, a wait): from when to when, and what became of it.

    Written once, when it is over: until then ``Enrollment.held_since`` says it, so nobody is ever at two of them.
    Whoever is parked there is still at it. It is made of the row of its enrollment, which is never deleted: no key is
    checked for that.
    """

    pk = models.CompositePrimaryKey("enrollment_id", "node_id", "visit")
    enrollment = models.ForeignKey(
        "campaigns.Enrollment", models.DO_NOTHING, related_name="steps", db_index=False, db_constraint=False
    )
    node = models.ForeignKey("campaigns.Node", models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    visit = models.PositiveIntegerField()
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    outcome = models.CharField(max_length=40, blank=True, db_default="")
    exit = models.CharField(max_length=80, blank=True, db_default="")

    class Meta:
        ordering = ["begun_at", "ended_at"]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.node} ({self.visit})"


class EnrollmentEvent(models.Model):
    """What happened to one enrollment, in order. Append-only, partitioned; replayed it gives state, node and status.

    ``data`` says what the kind needs: ``visit``, ``wake_at``, ``rule``, ``outcome``, ``status``, ``reason``. In the
    database the key is (enrollment, id): nobody asks for an event but with its history, so one index serves both.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    at = models.DateTimeField()
    enrollment = models.ForeignKey(
        "campaigns.Enrollment", models.DO_NOTHING, db_constraint=False, related_name="events", db_index=False
    )
    kind = models.CharField(max_length=10, choices=EnrollmentEventKind)
    node = models.ForeignKey(
        "campaigns.Node", models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    exit = models.CharField(max_length=80, blank=True, db_default="", help_text="By which edge they left the node.")
    state = models.CharField(max_length=12, choices=EnrollmentState, help_text="After it.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    data = models.JSONField(default=dict, db_default={})

    objects = EnrollmentEventQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        triggers = append_only()

    def __str__(self) -> str:
        return self.get_kind_display()
