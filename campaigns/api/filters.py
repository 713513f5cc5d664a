"""What the lists of campaigns can be asked."""

from typing import Any

import django_filters as filters
from django.db.models import Q
from django_filters import FilterSet
from rest_framework.exceptions import ErrorDetail, ValidationError

from campaigns.choices import (
    ENDED,
    LIVE,
    SENT_ON,
    UNSURE,
    Anomaly,
    CampaignStatus,
    EnrollmentState,
    MessageDirection,
    MessageState,
    RunState,
    TemplateStatus,
)
from config.kernel.api.filtering import CreatedSince, Empty, Owner, Related, Whole, YesNo
from crm.choices import Channel


class ContentFilter(FilterSet):
    key = filters.CharFilter()
    channel = filters.ChoiceFilter(choices=Channel)
    in_use = Empty(field_name="archived_at")


class EnrollmentStatusFilter(FilterSet):
    name = filters.CharFilter(lookup_expr="iexact")


class GraphFilter(FilterSet):
    draft = Empty(field_name="frozen_at")
    created_since = CreatedSince()


class TemplateFilter(FilterSet):
    name = filters.CharFilter(lookup_expr="iexact")
    status = filters.ChoiceFilter(choices=TemplateStatus)


class TemplateVersionFilter(FilterSet):
    template = Related()
    number = Whole()


class CampaignFilter(FilterSet):
    name = filters.CharFilter(lookup_expr="iexact")
    status = filters.ChoiceFilter(choices=CampaignStatus)
    owner = Owner()
    sender = Owner()
    template = Related(field_name="version__template")
    created_since = CreatedSince()


class EnrollmentFilter(FilterSet):
    campaign = Related()
    contact = Related()
    state = filters.ChoiceFilter(choices=EnrollmentState)
    status = Related()
    node = Related()
    run = Related()
    stage = filters.CharFilter(
        method="keep_stage", label="The key of the stage that they passed last, of a campaign: with campaign"
    )
    reason = filters.CharFilter(
        method="keep_reason",
        label="Why they left: a code (opted_out), or what somebody wrote, with its quotation marks (“Moved away”); "
        "or words of why they stand still",
    )
    live = YesNo(method="keep_live", label="Still on the way")
    created_since = CreatedSince()

    def keep_stage(self, rows: Any, name: str, wanted: str) -> Any:
        """A key means something in one graph, and stages have no index of their own."""
        if not self.form.cleaned_data.get("campaign"):
            said = "Say of which campaign: add campaign=ID. Stages of all campaigns are not looked through."
            raise ValidationError({name: [ErrorDetail(said, "invalid")]})
        return rows.filter(stage=wanted)

    def keep_reason(self, rows: Any, name: str, wanted: str) -> Any:
        """Whoever left is found by an index; those who stand still are few, and their reasons are sentences."""
        standing = [EnrollmentState.PAUSED, EnrollmentState.PARKED]
        return rows.filter(Q(ended_at__isnull=False, reason=wanted) | Q(state__in=standing, reason__icontains=wanted))

    def keep_live(self, rows: Any, name: str, wanted: bool) -> Any:
        return rows.filter(state__in=LIVE if wanted else ENDED)


class EnrollmentRunFilter(FilterSet):
    campaign = Related()
    state = filters.ChoiceFilter(choices=RunState)
    created_since = CreatedSince()


class ExecutionFilter(FilterSet):
    campaign = Related()
    state = filters.ChoiceFilter(choices=RunState)
    created_since = CreatedSince()


class CallTaskFilter(FilterSet):
    contact = Related()
    enrollment = Related()
    open = YesNo(method="keep_open", label="Still to be made")

    def keep_open(self, rows: Any, name: str, wanted: bool) -> Any:
        is_open = Q(done_at=None, cancelled_at=None)
        return rows.filter(is_open if wanted else ~is_open)


class ConversationFilter(FilterSet):
    contact = Related()
    unread = YesNo(method="keep_unread", label="With something that nobody has read")

    def keep_unread(self, rows: Any, name: str, wanted: bool) -> Any:
        return rows.filter(unread__gt=0) if wanted else rows.filter(unread=0)


class MessageFilter(FilterSet):
    contact = Related()
    conversation = Related()
    campaign = Related()
    node = Related()
    enrollment = Related()
    direction = filters.ChoiceFilter(choices=MessageDirection)
    channel = filters.ChoiceFilter(choices=Channel)
    state = filters.ChoiceFilter(choices=MessageState)
    blocked_by = filters.CharFilter(method="keep_blocked", label="A code of the gate, such as endpoint_suppressed")
    unsure = YesNo(method="keep_unsure", label="Somebody has to decide about it")
    anomaly = filters.ChoiceFilter(choices=Anomaly, label="What is wrong with what we know of it")
    created_since = CreatedSince()

    def keep_blocked(self, rows: Any, name: str, code: str) -> Any:
        return rows.blocked_by(code)

    def keep_unsure(self, rows: Any, name: str, wanted: bool) -> Any:
        return rows.unsure() if wanted else rows.exclude(state__in=UNSURE, decided_at=None)


class LedgerDayFilter(FilterSet):
    provider = filters.CharFilter()
    day = filters.DateFilter(label="In UTC, such as 2026-11-20")
    waits = Empty(field_name="compared_at", label="It could not be compared yet")
    differs = YesNo(method="keep_differing", label="The two sides do not match")

    def keep_differing(self, rows: Any, name: str, wanted: bool) -> Any:
        return rows.differing() if wanted else rows.filter(unexplained=0, repeated=0, missing=0)


class SendingAccountFilter(FilterSet):
    channel = filters.ChoiceFilter(choices=Channel)
    is_active = YesNo()


class SendingStopFilter(FilterSet):
    channel = filters.ChoiceFilter(choices=SENT_ON)
    stands = Empty(field_name="lifted_at")
