"""What is shown of people's walks, and of what was said between them and us."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from campaigns.choices import EnrollmentState
from campaigns.models import (
    Attempt,
    CallTask,
    Campaign,
    Conversation,
    Enrollment,
    EnrollmentEvent,
    EnrollmentRun,
    EnrollmentStep,
    Execution,
    LedgerDay,
    Message,
    SendingAccount,
    SendingStop,
)
from campaigns.services import executing
from config.kernel.api.reading import Reading, Shown
from crm.api.readings import blank_hidden
from crm.models import Contact, Endpoint, Project, ProjectContact

LAST = 50  # messages of a conversation that come along with it
# Where a message comes from in its campaign, as it is shown of one by hand.
OF_CAMPAIGN = {"enrollment": None, "node": None, "visit": 0, "account": None, "content": ""}


class EnrollmentEventReading(Reading):
    order = ("id",)
    node_key = serializers.CharField(source="node.key")

    class Meta:
        model = EnrollmentEvent
        fields = ["id", "at", "kind", "node", "node_key", "exit", "state", "by", "data"]


class EnrollmentStepReading(Reading):
    order = ("begun_at", "ended_at")
    node_key = serializers.CharField(source="node.key")

    class Meta:
        model = EnrollmentStep
        fields = ["node", "node_key", "visit", "begun_at", "ended_at", "outcome", "exit"]


class EnrollmentReading(Reading):
    contact = serializers.UUIDField(source="contact_id", allow_null=True, help_text="Empty: not yours to see.")
    node_key = serializers.CharField(source="node.key")
    status_name = serializers.CharField(source="status.name")
    paused = serializers.BooleanField(
        source="wake_rule.paused", help_text="By hand; whoever is parked may be paused besides."
    )

    class Meta:
        model = Enrollment
        fields = [
            *("id", "campaign", "contact", "company", "pair", "run_no", "state", "paused"),
            *("node", "node_key", "visit", "wake_at", "status", "status_name", "stage", "reason", "enrolled_at"),
            *("ended_at", "run"),
        ]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Leave out whom the user does not see: a colleague's person in a campaign that everybody sees."""
        for one in shown:
            one["paused"] = one["state"] == EnrollmentState.PAUSED or bool(one["paused"])
        blank_hidden(shown, "contact", Contact, request=request)
        blank_hidden(shown, "pair", ProjectContact, request=request)


class OneEnrollmentReading(EnrollmentReading):
    """A walk with everything that happened on it, and where it was held up for how long."""

    events = EnrollmentEventReading(many=True)
    steps = EnrollmentStepReading(many=True)

    class Meta(EnrollmentReading.Meta):
        fields = [*EnrollmentReading.Meta.fields, "wake_rule", "last", "held_since", "steps", "events"]


class CallTaskReading(Reading):
    script = serializers.CharField(help_text="The key of a content, see /api/v1/contents/?key=.")

    class Meta:
        model = CallTask
        fields = [
            *("id", "enrollment", "contact", "pair", "priority", "script", "done_at", "outcome", "cancelled_at"),
            "created_at",
        ]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Leave out what the user does not see: a colleague's campaign, a colleague's project."""
        blank_hidden(shown, "enrollment", Enrollment, request=request)
        blank_hidden(shown, "pair", ProjectContact, request=request)


class EnrollmentRunReading(Reading):
    audience = serializers.DictField(
        help_text='Whom: {"filter": {..}}, {"project": id}, {"intake": id}, or of a list how many: {"contacts": 3}.'
    )
    attached: tuple[str, ...] = ("audience",)

    class Meta:
        model = EnrollmentRun
        fields = [
            *("id", "campaign", "by", "audience", "state", "asked", "enrolled", "inside", "through", "elsewhere"),
            *("gone", "error", "created_at", "ended_at"),
        ]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Say whom each means, in one query; which project only to those who see it."""
        runs: Any = EnrollmentRun.objects.filter(pk__in=[one["id"] for one in shown]).in_short()
        whom: dict[Any, Any] = {run.pk: run.whom for run in runs.only("pk")}
        for one in shown:
            one["audience"] = whom[one["id"]]
        named = [part for said in whom.values() for part in (said, said.get("filter", {})) if part.get("project")]
        keys = [{"project": UUID(part["project"])} for part in named]
        blank_hidden(keys, "project", Project, request=request)
        for part, key in zip(named, keys, strict=True):
            part["project"] = part["project"] if key["project"] else None


class OneEnrollmentRunReading(EnrollmentRunReading):
    """An enrolment with the list that it was begun with."""

    contacts = serializers.ListField(
        child=serializers.UUIDField(), allow_null=True, help_text="Of a list: for whoever began it, and for admins."
    )
    attached = ("audience", "contacts")

    class Meta(EnrollmentRunReading.Meta):
        fields = [*EnrollmentRunReading.Meta.fields, "contacts"]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        super().attach(shown, request=request)
        for one in shown:  # it is one: lists do not show them
            one["contacts"] = None
            if "contacts" in one["audience"] and (request.user.sees_everything or request.user.pk == one["by"]):
                one["contacts"] = EnrollmentRun.objects.values_list("audience__contacts", flat=True).get(pk=one["id"])


class ResultReading(serializers.Serializer[Any]):
    """What came of an execution, up to where everybody waits for something or is through."""

    ok = serializers.BooleanField(help_text="It came to its end, and nothing failed.")
    sent = serializers.IntegerField(help_text="Handed over.")
    skipped = serializers.IntegerField(help_text="Passed over: another channel was asked for, or they left before.")
    blocked = serializers.IntegerField(help_text="Refused by the gate; each message says why.")
    failed = serializers.IntegerField(help_text="Rejected, not delivered, too late, uncertain, or needs somebody.")


class ExecutionReading(Reading):
    result = ResultReading(allow_null=True, help_text="Empty until it is over.")
    attached = ("result",)

    class Meta:
        model = Execution
        fields = ["id", "campaign", "channel", "by", "state", "error", "created_at", "ended_at", "waiting", "result"]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Put the numbers of those that are over into their result, in one query."""
        over = Execution.objects.filter(pk__in=[one["id"] for one in shown if one["ended_at"]])
        results = {row.pk: {"ok": executing.is_ok(row), **executing.result(row)} for row in over}
        for one in shown:
            one["result"] = results.get(one["id"])


class AttemptReading(Reading):
    order = ("number",)

    class Meta:
        model = Attempt
        fields = [
            *("id", "number", "account", "provider", "decision_id", "dispatched_at", "valid_until", "reference"),
            *("outcome", "detail", "recorded_at"),
        ]


class MessageReading(Reading):
    address = serializers.CharField(source="endpoint.value", help_text="The number or e-mail address, once chosen.")

    class Meta:
        model = Message
        fields = [
            *("id", "direction", "channel", "state", "reason", "contact", "endpoint", "address", "conversation"),
            *("campaign", "enrollment", "node", "visit", "account", "by", "content", "subject", "body", "segments"),
            *("not_before", "expires_at", "retry_at", "tries", "ever_dispatched", "anomaly", "settled_at"),
            *("clicked_at", "answered_at", "opted_out_at", "decided_at", "decided_by", "created_at", "updated_at"),
        ]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        """Leave out what the user does not see: a colleague's campaign, a line that means somebody else."""
        walked = [one for one in shown if one["campaign"]]
        blank_hidden(walked, "campaign", Campaign, request=request)
        for one in walked:
            if not one["campaign"]:
                cls.blank_campaign(one)
        blank_hidden(shown, "endpoint", Endpoint, request=request)

    @classmethod
    def blank_campaign(cls, one: Shown) -> None:
        """Leave out what a message is made of in its campaign: what was said, and to whom, stays."""
        one.update(OF_CAMPAIGN)


class OneMessageReading(MessageReading):
    """A message with every try to hand it over."""

    attempts = AttemptReading(many=True)

    class Meta(MessageReading.Meta):
        fields = [*MessageReading.Meta.fields, "attempts"]

    @classmethod
    def blank_campaign(cls, one: Shown) -> None:
        super().blank_campaign(one)
        for attempt in one["attempts"]:
            attempt["account"] = None


class ConversationReading(Reading):
    contact_name = serializers.CharField(source="contact.name")

    class Meta:
        model = Conversation
        fields = [
            *("id", "contact", "contact_name", "last_at", "last_direction", "last_text", "unread"),
            *("created_at", "updated_at"),
        ]


class OneConversationReading(ConversationReading):
    """A conversation with its last messages, the newest first; all of them are at /messages/?conversation=."""

    messages = MessageReading(many=True)
    attached = ("messages",)

    class Meta(ConversationReading.Meta):
        fields = [*ConversationReading.Meta.fields, "messages"]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        plan = MessageReading.plan()
        for conversation in shown:  # it is one: lists do not show them
            rows = Message.objects.filter(conversation=conversation["id"]).order_by("-id")
            conversation["messages"] = plan.show(list(rows.values_list(*plan.columns)[:LAST]), request=request)


class LedgerDayReading(Reading):
    class Meta:
        model = LedgerDay
        fields = [
            *("id", "provider", "day", "tried_at", "compared_at", "error", "theirs", "ours", "unexplained", "repeated"),
            *("missing",),
        ]


class OneLedgerDayReading(LedgerDayReading):
    """A day with the ids of all that differs, theirs and ours."""

    class Meta(LedgerDayReading.Meta):
        fields = [*LedgerDayReading.Meta.fields, "named"]


class SendingAccountReading(Reading):
    class Meta:
        model = SendingAccount
        fields = [
            *("id", "name", "channel", "provider", "address", "user", "per_second", "per_day", "is_active"),
            *("open_until", "open_reason", "created_at", "updated_at"),
        ]


class SendingStopReading(Reading):
    class Meta:
        model = SendingStop
        fields = ["id", "channel", "reason", "at", "by", "lifted_at", "lifted_by"]
