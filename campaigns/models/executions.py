"""Executions: somebody asks for a campaign to be carried out, as a whole or on one channel, and is told what came."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from campaigns.choices import RunState
from campaigns.querysets import ExecutionQuerySet
from config.kernel.keeping import never_deleted
from config.kernel.models import Timestamped
from crm.choices import Channel


class Execution(Timestamped):
    """Everybody who begins the campaign until the next execution walks it on ``channel`` only; empty: the whole graph.

    It is over once nobody waits to begin, but for a place of their company or for the pace of the campaign, and nothing
    of it is under way: what the gate or a pause has put off by no more than some days still is. Then the numbers are
    kept as they were, every send in one of them: ``sent`` was handed over, ``skipped`` was passed over because of the
    channel or because somebody left before, ``blocked`` the gate refused, ``failed`` is everything else, what nobody
    knows and who needs somebody included; ``waiting`` are the people who had still to begin, or to be sent to where
    they stand: paused by hand, or put off for longer. What the graph sends after a wait, and to them, is sent, and
    counted with the campaign, but an execution does not last for weeks.
    """

    campaign = models.ForeignKey("campaigns.Campaign", models.PROTECT, related_name="executions")
    channel = models.CharField(max_length=10, choices=Channel, blank=True, db_default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=RunState, default=RunState.RUNNING)
    sent = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    blocked = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    waiting = models.PositiveIntegerField(
        default=0,
        help_text="People who had still to begin or to go on when it was over: for want of a place or of pace, paused "
        "by hand, or put off for days.",
    )
    error = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(state=RunState.RUNNING), name="campaigns_execution_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state=RunState.RUNNING, ended_at=None)
                | Q(ended_at__isnull=False) & ~Q(state=RunState.RUNNING),
                name="campaigns_execution_ends_once",
            ),
        ]
        indexes = [models.Index(F("id"), condition=Q(state=RunState.RUNNING), name="campaigns_execution_running")]
        triggers = never_deleted(instead="It is the account of what was asked.")

    def __str__(self) -> str:
        return f"{self.get_channel_display() if self.channel else 'All'} of {self.campaign}"
