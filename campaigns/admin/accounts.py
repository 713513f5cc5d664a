"""Who sends: set up by admins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.admin.forms import SpokenForm
from campaigns.models import SendingAccount, SendingStop
from campaigns.services import accounts, senders
from campaigns.services.dispatch import accounts as pacing
from campaigns.services.dispatch import exits
from config.kernel import clock
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Verb
from crm.admin.base import RecordAdmin


def _reopen(row: SendingAccount, *, by: Any, at: datetime) -> None:
    accounts.reopen(row=row, by=by, at=at)


SIMULATED = "Simulated"
MOST = 10_000  # messages that are counted to be shown


class AccountForm(SpokenForm):
    class Meta:
        model = SendingAccount
        fields = ["name", "channel", "provider", "address", "user", "per_second", "per_day", "is_active"]


def provider(label: str) -> SafeString:
    """What a provider is called; that one is simulated must not be overlooked."""
    if not label:
        return cells.badge("Not in the settings", "bad", "Nothing goes out by it: name it in the settings.")
    return cells.badge(label, *(("warn", "Nobody is reached by it.") if label.startswith(SIMULATED) else ("plain",)))


@admin.register(SendingAccount)
class SendingAccountAdmin(RecordAdmin):
    """Accounts at providers, their pace, and whether one is closed for the moment."""

    changed_by = staticmethod(accounts.edit)
    created_by = staticmethod(lambda **said: (accounts.create(**said), True))
    empty_hint = "Nothing is sent before there is one: add an account for each channel that you use."
    fieldsets = [
        (None, {"fields": ["name", ("channel", "provider"), ("address", "user")]}),
        ("How fast", {"fields": [("per_second", "per_day"), "is_active"]}),
    ]
    form = AccountForm
    list_display = ["name", "channel", "shown_provider", "address", "user", "shown_pace", "shown_state"]
    list_filter = [
        filters.Choice.of("channel"),
        filters.Flag.of("is_active", "state", yes="In use", no="Switched off"),
    ]
    list_select_related = ["user"]
    ordering = ["channel", "name"]
    symbol = "outbox"
    verbs = [
        Verb(
            name="reopen", label="Try again now", permission="campaigns.change_sendingaccount", icon="lock_open",
            do=_reopen, done="tried again", applies=lambda row: row.open_until is not None,
            effect="What waits for it goes out. If the provider refuses it again, it closes again.",
        )
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ["channel", "provider", "address"] if obj else []

    @display(description="Provider")
    def shown_provider(self, row: SendingAccount) -> SafeString:
        return provider(senders.label_of(row.provider))

    @display(description="Pace")
    def shown_pace(self, row: SendingAccount) -> str:
        return f"{row.per_second:g} a second, {row.per_day:,} a day"

    @display(description="State")
    def shown_state(self, row: SendingAccount) -> SafeString:
        if not row.is_active:
            return cells.badge("Switched off", "plain")
        if row.open_until and row.open_until > clock.now():
            return cells.badge("Sends nothing for now", "bad", row.open_reason)
        return cells.badge("In use", "good")

    def header(self, request: HttpRequest, row: SendingAccount) -> Header:
        return Header(
            title=row.name,
            subtitle=row.open_reason,
            badges=[cells.badge(row.get_channel_display(), "info"), self.shown_state(row)],
            facts=[
                ("Sends from", row.address),
                ("Provider", self.shown_provider(row)),
                ("Whose", row.user or "Everybody's"),
                ("Pace", self.shown_pace(row)),
                ("Tried again", cells.exact(row.open_until)),
            ],
        )

    def sections(self, request: HttpRequest, row: SendingAccount) -> Iterable[Section]:
        sent, waiting = pacing.sent_today(account_id=row.pk, at=clock.now()), accounts.waiting(row, most=MOST)
        facts: list[tuple[str, Any]] = [
            ("Sent", f"{sent:,} of {row.per_day:,}"),
            ("Waiting", f"More than {MOST:,}" if waiting > MOST else f"{waiting:,}"),
        ]
        if row.failures:
            facts.append(("Batches in a row without success", row.failures))
        day = f"the day where {row.user} is" if row.user else "the day in New York"
        yield Section(title="Today", note=day, facts=facts)


class StopForm(SpokenForm):
    class Meta:
        model = SendingStop
        fields = ["reason", "channel"]


def stopped(row: SendingStop) -> str:
    """What a stop means while it stands."""
    return f"No {row.get_channel_display() if row.channel else 'message'} goes out"


@admin.register(SendingStop)
class SendingStopAdmin(RecordAdmin):
    """The emergency brake: while one stands, no message goes out. Calls go on."""

    audited = False
    created_by = staticmethod(lambda **said: (exits.stop_sending(**said), True))
    empty_hint = "Nothing was ever stopped. A stop of messages holds from the moment that it is saved; calls go on."
    fieldsets = [(None, {"fields": ["reason", "channel"]})]
    form = StopForm
    list_display = ["reason", "shown_channel", "shown_state", "at", "by"]
    list_filter = [filters.Given.of("lifted_at", "state", yes="Lifted", no="Stands")]
    list_select_related = ["by", "lifted_by"]
    symbol = "front_hand"
    verbs = [
        Verb(
            name="lift", label="Let it send", permission="campaigns.change_sendingstop", icon="play_circle",
            do=lambda row, *, by, at: exits.let_send(stop=row, by=by, at=at), done="lifted",
            applies=lambda row: row.lifted_at is None, effect="Whatever waits and is not too late goes out.",
        )
    ]  # fmt: skip

    @display(description="Channel")
    def shown_channel(self, row: SendingStop) -> str:
        return str(row.get_channel_display()) if row.channel else "All"

    @display(description="State")
    def shown_state(self, row: SendingStop) -> SafeString:
        return cells.badge("Lifted", "plain") if row.lifted_at else cells.badge(stopped(row), "bad")

    def header(self, request: HttpRequest, row: SendingStop) -> Header:
        return Header(
            title=row.reason,
            badges=[self.shown_state(row)],
            facts=[
                ("Channel", self.shown_channel(row)),
                ("Since", cells.exact(row.at)),
                ("By", row.by or cells.NOTHING),
                ("Lifted", cells.exact(row.lifted_at)),
                ("Lifted by", row.lifted_by or cells.NOTHING),
            ],
        )
