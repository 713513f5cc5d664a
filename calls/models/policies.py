"""What admins decide: how calls may end and what that causes, how often people are called, and when."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from calls.choices import CooldownScope, Scope, Sentiment
from config.kernel.audit import audited
from config.kernel.models import Timestamped


class Disposition(Timestamped):
    """How a call ended, on one key, and what that causes to our rows.

    Every effect is a column, and they combine: "wrong person" may also close the number for ever.
    """

    name = models.CharField(max_length=60, unique=True)
    key = models.SmallIntegerField(
        null=True, blank=True, unique=True, validators=[MinValueValidator(1), MaxValueValidator(9)],
        help_text="1 to 9 on the call desk; empty: only in the list.",
    )  # fmt: skip
    sentiment = models.CharField(max_length=8, choices=Sentiment, default=Sentiment.NEUTRAL)
    retry_after = models.DurationField(null=True, blank=True, help_text="This pair is not offered again before.")
    terminal_scope = models.CharField(max_length=8, choices=Scope, blank=True, help_text="What it closes, if anything.")
    terminal_for = models.DurationField(null=True, blank=True, help_text="How long; empty: for ever.")
    do_not_call = models.BooleanField(default=False, help_text="Nobody calls this person again, on any number.")
    wrong_person = models.BooleanField(default=False, help_text="The number is not this person's.")
    asks_callback = models.BooleanField(default=False, help_text="Asks when to call back, and promises it.")
    project_waits_for = models.DurationField(null=True, blank=True, help_text="Nobody of the project is called before.")
    reached = models.BooleanField(default=False, help_text="Counts as a conversation.")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["key", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(key=None) | Q(key__range=(1, 9)), name="calls_disposition_key_1_to_9"),
            models.CheckConstraint(
                condition=~Q(terminal_scope=Scope.EVERYONE), name="calls_disposition_never_closes_everyone"
            ),
        ]
        triggers = audited()

    def __str__(self) -> str:
        return self.name


class CallingPolicy(Timestamped):
    """How often a person and a number may be called. The row without a project is the rule for all; a project's row
    can only tighten it, also after the rule for all has changed."""

    project = models.OneToOneField("crm.Project", models.CASCADE, null=True, blank=True, related_name="calling_policy")
    cooldown = models.DurationField(default=timedelta(hours=24), help_text="Between two calls.")
    cooldown_scope = models.CharField(max_length=8, choices=CooldownScope, default=CooldownScope.CONTACT)
    day_cap = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1), MaxValueValidator(20)], help_text="Touches in a rolling day."
    )
    week_cap = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(20)], help_text="Touches in a rolling week."
    )

    class Meta:
        verbose_name_plural = "calling policies"
        constraints = [
            models.UniqueConstraint(fields=["project"], nulls_distinct=False, name="calls_policy_one_default"),
            models.CheckConstraint(condition=Q(cooldown__gte=timedelta(0)), name="calls_policy_cooldown_positive"),
            models.CheckConstraint(
                condition=Q(day_cap__range=(1, 20), week_cap__range=(1, 20)), name="calls_policy_caps_1_to_20"
            ),
        ]
        triggers = audited()

    def __str__(self) -> str:
        return f"Policy of {self.project}" if self.project_id else "Policy for all projects"


class CallingHours(Timestamped):
    """When a jurisdiction allows calls: one row of law, with its source, never edited in place.

    A row past ``expires_on`` falls to the strict profile until somebody verifies it again.
    """

    rule_id = models.CharField(max_length=40)
    jurisdiction = models.CharField(max_length=10)
    channels = ArrayField(models.CharField(max_length=10))
    windows = ArrayField(
        models.CharField(max_length=11, blank=True), size=7,
        help_text="Monday first: 08:00-21:00, or empty for a closed day; half-open, on the wall clock there.",
    )  # fmt: skip
    holidays = models.CharField(max_length=40, blank=True, help_text="Empty, ban US-LA, or 13:00-21:00 US-NE.")
    closed_on = ArrayField(models.DateField(), default=list, blank=True, help_text="Days on top of the calendar.")
    severity = models.CharField(max_length=8, default="block")
    configurable = models.CharField(max_length=12, default="tighten_only")
    confidence = models.CharField(max_length=20, blank=True)
    effective_from = models.DateField(null=True, blank=True)
    effective_to = models.DateField(null=True, blank=True)
    verified_on = models.DateField()
    expires_on = models.DateField()
    source = models.TextField()
    replaced_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "calling hours"
        ordering = ["jurisdiction", "rule_id", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule_id"], condition=Q(replaced_at=None), name="calls_hours_one_current_row"
            )
        ]
        triggers = audited()

    def __str__(self) -> str:
        return f"{self.rule_id} ({self.jurisdiction})"
