"""May we? Suppressions forbid, consents allow, touches count, decisions prove."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from config.kernel import clock
from config.kernel.audit import audited
from config.kernel.keeping import append_only, never_deleted
from config.kernel.models import Row
from crm.choices import Channel, ConsentKind, GateAction, SuppressionReason
from crm.querysets import ConsentQuerySet, GateDecisionQuerySet, SuppressionQuerySet, TouchQuerySet


class Suppression(Row):
    """ "Do not contact this endpoint", on one channel or on all. It ends only by being lifted, with a reason."""

    endpoint = models.ForeignKey("crm.Endpoint", models.PROTECT, related_name="suppressions", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel, blank=True, db_default="", help_text="Empty: all.")
    reason = models.CharField(max_length=12, choices=SuppressionReason)
    words = models.TextField(blank=True, db_default="", help_text="What they said, word for word, if they did.")
    source = models.CharField(max_length=80)
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    cause = models.UUIDField(null=True, blank=True, editable=False, help_text="The event that made it, if one did.")
    lifted_at = models.DateTimeField(null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        db_index=False,
    )
    lift_reason = models.CharField(max_length=200, blank=True, db_default="", editable=False)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "channel", "cause"],
                condition=Q(lifted_at=None),
                nulls_distinct=False,
                name="crm_suppression_one_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None) | ~Q(lift_reason=""), name="crm_suppression_lifted_for_a_reason"
            ),
        ]
        indexes = [
            models.Index(F("endpoint"), condition=Q(lifted_at=None), name="crm_suppression_standing"),
            models.Index(F("cause"), condition=Q(cause__isnull=False), name="crm_suppression_by_cause"),
        ]
        triggers = [*audited(), *never_deleted(instead="Lift it, with a reason.")]

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.get_reason_display()}"


class Consent(Row):
    """Evidence that somebody allowed us to approach them, or took it back. Append-only."""

    contact = models.ForeignKey("crm.Contact", models.PROTECT, related_name="consents", db_index=False)
    endpoint = models.ForeignKey("crm.Endpoint", models.PROTECT, null=True, blank=True, related_name="consents")
    channel = models.CharField(max_length=10, choices=Channel, blank=True, db_default="", help_text="Empty: all.")
    kind = models.CharField(max_length=10, choices=ConsentKind)
    at = models.DateTimeField(default=clock.now)
    source = models.CharField(max_length=80)
    evidence = models.TextField(blank=True, db_default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["contact", "id"], name="crm_consent_by_contact")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.contact}: {self.get_kind_display()}"


class Touch(Row):
    """One outbound attempt on any channel: the ledger that every cap and cooldown reads.

    Append-only but for ``counts``, which becomes false only when the attempt was provably never made. ``source`` and
    ``source_id`` name the row that made it ("calls.callsession" and its id): one touch per source row.
    """

    contact = models.ForeignKey("crm.Contact", models.PROTECT, related_name="touches", db_index=False)
    endpoint = models.ForeignKey(
        "crm.Endpoint", models.PROTECT, null=True, blank=True, related_name="touches", db_index=False
    )
    project = models.ForeignKey("crm.Project", models.PROTECT, null=True, blank=True, related_name="touches")
    channel = models.CharField(max_length=10, choices=Channel)
    at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    source = models.CharField(max_length=40)
    source_id = models.UUIDField()
    counts = models.BooleanField(default=True, db_default=True)

    objects = TouchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "touches"
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["source_id", "source"], name="crm_touch_once_per_source")]
        indexes = [
            models.Index(F("contact"), F("at").desc(), condition=Q(counts=True), name="crm_touch_by_contact"),
            models.Index(F("endpoint"), F("at").desc(), condition=Q(counts=True), name="crm_touch_by_endpoint"),
            models.Index(F("at").desc(), F("id").desc(), name="crm_touch_newest"),
        ]
        triggers = append_only(but=["counts", "user_id"])

    def __str__(self) -> str:
        return f"{self.get_channel_display()} at {self.at:%Y-%m-%d %H:%M}"


class GateDecision(models.Model):
    """The receipt of one decision: who, which way, what stood against it, on which facts. Append-only, partitioned.

    ``facts`` hold ids, counts and instants, no personal data; with ``ruleset`` and ``zones`` they replay the verdict.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    at = models.DateTimeField()
    action = models.CharField(max_length=8, choices=GateAction)
    channel = models.CharField(max_length=10, choices=Channel)
    allowed = models.BooleanField()
    codes = ArrayField(models.CharField(max_length=40), default=list)
    contact = models.ForeignKey(
        "crm.Contact", models.DO_NOTHING, db_constraint=False, related_name="decisions", db_index=False
    )
    endpoint = models.ForeignKey(
        "crm.Endpoint", models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    pair = models.ForeignKey(
        "crm.ProjectContact", models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    facts = models.JSONField(default=dict)
    ruleset = models.CharField(max_length=12)
    zones = models.CharField(max_length=60)

    objects = GateDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["contact", "-id"], name="crm_gatedecision_by_contact")]
        triggers = append_only()

    def __str__(self) -> str:
        return f"{self.get_action_display()} {'allowed' if self.allowed else ', '.join(self.codes)}"
