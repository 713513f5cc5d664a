"""What the API of crm can be told. Which values make sense is the services' business, and they say so by field."""

from typing import Any

from rest_framework import serializers

from config.kernel import clock
from config.kernel.api.fields import MomentField, VisibleRelatedField
from config.kernel.api.writing import ModelTold, Told
from crm.choices import PointKind, PointState, Role
from crm.models import Company, Contact, Project, ProjectContact, User

ADDRESS = ["street", "city", "region", "postal_code", "country"]
CONTACT = [
    *("first_name", "last_name", "name", "title", "seniority", "department", "company", "profiles", *ADDRESS),
    *("time_zone", "do_not_call", "do_not_email", "do_not_text", "preferred_channel", "lifecycle", "priority"),
    *("lead_score", "conversion_probability", "owner", "source", "attributes"),
]
COMPANY = [
    *("name", "domain", "website", "industry", "employees", "annual_revenue", "technologies", "keywords", "phone"),
    *(*ADDRESS, "profiles", "attributes", "source"),
]
PROJECT = [
    *("name", "kind", "status", "stage", "description", "value", *ADDRESS, "bid_on", "starts_on", "event_on", "source"),
    *("owner", "call_suppressed", "call_suppressed_reason", "next_call_eligible_at", "attributes"),
]
PAIR = [
    *("roles", "is_primary", "suppress_for_project", "suppress_reason", "priority", "callback_at", "callback_by"),
]


class ColleagueField(serializers.PrimaryKeyRelatedField):
    """Somebody who works here."""

    def __init__(self, **options: Any) -> None:
        super().__init__(queryset=User.objects.filter(is_active=True), pk_field=serializers.UUIDField(), **options)


class CompanyChanges(ModelTold):
    class Meta:
        model = Company
        fields = COMPANY


class CompanyTold(CompanyChanges):
    """Known by ``external_id``, without one by its name."""

    external_id = serializers.CharField(required=False, max_length=100, allow_blank=True)

    class Meta(CompanyChanges.Meta):
        fields = ["external_id", *COMPANY]


class ContactChanges(ModelTold):
    company = VisibleRelatedField(queryset=Company.objects.all(), required=False, allow_null=True)
    owner = ColleagueField(required=False, allow_null=True)

    class Meta:
        model = Contact
        fields = CONTACT


class ContactTold(ContactChanges):
    """Known by ``contact_id``, else by phone, else by e-mail address."""

    contact_id = serializers.CharField(required=False, max_length=100, allow_blank=True)
    phone = serializers.CharField(required=False, max_length=100, allow_blank=True)
    email = serializers.CharField(required=False, max_length=320, allow_blank=True)

    class Meta(ContactChanges.Meta):
        fields = ["contact_id", "phone", "email", *CONTACT]


class ProjectChanges(ModelTold):
    owner = ColleagueField(required=False, allow_null=True)

    class Meta:
        model = Project
        fields = PROJECT


class ProjectTold(ProjectChanges):
    """Known by ``project_id``."""

    project_id = serializers.CharField(max_length=100)

    class Meta(ProjectChanges.Meta):
        fields = ["project_id", *PROJECT]


class PairChanges(ModelTold):
    callback_by = ColleagueField(required=False, allow_null=True)

    class Meta:
        model = ProjectContact
        fields = PAIR


class PairTold(PairChanges):
    """Known by project and contact."""

    project = VisibleRelatedField(queryset=Project.objects.alive())
    contact = VisibleRelatedField(queryset=Contact.objects.alive())

    class Meta(PairChanges.Meta):
        fields = ["project", "contact", *PAIR]


class PastField(MomentField):
    """When something happened: never in the future."""

    default_error_messages = {"future": "This moment is still to come."}

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, help_text="When it was said; without it: now.", **options)

    def to_internal_value(self, value: Any) -> Any:
        moment = super().to_internal_value(value)
        if moment > clock.now():
            self.fail("future")
        return moment


class PlaceTold(Told):
    street = serializers.CharField(required=False, max_length=200)
    city = serializers.CharField(required=False, max_length=120)
    region = serializers.CharField(required=False, max_length=80)
    postal_code = serializers.CharField(required=False, max_length=20)
    country = serializers.CharField(required=False, max_length=60)


class PointTold(Told):
    """A way to reach a contact. Known by contact and normalized value."""

    contact = VisibleRelatedField(queryset=Contact.objects.alive())
    kind = serializers.ChoiceField(choices=PointKind.choices)
    value = serializers.CharField(required=False, max_length=500, allow_blank=True, default="")
    label = serializers.CharField(required=False, max_length=40)  # type: ignore[assignment]  # DRF takes it off the class
    extension = serializers.CharField(required=False, max_length=20)
    is_primary = serializers.BooleanField(required=False)
    place = PlaceTold(required=False, help_text="The parts of a postal address.")


class PointChanges(Told):
    """What was found out about a point. Its value never changes: add another, and remove this one."""

    is_primary = serializers.BooleanField(required=False, help_text="True: tried first from now on.")
    state = serializers.ChoiceField(choices=PointState.choices, required=False)
    verified = serializers.BooleanField(required=False, help_text="True: seen to reach this person, now.")
    label = serializers.CharField(required=False, max_length=40, allow_blank=True)  # type: ignore[assignment]  # DRF takes it off the class
    extension = serializers.CharField(required=False, max_length=20, allow_blank=True)

    def validate_is_primary(self, value: bool) -> bool:
        return _only_true(value, "Make another point primary instead.")

    def validate_verified(self, value: bool) -> bool:
        return _only_true(value, "What was verified stays verified; say what its state is now.")


def _only_true(value: bool, instead: str) -> bool:
    if not value:
        raise serializers.ValidationError(f"Can only be set to true. {instead}")
    return value


class RestTold(Told):
    failed_until = MomentField(allow_null=True, help_text="The line rests until then; null: it works.")


class LiftTold(Told):
    reason = serializers.CharField(max_length=200)


class UserTold(Told):
    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField(choices=Role.choices)
    password = serializers.CharField(max_length=200, trim_whitespace=False, write_only=True)
    time_zone = serializers.CharField(required=False, max_length=64)


class UserChanges(Told):
    email = serializers.EmailField(max_length=254, required=False)
    name = serializers.CharField(max_length=120, required=False)
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    time_zone = serializers.CharField(required=False, max_length=64)
    is_active = serializers.BooleanField(required=False)
    hand_over_to = ColleagueField(
        required=False, allow_null=True, help_text="Everything they own becomes this colleague's; null: nobody's."
    )


class OwnChanges(Told):
    """What one may change about oneself."""

    name = serializers.CharField(max_length=120, required=False)
    time_zone = serializers.CharField(required=False, max_length=64)
