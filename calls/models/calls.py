from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from calls.choices import CallSource, Direction, EventKind, Status
from calls.querysets import CallEventQuerySet, CallSessionQuerySet, CallStatusQuerySet
from config.kernel import clock
from config.kernel.keeping import append_only
from config.kernel.models import Row


class CallSession(Row):
    """One attempt to speak with someone, written once when it is dialed, or when it is recorded from outside.

    What happens during the call is in its events; what lists show is in its status. Nothing here ever changes.
    """

    call_session_id = models.CharField(max_length=100, unique=True, help_text="Its id where it was made.")
    pair = models.ForeignKey("crm.ProjectContact", models.PROTECT, null=True, blank=True, related_name="call_sessions")
    contact = models.ForeignKey("crm.Contact", models.PROTECT, related_name="call_sessions", db_index=False)
    project = models.ForeignKey(
        "crm.Project", models.PROTECT, null=True, blank=True, related_name="call_sessions", db_index=False
    )
    rep = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="call_sessions", db_index=False
    )
    point = models.ForeignKey(
        "crm.ContactPoint", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    endpoint = models.ForeignKey("crm.Endpoint", models.PROTECT, null=True, blank=True, related_name="call_sessions")
    number = models.CharField(max_length=40, blank=True, help_text="What was dialed, or who called.")
    direction = models.CharField(max_length=8, choices=Direction, default=Direction.OUTBOUND)
    initiated_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=CallSource)
    decision_id = models.UUIDField(null=True, blank=True, help_text="The gate's receipt for dialing.")
    outside_gate = ArrayField(
        models.CharField(max_length=40), default=list, blank=True,
        help_text="Rules that stood against a call that was made all the same and recorded from outside.",
    )  # fmt: skip
    recorded_at = models.DateTimeField(default=clock.now, editable=False)

    objects = CallSessionQuerySet.as_manager()

    class Meta:
        verbose_name = "call"
        ordering = ["-id"]
        permissions = [
            ("use_call_desk", "Works at the call desk"),
            ("correct_any_call", "Corrects any call's outcome, with a reason"),
        ]
        indexes = [
            models.Index(F("contact"), F("initiated_at").desc(), name="calls_session_by_contact"),
            models.Index(F("rep"), F("initiated_at").desc(), name="calls_session_by_rep"),
            models.Index(F("project"), F("initiated_at").desc(), name="calls_session_by_project"),
            models.Index(F("initiated_at").desc(), F("id").desc(), name="calls_session_newest"),
        ]
        triggers = append_only(but=["point_id"])

    def __str__(self) -> str:
        return f"{self.get_direction_display()} call, {self.initiated_at:%Y-%m-%d %H:%M}"


class CallEvent(Row):
    """Something that happened in a call. Append-only; ``external_id`` lets the same news arrive twice."""

    session = models.ForeignKey("calls.CallSession", models.PROTECT, related_name="events", db_index=False)
    kind = models.CharField(max_length=10, choices=EventKind)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    disposition = models.ForeignKey(
        "calls.Disposition", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    facts = models.JSONField(default=dict, blank=True, help_text="Note, duration, recording address, reason.")
    external_id = models.CharField(max_length=100, null=True, blank=True)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="corrected_by")

    objects = CallEventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "external_id"], name="calls_event_once"),
            models.UniqueConstraint(
                fields=["corrects"], condition=Q(corrects__isnull=False), name="calls_event_corrected_once"
            ),
            models.CheckConstraint(
                condition=~Q(kind=EventKind.OUTCOME) | Q(disposition__isnull=False),
                name="calls_event_outcome_has_disposition",
            ),
        ]
        indexes = [models.Index(fields=["session", "at", "id"], name="calls_event_of_session")]
        triggers = append_only(but=["by_id"])

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.at:%H:%M:%S}"


class CallStatus(models.Model):
    """Where a call stands now: the one mutable row per session, always what its events amount to."""

    session = models.OneToOneField("calls.CallSession", models.PROTECT, primary_key=True, related_name="now")
    rep = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    direction = models.CharField(max_length=8, choices=Direction)
    initiated_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.INITIATED)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds.")
    recording_url = models.CharField(max_length=1000, blank=True)
    disposition = models.ForeignKey(
        "calls.Disposition", models.PROTECT, null=True, blank=True, related_name="calls", db_index=False
    )
    outcome_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(blank=True)

    objects = CallStatusQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "call statuses"
        ordering = ["-initiated_at", "-session"]
        indexes = [
            models.Index(F("initiated_at").desc(), F("session").desc(), name="calls_status_newest"),
            models.Index(
                fields=["rep", "initiated_at"],
                condition=Q(disposition=None, direction=Direction.OUTBOUND),
                name="calls_status_to_finish",
            ),
            models.Index(F("disposition"), F("initiated_at").desc(), name="calls_status_by_disposition"),
        ]

    def __str__(self) -> str:
        return self.get_status_display()


class CallDraft(Row):
    """What a rep has typed and not yet saved. It outlives a reload, a lost connection and the end of a lease."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    pair = models.ForeignKey("crm.ProjectContact", models.CASCADE, related_name="+", db_index=False)
    text = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "pair"], name="calls_draft_one_per_pair")]

    def __str__(self) -> str:
        return self.text[:40]


class CallNews(Row):
    """An outcome that others will be told of, ten seconds later, when nobody takes it back. At least once."""

    event = models.OneToOneField("calls.CallEvent", models.PROTECT, related_name="news")
    due_at = models.DateTimeField(null=True, help_text="Empty: told, or withdrawn by a correction.")
    told_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "call news"
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="calls_news_due")]

    def __str__(self) -> str:
        return f"News of {self.event_id}"
