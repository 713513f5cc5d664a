"""What the lists of crm can be asked."""

from typing import Any

import django_filters as filters
from django.db.models import IntegerChoices
from django_filters import FilterSet

from config.kernel.api.filtering import ChangedSince, CreatedSince, Empty, Owner, Related, Words, YesNo, before, since
from crm.choices import (
    Channel,
    ConsentKind,
    EndpointKind,
    GateAction,
    IntakeState,
    Lifecycle,
    Operation,
    PointKind,
    Priority,
    ReviewKind,
    SourceKind,
    SuppressionReason,
)
from crm.models import ContactPoint
from crm.services.normalization.companies import parse_company
from crm.services.normalization.phones import parse_phone
from crm.services.normalization.refusals import Unusable


def reached_at(kind: str) -> Any:
    """Filter rows by the exact number or address that reaches them, as anybody writes it."""

    def keep(rows: Any, name: str, value: str) -> Any:
        points = ContactPoint.objects.filter(endpoint__kind=kind, endpoint__value=normal(kind, value))
        return rows.filter(pk__in=points.values("contact"))

    return keep


def normal(kind: str, value: str) -> str:
    """Return ``value`` as it is stored; what cannot be read matches nothing."""
    if kind == EndpointKind.EMAIL:
        return value.strip().lower()
    try:
        return parse_phone(value).e164
    except Unusable:
        return ""


class Word(filters.TypedChoiceFilter):
    """A number in the database that is a word outside, as the rows show it: priority=urgent."""

    def __init__(self, words: type[IntegerChoices], **options: Any) -> None:
        known = [(choice.name.lower(), choice.label) for choice in words]
        super().__init__(choices=known, coerce=lambda word: words[word.upper()], **options)


class Part(filters.CharFilter):
    """Pairs with a role, however it is written: "General Contractor" is general_contractor."""

    def filter(self, rows: Any, value: Any) -> Any:
        return super().filter(rows, ["_".join(value.lower().split())]) if value else rows


class UserFilter(FilterSet):
    search = filters.CharFilter(field_name="name", lookup_expr="icontains", max_length=100)
    email = filters.CharFilter(lookup_expr="iexact")
    is_active = YesNo()


class CompanyFilter(FilterSet):
    search = Words()
    external_id = filters.CharFilter()
    domain = filters.CharFilter(lookup_expr="exact")
    name = filters.CharFilter(method="keep_name", label="Any way of writing the whole name, with or without Inc.")
    industry = filters.CharFilter()
    created_since = CreatedSince()

    def keep_name(self, companies: Any, name: str, value: str) -> Any:
        return companies.filter(name_key=parse_company(value).key[:200])


class ContactFilter(FilterSet):
    search = Words()
    contact_id = filters.CharFilter()
    phone = filters.CharFilter(method=reached_at(EndpointKind.PHONE), label="Any way of writing the number")
    email = filters.CharFilter(method=reached_at(EndpointKind.EMAIL))
    owner = Owner()
    company = Related()
    project = Related(field_name="pairs__project")
    lifecycle = filters.ChoiceFilter(choices=Lifecycle)
    priority = Word(Priority)
    source = filters.CharFilter()
    do_not_call = YesNo()
    do_not_email = YesNo()
    do_not_text = YesNo()
    lead_score_min = filters.NumberFilter(field_name="lead_score", lookup_expr="gte", min_value=0, max_value=100)
    lead_score_max = filters.NumberFilter(field_name="lead_score", lookup_expr="lte", min_value=0, max_value=100)
    updated_since = ChangedSince()
    created_since = CreatedSince()


class ContactPointFilter(FilterSet):
    contact = Related()
    endpoint = Related()
    kind = filters.ChoiceFilter(choices=PointKind)
    phone = filters.CharFilter(method="keep_line", label="Any way of writing the number")
    email = filters.CharFilter(method="keep_line")
    created_since = CreatedSince()

    def keep_line(self, points: Any, kind: str, value: str) -> Any:
        return points.filter(endpoint__kind=kind, endpoint__value=normal(kind, value))


class EndpointFilter(FilterSet):
    phone = filters.CharFilter(method="keep_line", label="Any way of writing the number")
    email = filters.CharFilter(method="keep_line")
    owner = Related(label="The contact whom the line means")
    contact = Related(field_name="points__contact")
    created_since = CreatedSince()

    def keep_line(self, endpoints: Any, kind: str, value: str) -> Any:
        return endpoints.filter(kind=kind, value=normal(kind, value))


class ProjectFilter(FilterSet):
    search = Words()
    project_id = filters.CharFilter()
    owner = Owner()
    kind = filters.CharFilter()
    status = filters.CharFilter()
    stage = filters.CharFilter()
    source = filters.CharFilter()
    call_suppressed = YesNo()
    contact = Related(field_name="pairs__contact")
    updated_since = ChangedSince()
    created_since = CreatedSince()


class ProjectContactFilter(FilterSet):
    project = Related()
    contact = Related()
    role = Part(field_name="roles", lookup_expr="contains")
    priority = Word(Priority)
    suppressed = YesNo(field_name="suppress_for_project")
    callback_before = before("callback_at")
    created_since = CreatedSince()


class SourceRecordFilter(FilterSet):
    contact = Related()
    project = Related()
    company = Related()
    key = filters.CharFilter()
    source = filters.CharFilter()
    kind = filters.ChoiceFilter(choices=SourceKind)


class SuppressionFilter(FilterSet):
    endpoint = Related()
    phone = filters.CharFilter(method="keep_line", label="Any way of writing the number")
    email = filters.CharFilter(method="keep_line")
    channel = filters.ChoiceFilter(choices=Channel)
    reason = filters.ChoiceFilter(choices=SuppressionReason)
    standing = Empty(field_name="lifted_at")
    created_since = CreatedSince()

    def keep_line(self, suppressions: Any, kind: str, value: str) -> Any:
        return suppressions.filter(endpoint__kind=kind, endpoint__value=normal(kind, value))


class ConsentFilter(FilterSet):
    contact = Related()
    endpoint = Related()
    channel = filters.ChoiceFilter(choices=Channel)
    kind = filters.ChoiceFilter(choices=ConsentKind)
    created_since = CreatedSince()


class TouchFilter(FilterSet):
    contact = Related()
    endpoint = Related()
    project = Related()
    channel = filters.ChoiceFilter(choices=Channel)
    counts = YesNo()
    since = since("at")
    before = before("at")


class GateDecisionFilter(FilterSet):
    contact = Related()
    endpoint = Related()
    pair = Related()
    action = filters.ChoiceFilter(choices=GateAction)
    allowed = YesNo()
    since = CreatedSince()


class ReviewItemFilter(FilterSet):
    kind = filters.ChoiceFilter(choices=ReviewKind)
    open = Empty(field_name="resolved_at")
    contact = Related()
    project = Related()


class IntakeRunFilter(FilterSet):
    state = filters.ChoiceFilter(choices=IntakeState)
    source = filters.CharFilter()
    feed = filters.CharFilter()
    created_since = CreatedSince()


class HoursProfileFilter(FilterSet):
    zone = filters.CharFilter(field_name="key", lookup_expr="contains", label="Such as America/Chicago or US-TX")


class AuditFilter(FilterSet):
    entity = filters.CharFilter(label="Such as crm.contact")
    entity_id = filters.UUIDFilter()
    operation = filters.ChoiceFilter(choices=Operation)
    actor = Owner()
    since = CreatedSince()
