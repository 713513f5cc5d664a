"""Conversations: everything that was said between us and one person, as a thread."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from campaigns.admin.messages import state
from campaigns.choices import MessageDirection
from campaigns.models import Conversation, Message
from campaigns.services import conversations
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Verb
from crm.admin import phrases
from crm.admin.base import RecordAdmin

SHOWN = 100  # messages of a thread at once


def _mark_read(row: Conversation, *, by: Any, at: datetime) -> None:
    conversations.mark_read(row=row, by=by, at=at)


@admin.register(Conversation)
class ConversationAdmin(RecordAdmin):
    """Everything that was said between us and one contact."""

    audited = False
    empty_hint = "One begins with the first message to somebody, or from them."
    list_display = ["contact", "shown_last", "shown_unread", "shown_when"]
    list_filter = [filters.Days.of("last_at", "Last message")]
    list_select_related = ["contact"]
    linked_by = ("contact",)
    ordering = ["-last_at", "-pk"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    symbol = "forum"
    verbs = [
        Verb(
            name="read", label="Mark as read", permission="campaigns.change_conversation", icon="mark_chat_read",
            do=_mark_read, done="read", applies=lambda row: row.unread > 0,
            effect="Everything that they have written up to now counts as read.",
        )
    ]  # fmt: skip

    @display(description="Last said")
    def shown_last(self, row: Conversation) -> Any:
        arrow = "from them" if row.last_direction == MessageDirection.INBOUND else "from us"
        return cells.badges(cells.soft(arrow), row.last_text[:90])

    @display(description="Unread")
    def shown_unread(self, row: Conversation) -> Any:
        return cells.badge(f"{row.unread} new", "info") if row.unread else cells.NOTHING

    @display(description="When")
    def shown_when(self, row: Conversation) -> Any:
        return cells.moment(row.last_at)

    def header(self, request: HttpRequest, row: Conversation) -> Header:
        return Header(
            title=cells.badges("Conversation with", cells.link(row.contact)),
            badges=[cells.badge(f"{row.unread} new", "info")] if row.unread else [],
            facts=[
                ("Phone", phrases.phone(row.contact.primary_phone)),
                ("E-mail", row.contact.primary_email or cells.NOTHING),
                ("Owner", row.contact.owner or cells.NOTHING),
                ("Last message", cells.moment(row.last_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: Conversation) -> Iterable[Section]:
        found = row.messages.select_related("endpoint", "campaign", "by").order_by("-id")
        rows: Sequence[Message] = list(found[: SHOWN + 1])
        older = len(rows) > SHOWN
        yield Section(
            title="What was said",
            note=f"the last {SHOWN}" if older else "",
            template="admin/campaigns/thread.html",
            context={"bubbles": sorted(map(_bubble, rows[:SHOWN][::-1]), key=lambda bubble: bubble["at"])},
        )


def _bubble(row: Message) -> dict[str, Any]:
    ours = row.direction == MessageDirection.OUTBOUND
    return {
        "ours": ours, "subject": row.subject, "text": row.body, "at": row.settled_at or row.created_at,
        "channel": row.get_channel_display(), "state": state(row) if ours else "", "page": cells.link(row, "Details"),
        "who": (row.by or "Us") if ours else row.contact,
    }  # fmt: skip
