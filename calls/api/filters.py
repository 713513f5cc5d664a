"""What the lists of telephone work can be asked."""

from typing import Any

import django_filters as filters
from django_filters import FilterSet

from calls.choices import CallSource, Direction, EventKind, Scope, Status, TerminalKind
from calls.models import CallStatus
from config.kernel import clock
from config.kernel.api.filtering import CreatedSince, Empty, Owner, Related, YesNo, before, since


class CallSessionFilter(FilterSet):
    call_session_id = filters.CharFilter()
    contact = Related()
    project = Related()
    pair = Related()
    endpoint = Related()
    rep = Owner()
    direction = filters.ChoiceFilter(choices=Direction)
    source = filters.ChoiceFilter(choices=CallSource)
    status = filters.ChoiceFilter(field_name="now__status", choices=Status)
    disposition = filters.UUIDFilter(field_name="now__disposition")
    to_finish = YesNo(method="keep_unfinished", label="Dialed two hours ago and without an outcome")
    since = since("initiated_at")
    before = before("initiated_at")

    def keep_unfinished(self, sessions: Any, name: str, wanted: bool) -> Any:
        unfinished = CallStatus.objects.to_finish(clock.now()).order_by().values("session")
        return sessions.filter(pk__in=unfinished) if wanted else sessions.exclude(pk__in=unfinished)


class CallEventFilter(FilterSet):
    session = Related()
    kind = filters.ChoiceFilter(choices=EventKind)
    created_since = CreatedSince()


class CallStatusFilter(FilterSet):
    rep = Owner()
    status = filters.ChoiceFilter(choices=Status)
    disposition = Related()
    direction = filters.ChoiceFilter(choices=Direction)
    since = since("initiated_at")
    before = before("initiated_at")


class TerminalSessionFilter(FilterSet):
    terminal_id = filters.CharFilter()
    scope = filters.ChoiceFilter(choices=Scope)
    kind = filters.ChoiceFilter(choices=TerminalKind)
    project = Related()
    contact = Related()
    pair = Related()
    endpoint = Related()
    standing = YesNo(method="keep_standing", label="Forbids calling now")
    created_since = CreatedSince()

    def keep_standing(self, sessions: Any, name: str, wanted: bool) -> Any:
        standing = sessions.standing(clock.now())
        return standing if wanted else sessions.exclude(pk__in=standing.values("pk"))


class TerminalLiftFilter(FilterSet):
    session = Related()
    created_since = CreatedSince()


class DispositionFilter(FilterSet):
    is_active = YesNo()
    name = filters.CharFilter()


class CallingPolicyFilter(FilterSet):
    project = Related()
    default = Empty(field_name="project")


class CallingHoursFilter(FilterSet):
    jurisdiction = filters.CharFilter()
    rule_id = filters.CharFilter()
    current = Empty(field_name="replaced_at")


class LeaseFilter(FilterSet):
    user = Owner()
