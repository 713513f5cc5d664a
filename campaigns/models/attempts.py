"""Attempts: each try to hand a message to a provider, which is evidence."""

from django.db import models
from django.db.models import Q

from campaigns.choices import AttemptOutcome
from campaigns.querysets import AttemptQuerySet
from config.kernel.keeping import never_deleted
from config.kernel.models import Row


class Attempt(Row):
    """One try to hand a message to a provider; written before it, under the locks of the gate (trust 3.2, T3).

    ``token_hash`` is the SHA-256 of the secret that travels in the callback's address, so that late news finds us.
    """

    message = models.ForeignKey("campaigns.Message", models.PROTECT, related_name="attempts", db_index=False)
    number = models.PositiveSmallIntegerField()
    account = models.ForeignKey("campaigns.SendingAccount", models.PROTECT, related_name="+", db_index=False)
    provider = models.CharField(max_length=40)
    idempotent = models.BooleanField(help_text="The provider recognises a repeat by its key.")
    key = models.CharField(max_length=80, help_text="By which the provider recognises a repeat.")
    token_hash = models.BinaryField(max_length=32)
    decision_id = models.UUIDField(help_text="The receipt of the gate.")
    dispatched_at = models.DateTimeField()
    valid_until = models.DateTimeField(help_text="The provider may deliver it until then.")
    reference = models.CharField(max_length=120, null=True, help_text="The provider's own id of it.")
    outcome = models.CharField(
        max_length=18, choices=AttemptOutcome, default=AttemptOutcome.DISPATCHING, db_default=AttemptOutcome.DISPATCHING
    )
    detail = models.CharField(max_length=300, blank=True, db_default="")
    recorded_at = models.DateTimeField(null=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["message", "number"]
        constraints = [
            models.UniqueConstraint(fields=["message", "number"], name="campaigns_attempt_once_per_number"),
            models.UniqueConstraint(
                fields=["message"],
                condition=Q(idempotent=False) & ~Q(outcome=AttemptOutcome.NOT_SENT),
                name="campaigns_attempt_one_possible_send",
            ),
            models.UniqueConstraint(
                fields=["provider", "reference"],
                condition=Q(reference__isnull=False),
                name="campaigns_attempt_one_per_reference",
            ),
            models.UniqueConstraint(fields=["token_hash"], name="campaigns_attempt_one_per_token"),
        ]
        indexes = [models.Index(fields=["provider", "dispatched_at"], name="campaigns_attempt_by_time")]
        triggers = never_deleted(instead="It is evidence.")

    def __str__(self) -> str:
        return f"{self.message_id}/{self.number}"
