"""Who sends: accounts at providers, their pace and their fuse."""

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from campaigns.choices import CHANNELS, SENT_ON
from campaigns.querysets import SendingAccountQuerySet, SendingStopQuerySet
from config.kernel.audit import audited
from config.kernel.keeping import append_only
from config.kernel.models import Row, Timestamped
from crm.choices import Channel

SLOWEST: Final = 0.001
FASTEST: Final = 10_000.0
_A_SECOND = f"Segments of SMS, or messages, in a second: from {SLOWEST:g} to {FASTEST:,.0f}."
_A_DAY = "Messages in a day, from midnight to midnight where its user is; of everybody's in New York."


class SendingAccount(Timestamped):
    """An account at a provider, on one channel, with the address it sends from, its pace and its fuse.

    ``open_until`` is when it is tried again after the provider refused the account itself: until then nothing is sent.
    """

    name = models.CharField(max_length=80)
    channel = models.CharField(max_length=10, choices=Channel)
    provider = models.CharField(max_length=40, help_text="A name of settings.PROVIDERS.")
    address = models.CharField(max_length=254, help_text="The number or e-mail address that it sends from.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="sending_accounts",
        help_text="Whose it is. Empty: everybody's who has none of their own.",
    )  # fmt: skip
    per_second = models.FloatField(default=1, help_text=_A_SECOND)
    per_day = models.PositiveIntegerField(default=2000, help_text=_A_DAY)
    is_active = models.BooleanField(default=True)
    open_until = models.DateTimeField(null=True, blank=True, editable=False)
    open_reason = models.CharField(max_length=300, blank=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = SendingAccountQuerySet.as_manager()

    class Meta:
        ordering = ["channel", "name"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "provider", "address"], name="campaigns_account_once"),
            models.CheckConstraint(
                condition=Q(per_second__gte=SLOWEST, per_second__lte=FASTEST), name="campaigns_account_has_a_pace"
            ),
        ]
        triggers = audited(silent=["open_until", "open_reason", "failures"])

    def __str__(self) -> str:
        return self.name


class SenderBudget(Row):
    """What an account has used: the moment up to which its pace is spent, and how many messages on which day."""

    account = models.OneToOneField("campaigns.SendingAccount", models.CASCADE, related_name="budget")
    spent_until = models.DateTimeField(help_text="The pace is reserved up to here; the next message goes out after.")
    day = models.DateField()
    sent = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.account}: {self.sent}"


class SendingStop(Row):
    """The emergency brake: while one stands, no message goes out, on its channel or ("") on any. Calls are not stopped.

    It is read by the gate itself, in the transaction that hands a message over: it holds from its commit on.
    """

    channel = models.CharField(
        max_length=10, choices=SENT_ON, blank=True, db_default="",
        help_text="Of messages; empty: on all channels. Calls go on.",
    )  # fmt: skip
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    lifted_at = models.DateTimeField(null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False,
        db_index=False,
    )  # fmt: skip

    objects = SendingStopQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel"], condition=Q(lifted_at=None), name="campaigns_stop_one_at_a_time"
            ),
            models.CheckConstraint(condition=Q(channel__in=["", *CHANNELS]), name="campaigns_stop_of_messages"),
        ]
        triggers = append_only(but=["lifted_at", "lifted_by_id", "by_id"])

    def __str__(self) -> str:
        return self.reason
