"""Messages: what goes out to somebody and what comes back, on which way, and every try to hand one over."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from campaigns.choices import AMISS, NEVER_SENT, Anomaly, MessageDirection, MessageState
from campaigns.models.campaigns import only_ways
from campaigns.models.tallies import tallied
from campaigns.querysets import ConversationQuerySet, MessageQuerySet
from config.kernel.keeping import never_deleted
from config.kernel.models import Timestamped
from crm.choices import Channel

_S = MessageState
_PROOF: list[models.TextChoices] = [_S.ACCEPTED, _S.DELIVERED, _S.UNDELIVERED]
# Trust 3.3. What a provider proves beats everything that we have only concluded.
_WAYS: dict[models.TextChoices, list[models.TextChoices]] = {
    _S.PENDING: [_S.CLAIMED, _S.BLOCKED, _S.EXPIRED, _S.CANCELLED, _S.UNCERTAIN, *_PROOF],
    _S.CLAIMED: [_S.PENDING, _S.DISPATCHING, _S.BLOCKED, _S.EXPIRED, _S.CANCELLED, _S.UNCERTAIN, *_PROOF],
    _S.DISPATCHING: [_S.PENDING, _S.REJECTED, _S.UNCERTAIN, *_PROOF],
    _S.UNCERTAIN: [_S.REJECTED, _S.NOT_SENT_PRESUMED, *_PROOF],
    _S.NOT_SENT_PRESUMED: _PROOF,
    _S.REJECTED: _PROOF,
    _S.ACCEPTED: [_S.DELIVERED, _S.UNDELIVERED],
    _S.UNDELIVERED: [_S.DELIVERED],
}


class Conversation(Timestamped):
    """Everything that was said between us and one contact."""

    contact = models.OneToOneField("crm.Contact", models.PROTECT, related_name="conversation")
    last_at = models.DateTimeField()
    last_direction = models.CharField(max_length=8, choices=MessageDirection)
    last_text = models.CharField(max_length=200, blank=True)
    unread = models.PositiveIntegerField(default=0)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-last_at", "-id"]
        indexes = [
            models.Index(F("last_at").desc(), F("id").desc(), name="campaigns_conversation_newest"),
            models.Index(
                F("last_at").desc(), F("id").desc(), condition=Q(unread__gt=0), name="campaigns_conversation_unread"
            ),
        ]

    def __str__(self) -> str:
        return str(self.contact)


class Message(Timestamped):
    """One message in or out. Of one that goes out this row is the intent, and says what became of it (trust 3.3).

    ``dedupe_key`` names its cause ("enr:ID/NODE/1/0": which visit and which try; "api:KEY"): one message per cause.
    ``claim`` fences whoever took it before. ``ever_dispatched`` says that a provider may have it, for ever. Whoever
    settles one of a walk leaves a ``Settlement`` for the engine: a trigger sees to that. Another one lets nothing wait
    that is ``dropped``: it is cancelled, or uncertain where a provider may have it, whoever would put it back.
    """

    direction = models.CharField(max_length=8, choices=MessageDirection, db_default=MessageDirection.OUTBOUND)
    channel = models.CharField(max_length=10, choices=Channel)
    contact = models.ForeignKey("crm.Contact", models.PROTECT, null=True, related_name="messages", db_index=False)
    endpoint = models.ForeignKey(
        "crm.Endpoint", models.PROTECT, null=True, related_name="messages", db_index=False,
        help_text="To or from whom; of one that goes out it is chosen when it is handed over.",
    )  # fmt: skip
    conversation = models.ForeignKey(
        "campaigns.Conversation", models.SET_NULL, null=True, related_name="messages", db_index=False
    )
    # Campaign and node are those of the enrollment, which is checked: checking them too would cost as much again.
    enrollment = models.ForeignKey(
        "campaigns.Enrollment", models.PROTECT, null=True, related_name="messages", db_index=False
    )
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.PROTECT, null=True, related_name="messages", db_index=False, db_constraint=False
    )
    node = models.ForeignKey(
        "campaigns.Node", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    run_no = models.PositiveSmallIntegerField(default=1, db_default=1)
    visit = models.PositiveIntegerField(default=0, db_default=0)
    account = models.ForeignKey(
        "campaigns.SendingAccount", models.PROTECT, null=True, related_name="messages", db_index=False
    )
    no_account_since = models.DateTimeField(null=True, help_text="Since when nobody's account sends it, if none does.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False,
        help_text="In whose name it goes out, or who sent it by hand.",
    )  # fmt: skip
    content = models.CharField(max_length=80, blank=True, db_default="", help_text="Key of the content it was made of.")
    subject = models.CharField(max_length=400, blank=True, db_default="")
    body = models.TextField(blank=True, db_default="")
    segments = models.PositiveSmallIntegerField(default=1, db_default=1)
    consent = models.CharField(max_length=10, blank=True, db_default="", help_text="Which consent it needs.")
    dedupe_key = models.CharField(max_length=160, null=True)
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=18, choices=MessageState, default=_S.PENDING, db_default=_S.PENDING)
    reason = models.CharField(max_length=200, blank=True, db_default="", help_text="Why it is in this state.")
    retry_at = models.DateTimeField(null=True, help_text="Blocked: the earliest time at which it would pass.")
    held = models.BooleanField(
        default=False, db_default=False, help_text="Its walk is paused or parked: nobody takes it until that goes on."
    )
    dropped = models.BooleanField(default=False, db_default=False, help_text="Its walk is over: it goes out no more.")
    claim = models.PositiveIntegerField(default=0, db_default=0)
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    ever_dispatched = models.BooleanField(default=False, db_default=False)
    anomaly = models.CharField(max_length=40, choices=Anomaly, blank=True, db_default="")
    settled_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True, help_text="When they first answered it.")
    opted_out_at = models.DateTimeField(null=True, help_text="When they answered that they want no more.")
    clicked_at = models.DateTimeField(null=True, help_text="When they first opened a link in it.")
    decided_at = models.DateTimeField(null=True, help_text="When somebody decided what follows from an uncertain one.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["dedupe_key"], name="campaigns_message_one_per_cause"),
            models.CheckConstraint(
                condition=~Q(state__in=NEVER_SENT, ever_dispatched=True), name="campaigns_message_never_sent_is_true"
            ),
            models.CheckConstraint(
                condition=Q(direction=MessageDirection.OUTBOUND, contact__isnull=False, dedupe_key__isnull=False)
                | Q(direction=MessageDirection.INBOUND, state=_S.RECEIVED),
                name="campaigns_message_out_or_in",
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("not_before")), name="campaigns_message_can_be_sent"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[_S.DISPATCHING, _S.UNCERTAIN, _S.NOT_SENT_PRESUMED]) | Q(ever_dispatched=True),
                name="campaigns_message_dispatched_is_true",
            ),
        ]
        indexes = [
            # By account, campaign, and whether the walk is paused: what stands still is in nobody's way.
            models.Index(
                fields=["account", "campaign", "held", "not_before", "id"],
                condition=Q(state=_S.PENDING, account__isnull=False),
                name="campaigns_message_due",
            ),
            # What no account was chosen for yet.
            models.Index(
                fields=["not_before"],
                condition=Q(state=_S.PENDING, account=None),
                name="campaigns_message_lost",
            ),
            models.Index(
                F("expires_at"),
                condition=Q(state=_S.PENDING, expires_at__isnull=False),
                name="campaigns_message_expiring",
            ),
            models.Index(
                fields=["claimed_until"],
                condition=Q(state__in=[_S.CLAIMED, _S.DISPATCHING]),
                name="campaigns_message_claimed",
            ),
            models.Index(
                fields=["state", "id"],
                condition=Q(state__in=[_S.UNCERTAIN, _S.NOT_SENT_PRESUMED], decided_at=None),
                name="campaigns_message_unsure",
            ),
            # Why is asked of the index alone.
            models.Index(fields=["id", "reason"], condition=Q(state=_S.BLOCKED), name="campaigns_message_blocked"),
            models.Index(fields=["anomaly", "id"], condition=~Q(anomaly=""), name="campaigns_message_anomaly"),
            models.Index(fields=["enrollment", "id"], name="campaigns_message_by_walk"),
            # Who else on the line got it. One index of what is unique cannot say who is of the same round, and what
            # certainly was not sent: the gate does, and whoever asks it holds the line (INV-ADDR-ONCE).
            models.Index(
                fields=["endpoint", "node", "visit"],
                condition=Q(ever_dispatched=True, enrollment__isnull=False),
                name="campaigns_message_by_line",
            ),
            models.Index(
                fields=["conversation", "id"],
                condition=Q(conversation__isnull=False),
                name="campaigns_message_by_thread",
            ),
            models.Index(fields=["contact", "id"], name="campaigns_message_by_contact"),
            models.Index(fields=["campaign", "id"], name="campaigns_message_by_campaign"),
            # What few become is found among many of one campaign; what goes as it should is in neither.
            models.Index(fields=["campaign", "id"], condition=Q(state__in=AMISS), name="campaigns_message_amiss"),
            models.Index(
                fields=["campaign", "id"],
                condition=Q(clicked_at__isnull=False) | Q(answered_at__isnull=False) | Q(opted_out_at__isnull=False),
                name="campaigns_message_heard",
            ),
        ]
        triggers = [
            only_ways(_WAYS),
            pgtrigger.Trigger(
                name="keep_dispatched",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("ever_dispatched"),
                condition=pgtrigger.Condition("OLD.ever_dispatched AND NOT NEW.ever_dispatched"),
                func="RAISE EXCEPTION 'What was dispatched once was dispatched for ever.' USING ERRCODE = '23514';",
            ),
            pgtrigger.Trigger(
                name="end_dropped",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("state", "dropped"),
                condition=pgtrigger.Condition("NEW.dropped AND NEW.state = 'pending'"),
                func="""
                    NEW.state := CASE WHEN NEW.ever_dispatched THEN 'uncertain' ELSE 'cancelled' END;
                    NEW.reason := 'Their walk is over.';
                    NEW.settled_at := CASE WHEN NEW.ever_dispatched THEN NEW.settled_at ELSE NEW.updated_at END;
                    RETURN NEW;""",
            ),
            pgtrigger.Trigger(
                name="tell_engine",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("settled_at"),
                condition=pgtrigger.Condition(
                    "OLD.settled_at IS NULL AND NEW.settled_at IS NOT NULL AND NEW.enrollment_id IS NOT NULL "
                    "AND NOT NEW.dropped"
                ),
                func="""
                    INSERT INTO campaigns_settlement (message_id, campaign_id, enrollment_id, at)
                    VALUES (NEW.id, NEW.campaign_id, NEW.enrollment_id, NEW.settled_at);
                    RETURN NULL;""",
            ),
            *tallied(),
            *never_deleted(instead="What was said stays."),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} to {self.contact}"


class Settlement(models.Model):
    """What became of a message is known, and its walk has not been told: a short queue that the engine empties.

    A narrow table of its own, because a message has a dozen indexes and every change of it writes to all of them.
    """

    message = models.OneToOneField("campaigns.Message", models.CASCADE, primary_key=True, related_name="+")
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    enrollment = models.ForeignKey(
        "campaigns.Enrollment", models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["campaign", "at", "message"], name="campaigns_settlement_queue")]

    def __str__(self) -> str:
        return str(self.message_id)
