"""What admins decide: how calls may end, how often people are called, and when the law allows it."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from calls.choices import CooldownScope, Scope, Sentiment
from calls.models import CallingHours, CallingPolicy, Disposition
from calls.services import rulebook
from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.edits import DayInput, EditForm
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import shown
from config.kernel.admin.verbs import Question, Verb
from crm.admin.base import RecordAdmin

_TONES = {Sentiment.POSITIVE: "good", Sentiment.NEUTRAL: "info", Sentiment.NEGATIVE: "warn", Sentiment.NONE: "plain"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WAYS = {"call": "calls", "auto_call": "recorded voices", "rvm": "ringless voicemail", "sms": "texts", "email": "e-mail"}
MAY_CHANGE = {"no": "No", "yes": "Yes", "tighten_only": "Only to be stricter"}
SPAN = "Days and hours, for example “2 00:00:00” for two days or “04:00:00” for four hours."


class DispositionForm(EditForm):
    terminal_scope = forms.ChoiceField(
        required=False, label="Closes",
        choices=[("", "Nothing"), *((scope.value, scope.label) for scope in Scope if scope != Scope.EVERYONE)],
    )  # fmt: skip

    class Meta:
        model = Disposition
        fields = "__all__"
        help_texts = {
            "retry_after": f"This pair is not offered again before. {SPAN}",
            "terminal_for": f"Empty: for ever. {SPAN}",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["terminal_scope"].widget.attrs["class"] = "cl-input"


@admin.register(Disposition)
class DispositionAdmin(RecordAdmin):
    """How calls may end. Keys 1 to 9 are the keys of the call desk; what an outcome causes, it causes at once."""

    changed_by = staticmethod(rulebook.edit)
    created_by = staticmethod(rulebook.add_disposition)
    empty_hint = "./dev migrate brings the nine keys of the call desk."
    fieldsets = [
        (None, {"fields": [("name", "key"), ("sentiment", "reached"), "is_active"]}),
        ("What it causes", {"fields": [
            "retry_after", ("terminal_scope", "terminal_for"), ("do_not_call", "wrong_person", "asks_callback"),
            "project_waits_for",
        ]}),
    ]  # fmt: skip
    form = DispositionForm
    list_display = ["name", "key", "shown_sentiment", "shown_effects", "reached", "shown_state"]
    list_filter = [filters.Flag.of("is_active", "state", yes="In use", no="Retired")]
    ordering = [F("key").asc(nulls_last=True), "name"]  # type: ignore[list-item]  # Django takes expressions
    shared = True
    symbol = "checklist"

    @display(description="Sentiment")
    def shown_sentiment(self, row: Disposition) -> SafeString:
        return cells.badge(row.get_sentiment_display(), _TONES[Sentiment(row.sentiment)])

    @display(description="Causes")
    def shown_effects(self, row: Disposition) -> str:
        return "; ".join(effects(row))

    @display(description="State")
    def shown_state(self, row: Disposition) -> SafeString:
        return cells.badge("In use", "good") if row.is_active else cells.badge("Retired", "plain")

    def header(self, request: HttpRequest, row: Disposition) -> Header:
        return Header(
            title=row.name,
            subtitle=f"Key {row.key} on the call desk" if row.key else "Only in the list of the call desk",
            badges=[self.shown_sentiment(row), self.shown_state(row), cells.yes(row.reached, "A conversation", "info")],
        )

    def sections(self, request: HttpRequest, row: Disposition) -> Iterable[Section]:
        causes = effects(row)
        yield Section(title="What it causes", text=cells.lines(causes) if causes else "", empty="Nothing.")


def effects(row: Disposition) -> list[str]:
    """What an outcome causes, in words."""
    lasts = f"for {cells.length(row.terminal_for)}" if row.terminal_for else "for ever"
    found = [
        (row.retry_after, f"offered again after {cells.length(row.retry_after)}"),
        (row.terminal_scope, f"closes the {row.get_terminal_scope_display().lower()} {lasts}"),
        (row.do_not_call, "nobody calls the person again"),
        (row.wrong_person, "the number is not theirs"),
        (row.asks_callback, "promises a callback"),
        (row.project_waits_for, f"the whole project waits {cells.length(row.project_waits_for)}"),
    ]
    return [words for holds, words in found if holds]


@admin.register(CallingPolicy)
class CallingPolicyAdmin(RecordAdmin):
    """How often a person and a number may be called. A project can only be stricter than the rule for all."""

    autocomplete_fields = ["project"]
    changed_by = staticmethod(rulebook.edit)
    created_by = staticmethod(rulebook.add_policy)
    empty_hint = "./dev migrate brings the rule for all."
    fieldsets = [(None, {"fields": ["project", ("cooldown", "cooldown_scope"), ("day_cap", "week_cap")]})]
    list_display = ["shown_name", "shown_cooldown", "cooldown_scope", "day_cap", "week_cap", "updated_at"]
    list_select_related = ["project"]
    ordering = [F("project").asc(nulls_first=True), "pk"]  # type: ignore[list-item]  # Django takes expressions
    shared = True
    symbol = "speed"

    @display(description="For")
    def shown_name(self, row: CallingPolicy) -> Any:
        return row.project or "All projects"

    @display(description="Between two calls")
    def shown_cooldown(self, row: CallingPolicy) -> str:
        return cells.length(row.cooldown)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ["project"] if obj else []

    def header(self, request: HttpRequest, row: CallingPolicy) -> Header:
        project = shown(row.project, request.user)
        return Header(
            title=cells.badges("Policy of", cells.link(project)) if row.project_id else "Policy for all projects",
            facts=[
                ("Between two calls", cells.length(row.cooldown)),
                ("Who waits", row.get_cooldown_scope_display()),
                ("In a rolling day", f"{row.day_cap} touches"),
                ("In a rolling week", f"{row.week_cap} touches"),
            ],
        )

    def sections(self, request: HttpRequest, row: CallingPolicy) -> Iterable[Section]:
        said = [
            f"After a call, {_WAITING[CooldownScope(row.cooldown_scope)]} for {cells.length(row.cooldown)}.",
            f"Nobody, and no number, is called more than {row.day_cap} times in any day"
            f" or {row.week_cap} times in any seven days, over all projects and every channel.",
            "The hours of the law hold besides."
            if row.project_id is None
            else "Where the policy for all projects, or the law, is stricter, that one counts.",
        ]
        yield Section(title="In words", text=cells.lines(said))


_WAITING = {
    CooldownScope.CONTACT: "the person is not called again, in any project,",
    CooldownScope.PAIR: "the person is not called again in this project",
    CooldownScope.PROJECT: "nobody of the project is called",
}


class Verifying(Question):
    verified_on = forms.DateField(label="Looked up on", widget=DayInput)
    source = forms.CharField(
        label="Where",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Statute, regulation, or page; with its date.",
    )


def _called(text: str) -> Q:
    return Q(rule_id__icontains=text.strip()) | Q(jurisdiction__iexact=text.strip())  # some forty rows


@admin.register(CallingHours)
class CallingHoursAdmin(RecordAdmin):
    """When a jurisdiction allows calls. A row is never edited: looking the law up again puts a new one in its place,
    and a row that nobody has looked up for 180 days falls to the strict profile."""

    empty_hint = "./dev migrate brings the hours of the law."
    list_display = ["rule_id", "jurisdiction", "shown_week", "shown_channels", "verified_on", "shown_expiry"]
    list_filter = [filters.Given.of("replaced_at", "state", yes="Replaced", no="Current")]
    ordering = ["jurisdiction", "rule_id", "-pk"]
    search_exactly = staticmethod(
        lambda text: Q(rule_id__icontains=text.strip()) | Q(jurisdiction__iexact=text.strip())
    )
    search_fields = ["rule_id"]
    search_help_text = "Rule or jurisdiction, like US-TX"
    shared = True
    symbol = "schedule"
    verbs = [
        Verb(
            name="verify", label="Looked up again", permission="calls.change_callinghours", icon="fact_check",
            do=lambda row, *, by, at, **answers: rulebook.verify_hours(row=row, by=by, at=at, **answers),
            form=Verifying, done="verified for another 180 days", applies=lambda row: row.replaced_at is None,
            effect="A new row with the same hours takes its place. Where the law changed, load the new hours instead.",
        )
    ]  # fmt: skip
    views = [("Current", {"replaced_at": "no"}), ("All", {})]

    @display(description="Week")
    def shown_week(self, row: CallingHours) -> str:
        return "; ".join(week(row.windows))

    @display(description="Channels")
    def shown_channels(self, row: CallingHours) -> str:
        return _ways(row)

    @display(description="Good until")
    def shown_expiry(self, row: CallingHours) -> SafeString:
        left = row.expires_on - clock.now().date()
        tone = "bad" if left < timedelta(0) else "warn" if left < timedelta(days=30) else "plain"
        return cells.badge(f"{row.expires_on:%-d %b %Y}{' (over)' if tone == 'bad' else ''}", tone)

    def header(self, request: HttpRequest, row: CallingHours) -> Header:
        return Header(
            title=row.rule_id,
            subtitle=f"{row.jurisdiction} · {_ways(row)}",
            badges=[cells.badge("Replaced", "plain") if row.replaced_at else cells.badge("Current", "good")],
            facts=[
                ("Looked up", cells.day(row.verified_on)),
                ("Good until", self.shown_expiry(row)),
                ("Can be changed", MAY_CHANGE.get(row.configurable, row.configurable)),
                ("Confidence", row.confidence.lower() or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: CallingHours) -> Iterable[Section]:
        yield Section(
            title="Hours",
            headers=["Days", "Open"],
            rows=[list(line.rpartition(" "))[::2] for line in week(row.windows)],
        )
        yield Section(title="Source", text=row.source)
        closed: list[date] = list(getattr(row, "closed_on", None) or [])
        facts = [
            ("Holidays", row.holidays or cells.NOTHING),
            ("Closed on", ", ".join(f"{day:%-d %b %Y}" for day in closed) or cells.NOTHING),
        ]
        yield Section(title="Exceptions", facts=facts, aside=True)


def _ways(row: CallingHours) -> str:
    return ", ".join(WAYS.get(name, name) for name in row.channels)


def week(windows: Sequence[Any]) -> list[str]:
    """Put days with the same window together: Monday to Friday, Saturday and Sunday."""
    texts = [_window(window) for window in windows]
    found: list[tuple[str, list[str]]] = []
    for day, text in zip(_DAYS, texts, strict=False):
        if found and found[-1][0] == text:
            found[-1][1].append(day)
        else:
            found.append((text, [day]))
    return [f"{days[0]} to {days[-1]} {text}" if len(days) > 1 else f"{days[0]} {text}" for text, days in found]


def _window(window: Any) -> str:
    return (window if isinstance(window, str) else "-".join(map(str, window or []))) or "closed"
