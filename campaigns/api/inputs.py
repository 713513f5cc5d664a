"""What the API of campaigns can be told."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.choices import SENT_ON
from campaigns.models import (
    Campaign,
    ContentTemplate,
    EnrollmentStatus,
    Graph,
    SendingAccount,
    Template,
    TemplateVersion,
)
from campaigns.services import audiences, exchange
from campaigns.services.dispatch import by_hand, exits
from config.kernel.api.fields import MomentField, VisibleRelatedField
from config.kernel.api.writing import ModelTold, Told
from crm.api.inputs import ColleagueField
from crm.models import Contact, IntakeRun, Project


class ContentChanges(ModelTold):
    class Meta:
        model = ContentTemplate
        fields = ["name", "subject", "body"]


class ContentTold(ContentChanges):
    key = serializers.SlugField(max_length=80)

    class Meta(ContentChanges.Meta):
        fields = ["key", "channel", *ContentChanges.Meta.fields]


class PreviewAsked(Told):
    contact = VisibleRelatedField(queryset=Contact.objects.all())
    campaign = VisibleRelatedField(
        queryset=Campaign.objects.all(), required=False, help_text="Whose event and sender the tags stand for."
    )


class EnrollmentStatusTold(ModelTold):
    class Meta:
        model = EnrollmentStatus
        fields = ["name", "place", "is_active"]


class _Verbatim(serializers.CharField):
    """A text that is kept with the white space around it: of a key, an edge speaks by the same letters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)


class NodeTold(Told):
    key = _Verbatim(max_length=80)
    type = _Verbatim(max_length=20)
    name = _Verbatim(required=False, allow_blank=True, max_length=120)
    config = serializers.DictField(required=False)
    x = serializers.FloatField(required=False)
    y = serializers.FloatField(required=False)


class EdgeTold(Told):
    source = _Verbatim(max_length=80)  # type: ignore[assignment]  # a field of the body, not DRF's word
    target = _Verbatim(max_length=80)
    label = _Verbatim(required=False, max_length=80)  # type: ignore[assignment]  # likewise
    condition = serializers.DictField(required=False)
    order = serializers.IntegerField(required=False, min_value=0, max_value=2**15 - 1)


class DrawingTold(Told):
    """A whole graph: what it was before is replaced."""

    start = _Verbatim(required=False, allow_blank=True, max_length=80)
    on_reply = _Verbatim(required=False, allow_blank=True, max_length=80)
    nodes = NodeTold(many=True)
    edges = EdgeTold(many=True, required=False)

    def validate(self, attrs: Any) -> Any:
        parts = {name: attrs.pop(name) for name in ("start", "on_reply", "nodes", "edges") if name in attrs}
        return {**attrs, "drawing": exchange.drawing_in(parts)}


class GraphTold(DrawingTold):
    """A graph is told as a whole, also where the rest of the resource is told in parts."""

    revision = serializers.IntegerField(min_value=0, help_text="Of the graph as it was read.")

    def __init__(self, *args: Any, partial: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)


class CsvTold(Told):
    revision = serializers.IntegerField(min_value=0)
    csv = serializers.CharField(max_length=exchange.LARGEST, trim_whitespace=False)


class CompareAsked(Told):
    to = VisibleRelatedField(queryset=Graph.objects.all(), help_text="The other graph: what is new in it?")


class TemplateChanges(ModelTold):
    class Meta:
        model = Template
        fields = ["name", "description"]


class TemplateTold(TemplateChanges):
    graph = DrawingTold(required=False)

    class Meta(TemplateChanges.Meta):
        fields = [*TemplateChanges.Meta.fields, "graph"]


class PublishTold(Told):
    note = serializers.CharField(required=False, allow_blank=True, max_length=200)


class RestoreTold(Told):
    revision = serializers.IntegerField(min_value=0, help_text="Of the draft of the template as it was read.")


class CloneTold(Told):
    name = serializers.CharField(max_length=120)


class NothingTold(Told):
    """An empty body."""


class CampaignChanges(ModelTold):
    owner = ColleagueField(required=False, allow_null=True)
    sender = ColleagueField(required=False, allow_null=True)

    class Meta:
        model = Campaign
        fields = [
            *("name", "description", "owner", "sender", "goal"),
            *("event_type", "event_date", "event_time", "event_place", "event_hook"),
            *("reentry", "reentry_days", "exclusive", "starts_per_day", "company_limit", "spread_minutes"),
        ]


class CampaignTold(CampaignChanges):
    """A campaign is made of a version of a template; of a template it is made of the last one."""

    version = VisibleRelatedField(queryset=TemplateVersion.objects.all(), required=False)
    template = VisibleRelatedField(queryset=Template.objects.all(), required=False)

    class Meta(CampaignChanges.Meta):
        fields = ["version", "template", *CampaignChanges.Meta.fields]

    def validate(self, attrs: Any) -> Any:
        template = attrs.pop("template", None)
        if (template is None) == ("version" not in attrs):
            raise serializers.ValidationError({"version": "Give a version, or a template: then its last version."})
        if template:
            attrs["version"] = template.versions.order_by("-number").first()
        if attrs["version"] is None:
            raise serializers.ValidationError({"template": "It was never published: publish it first."})
        return attrs


class ScheduleTold(Told):
    starts_at = MomentField()


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]})
class Scalar(serializers.Field[Any, Any, Any, Any]):
    """A text, a number, true or false."""

    default_error_messages = {"invalid": "Write a text, a number, true or false."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | int | float):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class EnrollTold(Told):
    """Whom, by exactly one of these."""

    contacts = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=audiences.MOST_IDS)
    filter = serializers.DictField(
        child=Scalar(), required=False, help_text=f"Everybody who fits: {', '.join(audiences.FILTERS)}."
    )
    project = VisibleRelatedField(queryset=Project.objects.all(), required=False)
    intake = VisibleRelatedField(
        queryset=IntakeRun.objects.all(), required=False, help_text="A run of an intake: everybody whom its rows name."
    )

    def validate(self, attrs: Any) -> Any:
        return {"audience": {name: getattr(value, "pk", value) for name, value in attrs.items()}}


class ExecuteTold(Told):
    """Empty: the whole graph."""

    channel = serializers.ChoiceField(
        choices=SENT_ON, required=False, allow_blank=True, default="",
        help_text="Only what is sent on this channel; the other nodes that approach people are passed over.",
    )  # fmt: skip


class LeaveTold(Told):
    reason = serializers.CharField(max_length=80, help_text="In your words; they are kept “like this”.")


class StatusTold(Told):
    status = serializers.PrimaryKeyRelatedField(
        queryset=EnrollmentStatus.objects.filter(is_active=True), pk_field=serializers.UUIDField()
    )


class MarkTold(StatusTold):
    """A status, and whose: at most 10,000 people in all."""

    enrollments = serializers.ListField(child=serializers.UUIDField(), required=False)
    contacts = serializers.ListField(child=serializers.UUIDField(), required=False)
    lines = serializers.ListField(
        child=serializers.CharField(max_length=320), required=False, help_text="E-mail addresses or numbers."
    )

    def validate(self, attrs: Any) -> Any:
        if attrs.keys() == {"status"}:
            raise serializers.ValidationError({"enrollments": "Say whose: enrollments, contacts, or lines."})
        return attrs


class MessageTold(Told):
    """A message to one person. ``key`` makes sending this again harmless: it is the same message then."""

    contact = VisibleRelatedField(queryset=Contact.objects.alive())
    channel = serializers.ChoiceField(choices=SENT_ON)
    subject = serializers.CharField(required=False, allow_blank=True, max_length=by_hand.LONGEST_SUBJECT)
    body = serializers.CharField(max_length=100_000, trim_whitespace=False)
    key = serializers.CharField(max_length=by_hand.LONGEST_KEY)
    expires_at = MomentField(required=False, allow_null=True, help_text="Empty: a day later.")


class SendingAccountChanges(ModelTold):
    user = ColleagueField(required=False, allow_null=True, help_text="Empty: everybody's who has none of their own.")

    class Meta:
        model = SendingAccount
        fields = ["name", "user", "per_second", "per_day", "is_active"]


class SendingAccountTold(SendingAccountChanges):
    class Meta(SendingAccountChanges.Meta):
        fields = ["channel", "provider", "address", *SendingAccountChanges.Meta.fields]


class StopTold(Told):
    reason = serializers.CharField(max_length=200)
    channel = serializers.ChoiceField(
        choices=SENT_ON, required=False, allow_blank=True, help_text="Empty: all. Calls go on.",
        error_messages={"invalid_choice": exits.OF_MESSAGES},
    )  # fmt: skip
