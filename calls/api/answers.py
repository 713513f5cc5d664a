"""The shapes of the queue's answers, for the schema."""

from rest_framework import serializers

from calls.api.readings import CallSessionReading
from crm.choices import Priority


class BlockShown(serializers.Serializer):
    """One reason against calling."""

    code = serializers.CharField()
    level = serializers.CharField(help_text="Whom it closes: world, project, contact, pair or endpoint.")
    until = serializers.DateTimeField(allow_null=True, help_text="When it ends by itself; empty: not by itself.")
    evidence = serializers.DictField()


class OfferShown(serializers.Serializer):
    """A pair that may be called now, and the number to dial."""

    pair = serializers.UUIDField()
    project = serializers.UUIDField()
    project_name = serializers.CharField()
    contact = serializers.UUIDField()
    contact_name = serializers.CharField()
    title = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    point = serializers.UUIDField(help_text="What to dial: the primary number if it passes, else the best that does.")
    number = serializers.CharField()
    extension = serializers.CharField()
    priority = serializers.ChoiceField(choices=[(choice.name.lower(), choice.label) for choice in Priority])
    callback_at = serializers.DateTimeField(allow_null=True)
    last_touch_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(help_text="Why it stands where it stands.")
    elsewhere = serializers.IntegerField(help_text="In how many other projects the person has a part.")


class EmptyShown(serializers.Serializer):
    """Why nobody is offered."""

    state = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)
    facts = serializers.DictField()


class EligibleShown(serializers.Serializer):
    at = serializers.DateTimeField()
    results = OfferShown(many=True)
    empty = EmptyShown(required=False, help_text="Only where there is nobody.")


class PointVerdictShown(serializers.Serializer):
    point = serializers.UUIDField()
    number = serializers.CharField()
    extension = serializers.CharField()
    is_primary = serializers.BooleanField()
    earliest = serializers.DateTimeField(allow_null=True)
    blocks = BlockShown(many=True)


class ExplanationShown(serializers.Serializer):
    pair = serializers.UUIDField()
    project = serializers.UUIDField()
    contact = serializers.UUIDField()
    callable = serializers.BooleanField()
    earliest = serializers.DateTimeField(
        allow_null=True, help_text="When somebody may first be called; at most 60 days."
    )
    blocks = BlockShown(many=True)
    points = PointVerdictShown(many=True)


class RuleShown(serializers.Serializer):
    code = serializers.CharField()
    level = serializers.CharField()
    blocks = serializers.IntegerField(help_text="All pairs that it blocks.")
    first = serializers.IntegerField(help_text="Those that no earlier rule blocks.")


class WaterfallShown(serializers.Serializer):
    """How many pairs are lost to each rule: ``first`` of all rules and ``callable`` add up to ``pairs``."""

    project = serializers.UUIDField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True, help_text="When it was counted; empty: asked for, not yet counted.")
    age = serializers.FloatField(allow_null=True, help_text="Seconds since then.")
    pairs = serializers.IntegerField()
    callable = serializers.IntegerField()
    rules = RuleShown(many=True)
    seconds = serializers.FloatField(help_text="How long counting took.")


class HandoverShown(serializers.Serializer):
    kind = serializers.ChoiceField(choices=["link", "live"])
    url = serializers.CharField()


class RecordedShown(CallSessionReading):
    """The session as it was stored, and what of the told body has no effect."""

    attached = ("warnings",)
    warnings = serializers.DictField(child=serializers.CharField(), help_text="By field; empty where all was used.")

    class Meta(CallSessionReading.Meta):
        fields = [*CallSessionReading.Meta.fields, "warnings"]


class DialedShown(CallSessionReading):
    """The session, and how the call goes on; ``handover`` is empty where nobody knows whether it rings."""

    attached = ("handover",)
    handover = HandoverShown(allow_null=True)

    class Meta(CallSessionReading.Meta):
        fields = [*CallSessionReading.Meta.fields, "handover"]
