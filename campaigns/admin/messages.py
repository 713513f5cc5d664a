"""Messages: what was said, what became of it, and what somebody has to decide."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.admin.accounts import provider
from campaigns.admin.deliveries import Became
from campaigns.admin.words import blocking, in_words, with_reason
from campaigns.choices import UNSURE, MessageDirection, MessageState
from campaigns.models import Campaign, Message
from campaigns.services import senders
from campaigns.services.dispatch import exits
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import visible
from config.kernel.admin.verbs import Verb
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.choices import Channel

_S = MessageState
_TONES = {
    _S.PENDING: "plain", _S.CLAIMED: "info", _S.DISPATCHING: "info", _S.ACCEPTED: "info", _S.DELIVERED: "good",
    _S.UNDELIVERED: "warn", _S.REJECTED: "warn", _S.UNCERTAIN: "bad", _S.NOT_SENT_PRESUMED: "bad", _S.BLOCKED: "warn",
    _S.EXPIRED: "warn", _S.CANCELLED: "plain", _S.RECEIVED: "good",
}  # fmt: skip


class Unsure(filters.Chosen):
    """Those about which somebody has to decide."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes")]

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(pk__in=Message.objects.unsure().order_by().values("pk"))


class Blocked(filters.Chosen):
    """Those that the gate refused, by its reason."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(blocking().items(), key=lambda known: known[1])

    def condition(self, value: Any, request: HttpRequest) -> Q:
        return Q(pk__in=Message.objects.blocked_by(value).order_by().values("pk"))


def _why(row: Message) -> str:
    return in_words(row.reason, row.channel)


def state(row: Message) -> SafeString:
    hint = " ".join(filter(None, [_why(row), row.get_anomaly_display()]))
    return cells.badge(row.get_state_display(), _TONES[MessageState(row.state)], hint)


def message_rows(rows: Iterable[Message]) -> list[list[Any]]:
    """Rows of a table: what, to or from whom, state, when, why."""
    return [
        [
            cells.link(row, cells.whole(f"{row.get_channel_display()} {row.get_direction_display().lower()}")),
            cells.loose(row.endpoint.value) if row.channel == Channel.EMAIL and row.endpoint else address(row),
            state(row),
            cells.exact(row.settled_at or row.created_at),
            _why(row) or cells.NOTHING,
        ]
        for row in rows
    ]


def address(row: Message) -> Any:
    return phrases.phone(row.endpoint.value) if row.endpoint else cells.NOTHING


def _text(row: Message) -> str:
    return row.subject or row.body


def _unsure(row: Any) -> bool:
    return row.state in UNSURE and row.decided_at is None


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    """What was said stays. About what is uncertain somebody decides."""

    audited = False
    empty_hint = "They come from campaigns, and from whoever answers."
    linked_by = ("contact", "campaign", "node", "enrollment", "conversation")
    list_display = [
        "shown_what", "contact", "shown_text", "shown_state", "shown_address", "shown_when", "shown_campaign",
    ]  # fmt: skip
    list_filter = [
        Unsure.of("unsure", "to decide"),
        Became.of("became", "what became of it"),
        filters.Choice.of("state"),
        Blocked.of("blocked_by", "blocked because"),
        filters.Choice.of("anomaly"),
        filters.Choice.of("channel"),
        filters.Choice.of("direction"),
        filters.Born.of("id", "Written"),
    ]
    list_select_related = ["contact", "endpoint"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    symbol = "sms"
    verbs = [
        Verb(
            name="resend", label="Send again", permission="campaigns.change_message", icon="send", applies=_unsure,
            do=lambda row, *, by, at: exits.resend(message=row, by=by, at=at), done="sent again",
            effect="Nobody knows whether it went out: they may get it twice. The same words go through the gate once "
            "more, as a message of its own; this one stays, as presumably not sent.",
        ),
        Verb(
            name="write_off", label="Write off", permission="campaigns.change_message", icon="do_not_disturb_on",
            do=lambda row, *, by, at: exits.write_off(message=row, by=by, at=at), done="written off", applies=_unsure,
            grave=True, effect="It counts as not sent. Should proof come that it was sent, that is kept.",
        ),
    ]  # fmt: skip
    views = [
        ("All", {}),
        ("To decide", {"unsure": "yes"}),
        ("Received", {"direction": "inbound"}),
        ("Waiting", {"state": "pending"}),
        ("Blocked", {"state": "blocked"}),
        ("Unknown to its provider", {"anomaly": "not_in_ledger"}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        seen = visible(Campaign.objects.filter(pk=OuterRef("campaign")), request.user)
        rows: QuerySet[Any] = super().get_queryset(request).annotate(seen_campaign=Subquery(seen.values("name")[:1]))
        return rows

    @display(description="What")
    def shown_what(self, row: Message) -> str:
        return f"{row.get_channel_display()} {row.get_direction_display().lower()}"

    @display(description="Campaign")
    def shown_campaign(self, row: Any) -> Any:
        return row.seen_campaign or cells.NOTHING

    @display(description="Text")
    def shown_text(self, row: Message) -> Any:
        return _text(row)[:80] or cells.NOTHING

    @display(description="State")
    def shown_state(self, row: Message) -> SafeString:
        return with_reason(state(row), _why(row))

    @display(description="Number or e-mail")
    def shown_address(self, row: Message) -> Any:
        return address(row)

    @display(description="When")
    def shown_when(self, row: Message) -> Any:
        return cells.moment(row.settled_at or row.created_at)

    def header(self, request: HttpRequest, row: Message) -> Header:
        preposition = "to" if row.direction == MessageDirection.OUTBOUND else "from"
        who = cells.link(row.contact) if row.contact else "somebody unknown"
        return Header(
            title=cells.badges(row.get_channel_display(), preposition, who),
            subtitle=_why(row),
            badges=[state(row)],
            facts=[
                ("Number or e-mail", address(row)),
                ("Campaign", _campaign(row, request.user)),
                ("Not before", cells.exact(row.not_before)),
                ("Not after", cells.exact(row.expires_at)),
                ("Settled", cells.exact(row.settled_at)),
                ("First clicked", cells.exact(row.clicked_at)),
                ("First answered", cells.exact(row.answered_at)),
                ("Passes the gate", cells.exact(row.retry_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: Message) -> Iterable[Section]:
        is_seen = row.campaign_id is None or _campaign_seen(row, request.user)
        text, made_of = format_html('<div class="cl-lines">{}</div>', row.body), row.content if is_seen else ""
        yield Section(title=row.subject or "Text", text=text, note=f"content {made_of}" if made_of else "")
        attempts = row.attempts.select_related("account").order_by("number")
        yield Section(
            title="Tries to hand it over",
            headers=["", "By", "When", "What came of it", "Details", "Their reference"],
            rows=[
                [
                    one.number, cells.badges(one.account if is_seen else "", provider(senders.label_of(one.provider))),
                    cells.second(one.dispatched_at),
                    cells.badge(one.get_outcome_display()), one.detail or cells.NOTHING,
                    one.reference or cells.NOTHING,
                ]
                for one in attempts
            ],
            empty="It was handed to nobody yet." if row.direction == MessageDirection.OUTBOUND else "It came to us.",
        )  # fmt: skip
        yield Section(
            title="Where it belongs",
            aside=True,
            facts=[
                ("Conversation", cells.link(row.conversation, "Open")),
                ("Walk", cells.link(row.enrollment, "Open") if is_seen else cells.NOTHING),
                ("By", row.by or cells.NOTHING),
                ("Decided", cells.exact(row.decided_at)),
                ("Decided by", row.decided_by or cells.NOTHING),
                ("Segments", row.segments if row.channel == Channel.SMS else cells.NOTHING),
            ],
        )


def _campaign_seen(row: Message, user: Any) -> bool:
    return row.campaign_id is not None and visible(Campaign.objects.filter(pk=row.campaign_id), user).exists()


def _campaign(row: Message, user: Any) -> Any:
    return cells.link(row.campaign) if _campaign_seen(row, user) else cells.NOTHING
