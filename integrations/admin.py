"""What providers told us, and what of it nobody has understood."""

from collections.abc import Iterable

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.verbs import Verb
from crm.admin.base import RecordAdmin
from integrations.choices import NewsState
from integrations.inbox import reading
from integrations.models import News, NewsBody

SHOWN = 4_000  # bytes of the words
_TONES = {
    NewsState.WAITING: "info",
    NewsState.UNDERSTOOD: "good",
    NewsState.QUARANTINED: "warn",
    NewsState.PARKED: "bad",
}
_STUCK = {NewsState.QUARANTINED, NewsState.PARKED}


@admin.register(News)
class NewsAdmin(RecordAdmin):
    """One row is one thing that a provider told us: its words are kept, and can be read again."""

    audited = False
    empty_hint = "Deliveries, replies and opt-outs arrive here first, and are understood by a worker."
    list_display = ["shown_state", "provider", "shown_kind", "shown_attempts", "error", "shown_received"]
    list_filter = [filters.Choice.of("state"), filters.Born.of("id", "Received")]
    search_exactly = staticmethod(lambda text: Q(key=text.strip()))
    search_fields = ["key"]
    search_help_text = "The provider's id of the event, in full"
    symbol = "inbox"
    verbs = [
        Verb(
            name="read_again", label="Read again", permission="integrations.change_news", icon="replay",
            do=lambda row, *, by, at: reading.read_again(news=row, by=by, at=at), done="will be read again",
            applies=lambda row: row.state in _STUCK,
            effect="A worker takes it anew. Whatever it had no effect on, it has none twice.",
        )
    ]  # fmt: skip
    views = [("All", {}), ("Needs somebody", {"state": "parked"}), ("Not for us", {"state": "quarantined"})]

    @display(description="State")
    def shown_state(self, row: News) -> SafeString:
        return cells.badge(row.get_state_display(), _TONES[NewsState(row.state)])

    @display(description="Kind")
    def shown_kind(self, row: News) -> str | SafeString:
        return row.kind.replace("_", " ").capitalize() or cells.NOTHING

    @display(description="Tries")
    def shown_attempts(self, row: News) -> str | SafeString:
        return cells.number(row.attempts)

    @display(description="Received")
    def shown_received(self, row: News) -> SafeString:
        return cells.moment(row.received_at)

    def header(self, request: HttpRequest, row: News) -> Header:
        return Header(
            title=f"News of {row.provider}",
            subtitle=row.key,
            badges=[self.shown_state(row)],
            facts=[
                ("Kind", self.shown_kind(row)),
                ("Received", cells.exact(row.received_at)),
                ("Understood", cells.exact(row.understood_at)),
                ("Next try", cells.moment(row.due_at)),
                ("Tries", self.shown_attempts(row)),
                ("Signed", "Yes" if row.signed else "No: it may add a suppression, and never removes one"),
            ],
        )

    def sections(self, request: HttpRequest, row: News) -> Iterable[Section]:
        if row.error:
            yield Section(title="Why it was not understood", text=row.error)
        kept = NewsBody.objects.filter(pk=row.pk).first()
        yield Section(
            title="Its words", text=_words(bytes(kept.body)) if kept else "", empty="They are not kept any more."
        )


def _words(body: bytes) -> SafeString:
    said = body[:SHOWN].decode(errors="backslashreplace").replace("\0", "\\0")
    more = f" … and {len(body) - SHOWN:,} bytes more" if len(body) > SHOWN else ""
    return format_html('<div class="cl-lines">{}{}</div>', said, more)
