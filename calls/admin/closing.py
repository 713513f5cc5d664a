"""Terminal sessions: what is closed for calls, for how long, and why."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from calls.choices import Scope
from calls.models import TerminalSession
from calls.models.terminal import SUBJECTS
from calls.services import terminal
from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.edits import EditForm, MomentField
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import shown
from config.kernel.admin.verbs import Question, Verb, add_verb
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.admin.verbs import Reason


class Closing(Question):
    reason = forms.CharField(max_length=200, help_text="Whoever wonders why nobody calls reads this.")
    until = MomentField(required=False, help_text="In your time zone. Empty: for ever, until somebody lifts it.")


class CloseEverything(EditForm):
    """The one scope that has no page of its own to start from."""

    class Meta:
        model = TerminalSession
        fields = ["reason", "until"]


class Standing(filters.Chosen):
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stands", "Stands"), ("over", "Over or lifted")]

    def condition(self, value: Any, request: HttpRequest) -> Q:
        stands = Q(lifted_at=None) & (Q(until=None) | Q(until__gt=clock.now()))
        return stands if value == "stands" else ~stands


def _close_everything(*, by: Any, at: datetime, **said: Any) -> tuple[TerminalSession, bool]:
    return terminal.close(scope=Scope.EVERYONE, subject=None, by=by, at=at, reason=said.pop("reason", ""), **said)


def _lift(row: TerminalSession, *, by: Any, at: datetime, reason: str) -> None:
    terminal.lift(session=row, reason=reason, by=by, at=at)


def stands(row: TerminalSession) -> bool:
    return row.lifted_at is None and (row.until is None or row.until > clock.now())


@admin.register(TerminalSession)
class TerminalSessionAdmin(RecordAdmin):
    """What is closed for calls. Projects, people and numbers are closed on their own pages; here, everybody at once."""

    add_fieldsets = [
        (
            "Close calling for everyone",
            {"fields": ["reason", "until"], "description": "Nobody is called, leased or offered while it stands."},
        )
    ]
    audited = False
    created_by = staticmethod(_close_everything)
    empty_hint = "Nothing is closed. Outcomes close people and projects; you can, too, on their pages."
    form = CloseEverything
    linked_by = ("project", "contact", "pair", "endpoint")
    list_display = ["shown_subject", "scope", "reason", "at", "shown_until", "by", "shown_state"]
    list_filter = [
        Standing.of("state"),
        filters.Choice.of("scope"),
        filters.Choice.of("kind"),
        filters.Born.of("id", "Since"),
    ]
    list_select_related = ["project", "contact", "pair__contact", "pair__project", "endpoint", "by"]
    search_exactly = staticmethod(lambda text: Q(terminal_id=text.strip()) if text.strip() else None)
    search_fields = ["terminal_id"]
    search_help_text = "Id elsewhere"
    symbol = "phone_disabled"
    verbs = [
        Verb(
            name="lift", label="Lift", permission="calls.add_terminallift", icon="lock_open", do=_lift, form=Reason,
            done="lifted", applies=stands, effect="Calling is allowed again, unless something else stands against it.",
        )
    ]  # fmt: skip
    views = [("All", {}), ("Standing", {"state": "stands"}), ("Everybody closed", {"scope": "everyone"})]

    @display(description="Closed")
    def shown_subject(self, row: TerminalSession) -> Any:
        return phrases.reach(row.endpoint) if row.scope == Scope.ENDPOINT else _subject(row) or "Everyone"

    @display(description="Until")
    def shown_until(self, row: TerminalSession) -> SafeString | str:
        return cells.exact(row.until) if row.until else "For ever"

    @display(description="State")
    def shown_state(self, row: TerminalSession) -> SafeString:
        return _state(row)

    def header(self, request: HttpRequest, row: TerminalSession) -> Header:
        return Header(
            title=_title(row, request.user),
            subtitle=row.reason,
            badges=[_state(row), cells.badge(row.get_scope_display(), "plain")],
            facts=[
                ("Since", cells.exact(row.at)),
                ("Until", self.shown_until(row)),
                ("By", row.by or cells.NOTHING),
                ("Kind", row.get_kind_display()),
                ("Id elsewhere", row.terminal_id or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: TerminalSession) -> Iterable[Section]:
        if row.cause_id:
            yield Section(title="Caused by", text=cells.link(row.cause.session) if row.cause else "")
        lift = getattr(row, "lift", None)
        if lift is not None:
            facts = [("When", cells.exact(lift.at)), ("By", lift.by or cells.NOTHING), ("Why", lift.reason)]
            yield Section(title="Lifted", facts=facts)


def _title(row: TerminalSession, viewer: Any) -> Any:
    if row.scope == Scope.EVERYONE:
        return "Everyone"
    return phrases.line(row.endpoint) if row.scope == Scope.ENDPOINT else cells.link(shown(_subject(row), viewer))


def _subject(row: TerminalSession) -> Any:
    name = SUBJECTS.get(Scope(row.scope))
    return getattr(row, name) if name else None


def _state(row: TerminalSession) -> SafeString:
    if row.lifted_at:
        return cells.badge("Lifted", "plain")
    return cells.badge("Stands", "bad") if stands(row) else cells.badge("Over", "plain")


def _closer(scope: Scope) -> Verb:
    def close(row: Any, *, by: Any, at: datetime, reason: str, until: datetime | None) -> None:
        terminal.close(scope=scope, subject=row, reason=reason, until=until, by=by, at=at)

    return Verb(
        name="close", label="Close for calls", permission="calls.add_terminalsession", icon="phone_disabled",
        grave=True, do=close, form=Closing, done="closed for calls",
        effect="No call is offered or dialed while it stands. Whoever lifts it says why.",
    )  # fmt: skip


for label, scope in (
    ("crm.project", Scope.PROJECT),
    ("crm.contact", Scope.CONTACT),
    ("crm.projectcontact", Scope.PAIR),
    ("crm.endpoint", Scope.ENDPOINT),
):
    add_verb(label, _closer(scope))
