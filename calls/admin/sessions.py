from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.safestring import SafeString
from unfold.decorators import display

from calls.admin import panels, session_page
from calls.choices import Status
from calls.models import CallSession, CallStatus, Disposition
from calls.services import outcomes
from config.kernel import clock
from config.kernel.admin import cells, filters, search
from config.kernel.admin.edits import MomentField
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Question, Verb
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.services.normalization.phones import find_phone


class Outcome(filters.Chosen):
    """How a call ended, or that nobody has said yet."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known = Disposition.objects.order_by("key", "name").values_list("pk", "name")
        return [("none", "No outcome yet"), *((str(pk), name) for pk, name in known)]

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(now__disposition=None if value == "none" else value)


class ToFinish(filters.Chosen):
    """Calls that somebody began two hours ago or earlier and never gave an outcome."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "To finish")]

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(pk__in=CallStatus.objects.to_finish(clock.now()).order_by().values("session"))


class Concluding(Question):
    disposition = forms.ModelChoiceField(queryset=Disposition.objects.none(), label="How it ended")
    callback_at = MomentField(
        label="Call back at", required=False, help_text="In your time zone; only for outcomes that promise a call."
    )
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["disposition"]
        field.queryset = Disposition.objects.filter(is_active=True).order_by("key", "name")


class Correcting(Concluding):
    reason = forms.CharField(max_length=200, help_text="Why the outcome is corrected; it stays beside it for ever.")


class TakingBack(Question):
    reason = forms.CharField(max_length=200, help_text="Why the outcome is taken back; it stays beside it for ever.")


class Note(Question):
    text = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 4}))


def _open(row: CallSession) -> bool:
    return row.now.disposition_id is None


def _concluded(row: CallSession) -> bool:
    return not _open(row)


def _conclude(row: CallSession, *, by: Any, at: datetime, **answers: Any) -> None:
    outcomes.conclude(session=row, by=by, at=at, **answers)


def _called(text: str) -> Q | None:
    """A number or an id typed in full is looked up, not searched."""
    if search.looks_like_phone(text) and (number := find_phone(text)):
        return Q(endpoint__value=number.e164)
    named = Q(call_session_id=text.strip())
    return named if CallSession.objects.filter(named).exists() else None


@admin.register(CallSession)
class CallSessionAdmin(RecordAdmin):
    """Attempts to speak with somebody. What happened is never changed; what was said about it is corrected."""

    audited = False
    empty_hint = "Nobody has called yet. Start at the call desk, or record calls made elsewhere through the API."
    linked_by = ("contact", "project", "endpoint", "pair")
    list_display = [
        "contact", "shown_outcome", "shown_when", "rep", "project", "shown_number", "shown_length",
    ]  # fmt: skip
    list_filter = [
        filters.Person.of("rep", nobody=""),
        Outcome.of("now__disposition", "outcome"),
        ToFinish.of("finish", "state"),
        filters.Choice.of("direction"),
        filters.Days.of("initiated_at", "When"),
    ]
    list_select_related = ["contact", "project", "rep", "now__disposition"]
    ordering = ["-initiated_at", "-pk"]
    search_exactly = staticmethod(_called)
    search_fields = ["contact__search"]
    search_help_text = "Person, project, number or id"
    search_through = ("contact", "project")
    sortable_by = ["shown_when"]
    symbol = "phone_in_talk"
    verbs = [
        Verb(
            name="conclude", label="Give outcome", permission="calls.add_callevent", icon="task_alt",
            do=_conclude, form=Concluding, done="finished", applies=_open,
            effect="The outcome takes effect at once: retries, callbacks and wishes not to be called.",
        ),
        Verb(
            name="note", label="Add note", permission="calls.add_callevent", icon="note_add", in_lists=False,
            do=lambda row, *, by, at, text: outcomes.add_note(session=row, text=text, by=by, at=at),
            form=Note, done="has one more note", effect="Notes are kept with the call.",
        ),
        Verb(
            name="correct", label="Correct outcome", permission="calls.correct_any_call", icon="published_with_changes",
            do=lambda row, *, by, at, **answers: outcomes.correct(session=row, by=by, at=at, **answers),
            form=Correcting, done="corrected", applies=_concluded, in_lists=False,
            effect="What the old outcome made is lifted, exactly that; then the new one takes effect.",
        ),
        Verb(
            name="take-back", label="Take back", permission="calls.correct_any_call", icon="undo", grave=True,
            do=lambda row, *, by, at, reason: outcomes.take_back(session=row, by=by, at=at, reason=reason),
            form=TakingBack, done="without outcome again", applies=_concluded, in_lists=False,
            effect="What the outcome made is lifted, exactly that, and the call waits for another one.",
        ),
    ]  # fmt: skip
    views = [
        ("All", {}),
        ("Mine", {"rep": "me"}),
        ("To finish", {"finish": "yes"}),
        ("Inbound", {"direction": "inbound"}),
    ]

    def get_urls(self) -> list[URLPattern]:
        return [*panels.urls(self.admin_site.admin_view), *super().get_urls()]

    @display(description="How it went")
    def shown_outcome(self, row: CallSession) -> SafeString:
        """That it was against the rules, how far it came where it is not simply over, and the outcome."""
        over = row.now.status == Status.COMPLETED
        state = "" if over else session_page.state(row)
        return cells.badges(session_page.breach(row), state, session_page.outcome(row))

    @display(description="When", ordering="initiated_at")
    def shown_when(self, row: CallSession) -> SafeString:
        return cells.exact(row.initiated_at)

    @display(description="Number")
    def shown_number(self, row: CallSession) -> SafeString:
        return phrases.phone(row.number)

    @display(description="Length")
    def shown_length(self, row: CallSession) -> str:
        return cells.duration(row.now.duration)

    def header(self, request: HttpRequest, row: CallSession) -> Header:
        return session_page.header(row, request.user)

    def sections(self, request: HttpRequest, row: CallSession) -> Iterable[Section]:
        return session_page.sections(row, request.user)
