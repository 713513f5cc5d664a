"""What the records of crm show. Columns only: nothing here costs a query per row."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from config.kernel.api.reading import Reading, Shown
from crm.models import (
    Company,
    Contact,
    ContactPoint,
    Endpoint,
    HoursProfile,
    Project,
    ProjectContact,
    User,
)
from crm.services.handing import held_by

ADDRESS = ["street", "city", "region", "postal_code", "country"]
BORN = ["created_at", "updated_at"]


def blank_hidden(shown: list[Shown], field: str, model: Any, *, request: Any) -> None:
    """Take out the ids of rows of ``model`` that the user does not see: with an id, other lists could be asked."""
    ids = {item[field] for item in shown} - {None}
    if not ids or request.user.sees_everything:
        return
    seen = {*model.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", flat=True)}
    for item in shown:
        if item[field] not in seen:
            item[field] = None


class UserReading(Reading):
    attached: tuple[str, ...] = ("roles",)
    roles = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = User
        fields = ["id", "email", "name", "time_zone", "is_active", "is_staff", "created_at", "roles"]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        memberships = User.groups.through.objects.filter(user__in=[user["id"] for user in shown])
        roles: dict[Any, list[str]] = {user["id"]: [] for user in shown}
        for member, role in memberships.order_by("group__name").values_list("user", "group__name"):
            roles[member].append(role)
        for user in shown:
            user["roles"] = roles[user["id"]]


class OwnsReading(serializers.Serializer[Any]):
    """How many contacts and projects they own, and how many callbacks they have promised."""

    contacts = serializers.IntegerField()
    projects = serializers.IntegerField()
    callbacks = serializers.IntegerField()


class OneUserReading(UserReading):
    attached = ("roles", "owns")
    owns = OwnsReading()

    class Meta(UserReading.Meta):
        fields = [*UserReading.Meta.fields, "owns"]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        super().attach(shown, request=request)
        for user in shown:  # one: a list does not count
            user["owns"] = asdict(held_by(user["id"]))


class CompanyReading(Reading):
    class Meta:
        model = Company
        fields = [
            *("id", "external_id", "name", "domain", "website", "industry", "employees", "annual_revenue"),
            *("technologies", "keywords", "phone", *ADDRESS, "profiles", "attributes", "source", "edited", *BORN),
        ]


class EndpointReading(Reading):
    hours = serializers.CharField(source="hours_profile.key", help_text="Candidate zones and jurisdictions.")

    class Meta:
        model = Endpoint
        fields = [
            *("id", "kind", "value", "owner", "line_type", "failed_until", "hours_profile", "hours", "suppressed_at"),
            *BORN,
        ]

    @classmethod
    def attach(cls, shown: list[Shown], *, request: Any) -> None:
        blank_hidden(shown, "owner", Contact, request=request)


class ContactPointReading(Reading):
    order = ("kind", "-is_primary", "id")
    value = serializers.CharField(source="endpoint.value", help_text="Normalized; empty for an address or profile.")
    line_type = serializers.CharField(source="endpoint.line_type")
    failed_until = serializers.DateTimeField(source="endpoint.failed_until")
    suppressed_at = serializers.DateTimeField(source="endpoint.suppressed_at")

    class Meta:
        model = ContactPoint
        fields = [
            *("id", "contact", "endpoint", "kind", "value", "value_given", "extension", "label", "is_primary", "state"),
            *("verified_at", "line_type", "failed_until", "suppressed_at", *ADDRESS, *BORN),
        ]


class ContactReading(Reading):
    company_name = serializers.CharField(source="company.name")

    class Meta:
        model = Contact
        fields = [
            *("id", "contact_id", "first_name", "last_name", "name", "title", "seniority", "department"),
            *("company", "company_name", "primary_phone", "primary_email", "profiles", *ADDRESS, "time_zone"),
            *("do_not_call", "do_not_email", "do_not_text", "preferred_channel", "consent_given", "consent_at"),
            *("lifecycle", "priority", "lead_score", "conversion_probability", "owner", "data_quality", "source"),
            *("attributes", "edited", *BORN),
        ]


class ProjectReading(Reading):
    class Meta:
        model = Project
        fields = [
            *("id", "project_id", "name", "kind", "status", "stage", "description", "value", *ADDRESS),
            *("bid_on", "starts_on", "event_on", "source", "owner", "call_suppressed", "call_suppressed_reason"),
            *("next_call_eligible_at", "attributes", "edited", *BORN),
        ]


class ProjectContactReading(Reading):
    contact_name = serializers.CharField(source="contact.name")
    project_name = serializers.CharField(source="project.name")

    class Meta:
        model = ProjectContact
        fields = [
            *("id", "project", "project_name", "contact", "contact_name", "roles", "is_primary"),
            *("suppress_for_project", "suppress_reason", "priority", "listed_name", "callback_at", "callback_by"),
            *("callable_from", "hours_profile", "last_touch_at", *BORN),
        ]


class OneContactReading(ContactReading):
    points = ContactPointReading(many=True)

    class Meta(ContactReading.Meta):
        fields = [*ContactReading.Meta.fields, "points"]


class HoursProfileReading(Reading):
    class Meta:
        model = HoursProfile
        fields = ["id", "key"]
