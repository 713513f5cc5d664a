"""What the API of telephone work can be told."""

import zoneinfo
from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from calls.choices import CallSource, Direction, EventKind, Scope, Status, TerminalKind
from calls.models import CallingPolicy, Disposition
from calls.services.telling import SKEW
from config.kernel import clock
from config.kernel.api.fields import DayField, MomentField, VisibleRelatedField, WordField
from config.kernel.api.writing import ModelTold, Told
from crm.api.inputs import ColleagueField
from crm.choices import Priority
from crm.models import Contact, ContactPoint, Endpoint, Project, ProjectContact, User

BY_HAND = [kind for kind in EventKind if kind not in {EventKind.INITIATED, EventKind.OUTCOME, EventKind.CORRECTION}]
NOTE = 20_000


@extend_schema_field(OpenApiTypes.STR)
class DispositionField(serializers.Field):
    """How a call ended: the id of a disposition, or its name."""

    default_error_messages = {"unknown": "There is no such disposition. /api/v1/dispositions/ lists them."}

    def to_internal_value(self, data: Any) -> Disposition:
        if not isinstance(data, str):
            self.fail("unknown")
        by_name = Disposition.objects.filter(name__iexact=data.strip()).first()
        return by_name or self._by_id(data)

    def _by_id(self, data: str) -> Disposition:
        try:
            return Disposition.objects.get(pk=serializers.UUIDField().to_internal_value(data))
        except (serializers.ValidationError, Disposition.DoesNotExist):
            self.fail("unknown")

    def to_representation(self, value: Any) -> str:
        return str(value.pk)


class CallTold(Told):
    """A call that was made elsewhere. ``call_session_id`` is its id there: the same one again changes nothing."""

    call_session_id = serializers.CharField(max_length=100)
    contact = VisibleRelatedField(queryset=Contact.objects.all())
    initiated_at = MomentField()
    project = VisibleRelatedField(queryset=Project.objects.all(), required=False, allow_null=True)
    rep = ColleagueField(required=False, allow_null=True, help_text="Who called; left out: whoever tells.")
    point = VisibleRelatedField(queryset=ContactPoint.objects.all(), required=False, allow_null=True)
    number = serializers.CharField(required=False, max_length=40, allow_blank=True)
    direction = serializers.ChoiceField(choices=Direction.choices, required=False)
    status = serializers.ChoiceField(choices=Status.choices, required=False, allow_blank=True)
    answered_at = MomentField(required=False, allow_null=True)
    ended_at = MomentField(required=False, allow_null=True)
    duration = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=86_400, help_text="Seconds."
    )
    recording_url = serializers.URLField(required=False, max_length=1000, allow_blank=True)
    disposition = DispositionField(required=False, allow_null=True)
    callback_at = MomentField(required=False, allow_null=True)
    notes = serializers.CharField(required=False, max_length=NOTE, allow_blank=True)

    def validate_rep(self, rep: User | None) -> User | None:
        asker = self.context["request"].user
        if rep != asker and not asker.sees_everything:
            raise serializers.ValidationError("You can only record your own calls.")
        return rep

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        filled_in = {"rep": self.context["request"].user, "source": CallSource.API.value}
        return {**filled_in, **attrs, "assumed": frozenset(filled_in) - attrs.keys()}


class FactsTold(Told):
    note = serializers.CharField(required=False, max_length=NOTE)
    duration = serializers.IntegerField(required=False, min_value=0, max_value=86_400, help_text="Seconds.")
    recording_url = serializers.URLField(required=False, max_length=1000)


class EventTold(Told):
    """News about a call. ``external_id`` lets the same news arrive twice."""

    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in BY_HAND])
    at = MomentField(required=False)
    facts = FactsTold(required=False)
    external_id = serializers.CharField(required=False, max_length=100)

    def validate_at(self, at: Any) -> Any:
        if at > clock.now() + SKEW:
            raise serializers.ValidationError("News cannot come from the future.")
        return at


class OutcomeTold(Told):
    disposition = DispositionField()
    note = serializers.CharField(required=False, max_length=NOTE, allow_blank=True)
    callback_at = MomentField(required=False, allow_null=True)


class CorrectionTold(OutcomeTold):
    reason = serializers.CharField(
        required=False, max_length=200, allow_blank=True, help_text="Required once ten seconds are over."
    )


class UndoTold(Told):
    reason = serializers.CharField(required=False, max_length=200, allow_blank=True)


class NoteTold(Told):
    text = serializers.CharField(max_length=NOTE)


class DialTold(Told):
    point = VisibleRelatedField(queryset=ContactPoint.objects.all(), help_text="A number of the person you hold.")


class TerminalTold(Told):
    """A state that forbids calling. ``scope`` says which of the four subjects is named; everyone names none."""

    terminal_id = serializers.CharField(required=False, max_length=100, allow_null=True)
    scope = serializers.ChoiceField(choices=Scope.choices)
    project = VisibleRelatedField(queryset=Project.objects.all(), required=False, allow_null=True)
    contact = VisibleRelatedField(queryset=Contact.objects.all(), required=False, allow_null=True)
    pair = VisibleRelatedField(queryset=ProjectContact.objects.all(), required=False, allow_null=True)
    endpoint = VisibleRelatedField(queryset=Endpoint.objects.all(), required=False, allow_null=True)
    reason = serializers.CharField(max_length=200)
    until = MomentField(required=False, allow_null=True, help_text="Left out: for ever.")
    kind = serializers.ChoiceField(choices=TerminalKind.choices, default=TerminalKind.TERMINAL)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Turn the named subject into ``subject``; one that does not belong to the scope is refused by name."""
        named = {name: attrs.pop(name, None) for name in ("project", "contact", "pair", "endpoint")}
        scope = attrs["scope"]
        strangers = [name for name, subject in named.items() if subject is not None and name != scope]
        if strangers:
            wrong = ErrorDetail(f"Closing for {scope} does not name this.", "not_of_this_scope")
            raise serializers.ValidationError({name: [wrong] for name in strangers})
        return {**attrs, "subject": named.get(scope)}


class DispositionTold(ModelTold):
    class Meta:
        model = Disposition
        fields = [
            *("name", "key", "sentiment", "retry_after", "terminal_scope", "terminal_for", "do_not_call"),
            *("wrong_person", "asks_callback", "project_waits_for", "reached", "is_active"),
        ]


class PolicyChanges(ModelTold):
    class Meta:
        model = CallingPolicy
        fields = ["cooldown", "cooldown_scope", "day_cap", "week_cap"]


class PolicyTold(PolicyChanges):
    """The policy of a project, or without one the policy for all."""

    project = VisibleRelatedField(queryset=Project.objects.all(), required=False, allow_null=True)

    class Meta(PolicyChanges.Meta):
        fields = ["project", "cooldown", "cooldown_scope", "day_cap", "week_cap"]


class HoursVerified(Told):
    """A row of law was looked up again, and still says the same."""

    verified_on = DayField(help_text="The day on which somebody looked.")
    source = serializers.CharField(  # type: ignore[assignment]  # DRF's fields have an attribute of this name
        max_length=2_000, help_text="Statute, regulation or page, with its date."
    )


class WantedTold(Told):
    """Whom somebody wants to call; all of it optional."""

    project = VisibleRelatedField(queryset=Project.objects.alive(), required=False, allow_null=True)
    owner = serializers.CharField(required=False, allow_null=True, help_text='A user\'s id, or "me".')
    priority = WordField(Priority, required=False, allow_null=True)
    zone = serializers.CharField(required=False, max_length=64, allow_blank=True, help_text="Such as America/Chicago.")

    def validate_owner(self, value: str | None) -> User | None:
        if value == "me":
            return cast("User", self.context["request"].user)
        return cast("User", ColleagueField().to_internal_value(value)) if value else None

    def validate_zone(self, value: str) -> str:
        if value and value not in zoneinfo.available_timezones():
            raise serializers.ValidationError("There is no such time zone: give one such as America/Chicago.")
        return value


class ListWanted(WantedTold):
    limit = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)


class LeaseWanted(WantedTold):
    pair = VisibleRelatedField(
        queryset=ProjectContact.objects.alive(), required=False, allow_null=True,
        help_text="This one and no other; left out: the next.",
    )  # fmt: skip


class ExplainAsked(Told):
    project = VisibleRelatedField(queryset=Project.objects.alive())
    contact = VisibleRelatedField(queryset=Contact.objects.alive())


class WaterfallAsked(Told):
    project = VisibleRelatedField(queryset=Project.objects.alive(), required=False)
