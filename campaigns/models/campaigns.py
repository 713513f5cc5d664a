"""Campaigns: a running copy of a graph, for an event, by somebody."""

from datetime import timedelta

import pgtrigger
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower

from campaigns.choices import CampaignStatus, EventType, Reentry
from campaigns.querysets import CampaignQuerySet
from config.kernel.audit import audited
from config.kernel.keeping import never_deleted
from config.kernel.models import Row, Timestamped

# From where to where; a campaign that has been active never becomes a draft again, because people have walked it.
_WAYS: dict[models.TextChoices, list[models.TextChoices]] = {
    CampaignStatus.DRAFT: [CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.ARCHIVED],
    CampaignStatus.SCHEDULED: [CampaignStatus.DRAFT, CampaignStatus.ACTIVE, CampaignStatus.ARCHIVED],
    CampaignStatus.ACTIVE: [CampaignStatus.PAUSED, CampaignStatus.DRAINING, CampaignStatus.COMPLETED],
    CampaignStatus.PAUSED: [CampaignStatus.ACTIVE, CampaignStatus.DRAINING, CampaignStatus.COMPLETED],
    CampaignStatus.DRAINING: [CampaignStatus.PAUSED, CampaignStatus.ACTIVE, CampaignStatus.COMPLETED],
    CampaignStatus.COMPLETED: [CampaignStatus.ACTIVE, CampaignStatus.ARCHIVED],
    CampaignStatus.ARCHIVED: [CampaignStatus.DRAFT, CampaignStatus.COMPLETED],
}


def only_ways(ways: dict[models.TextChoices, list[models.TextChoices]], column: str = "state") -> pgtrigger.Trigger:
    """Let a column change only along ``ways``: the database refuses everything else, whoever asks."""
    pairs = ", ".join(f"'{old.value}>{new.value}'" for old, news in ways.items() for new in news)
    other = f"OLD.{column} <> NEW.{column} AND OLD.{column} || '>' || NEW.{column} NOT IN ({pairs})"
    refusal = f"RAISE EXCEPTION '% never goes from % to %', TG_TABLE_NAME, OLD.{column}, NEW.{column}"
    return pgtrigger.Trigger(
        name=f"keep_{column}",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf(column),
        condition=pgtrigger.Condition(other),
        func=f"{refusal} USING ERRCODE = '23514';",
    )


def in_order() -> "models.BigIntegerField[int, int]":
    """Say which came first, a walk or what happened: whatever is inserted takes the next number of one sequence.

    Neither ids nor moments say it, because clocks are set back.
    """
    return models.BigIntegerField(db_default=Func(Value("campaigns_order"), function="nextval"), editable=False)


class Campaign(Timestamped):
    """A graph that contacts walk through. ``graph`` is a copy of ``version``'s; it is frozen when the campaign starts.

    ``epoch`` counts how often it was resumed: an enrollment moves only in the epoch of its campaign, so that a backlog
    of any size is let go bit by bit. It has no counters: see ``CampaignCount``.
    """

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=CampaignStatus, default=CampaignStatus.DRAFT, editable=False)
    version = models.ForeignKey(
        "campaigns.TemplateVersion", models.PROTECT, null=True, blank=True, related_name="campaigns", editable=False
    )
    graph = models.OneToOneField("campaigns.Graph", models.PROTECT, related_name="campaign", editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="campaigns", db_index=False
    )
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="sent_campaigns",
        db_index=False, help_text="In whose name it is sent. Then only they, the owner and admins see it.",
    )  # fmt: skip
    event_type = models.CharField(max_length=10, choices=EventType, blank=True)
    event_date = models.DateField(null=True, blank=True)
    event_time = models.TimeField(null=True, blank=True)
    event_place = models.CharField(max_length=200, blank=True)
    event_hook = models.CharField(max_length=300, blank=True, help_text="Why anybody should come, in one sentence.")
    goal = models.ForeignKey(
        "campaigns.EnrollmentStatus", models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Whoever gets this status has done what the campaign is for, and leaves it.",
    )  # fmt: skip

    reentry = models.CharField(max_length=6, choices=Reentry, default=Reentry.NEVER)
    reentry_days = models.PositiveSmallIntegerField(default=90, validators=[MinValueValidator(1)])
    exclusive = models.BooleanField(
        default=False, help_text="Nobody is in this one and in another exclusive one at a time."
    )
    starts_per_day = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)],
        help_text="How many people begin in 24 hours at most, spread over the day. Empty: all at once.",
    )  # fmt: skip
    company_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)],
        help_text="How many people of one company are on the way at a time. Empty: all of them.",
    )  # fmt: skip
    spread_minutes = models.PositiveSmallIntegerField(
        default=60, validators=[MaxValueValidator(10_080)],
        help_text="After a pause, what has come due meanwhile is spread over this time.",
    )  # fmt: skip

    starts_at = models.DateTimeField(null=True, blank=True, help_text="When a scheduled campaign starts by itself.")
    started_at = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    resumed_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    epoch = models.PositiveIntegerField(default=0, editable=False)
    pauses = models.JSONField(
        default=list, editable=False, help_text="[from, to] of every pause that is over: as many as the epoch counts."
    )
    let_go_to = models.UUIDField(null=True, editable=False, help_text="Of a backlog: the last enrollment let go.")
    places_given_to = models.UUIDField(
        null=True, editable=False, help_text="While places of companies are given: the last enrollment looked at."
    )
    execution = models.ForeignKey(
        "campaigns.Execution", models.PROTECT, null=True, editable=False, related_name="+", db_index=False,
        help_text="The last one: whoever begins, begins in it.",
    )  # fmt: skip
    last_start_at = models.DateTimeField(
        null=True, editable=False, help_text="The moment of its pace that whoever began last has taken."
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(Lower(F("name")), name="campaigns_campaign_one_per_name"),
            models.CheckConstraint(
                condition=~Q(status=CampaignStatus.PAUSED) | Q(paused_at__isnull=False),
                name="campaigns_campaign_paused_since",
            ),
            models.CheckConstraint(
                condition=~Q(status=CampaignStatus.SCHEDULED) | Q(starts_at__isnull=False),
                name="campaigns_campaign_scheduled_for",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "id"], name="campaigns_campaign_by_owner"),
            models.Index(fields=["sender", "id"], name="campaigns_campaign_by_sender"),
            models.Index(fields=["status", "id"], name="campaigns_campaign_by_status"),
        ]
        triggers = [
            only_ways(_WAYS, "status"),
            *audited(
                silent=[
                    "last_start_at",
                    "let_go_to",
                    "resumed_at",
                    "epoch",
                    "pauses",
                    "execution_id",
                    "places_given_to",
                ]
            ),
            *never_deleted(instead="Archive it: what was sent stays."),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def spread(self) -> timedelta:
        return timedelta(minutes=self.spread_minutes)


LAST_SLOT = 16  # of those that stay; what is above belongs to one transaction, and is folded into it


class CampaignCount(Row):
    """A part of one number of a campaign, or of one of its nodes; the number is the sum over ``slot`` (DESIGN 22).

    Whoever counts adds to a slot of their own, so that nobody waits for somebody else's row; nor for the campaign, so
    that no constraint looks it up. See ``services.counting``.
    """

    campaign = models.ForeignKey(
        "campaigns.Campaign", models.CASCADE, related_name="counts", db_index=False, db_constraint=False
    )
    node = models.ForeignKey(
        "campaigns.Node", models.CASCADE, null=True, related_name="+", db_index=False, db_constraint=False
    )
    name = models.CharField(max_length=60)
    slot = models.BigIntegerField()
    value = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "node", "name", "slot"], nulls_distinct=False, name="campaigns_count_one_per_slot"
            )
        ]
        indexes = [models.Index(fields=["slot"], condition=Q(slot__gt=LAST_SLOT), name="campaigns_count_to_fold")]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
