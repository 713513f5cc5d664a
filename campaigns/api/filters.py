"""What the lists of campaigns can be asked."""

import django_filters as filters
from django_filters import FilterSet

from campaigns.choices import TemplateStatus
from config.kernel.api.filtering import CreatedSince, Empty, Related
from crm.choices import Channel


class ContentFilter(FilterSet):
    key = filters.CharFilter()
    channel = filters.ChoiceFilter(choices=Channel)
    in_use = Empty(field_name="archived_at")


class EnrollmentStatusFilter(FilterSet):
    name = filters.CharFilter()


class GraphFilter(FilterSet):
    draft = Empty(field_name="frozen_at")
    created_since = CreatedSince()


class TemplateFilter(FilterSet):
    name = filters.CharFilter(lookup_expr="iexact")
    status = filters.ChoiceFilter(choices=TemplateStatus)


class TemplateVersionFilter(FilterSet):
    template = Related()
    number = filters.NumberFilter()
