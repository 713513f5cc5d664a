"""The daily ledgers: which days were compared with each provider, and what did not match."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from campaigns.admin.accounts import provider
from campaigns.models import LedgerDay, Message
from campaigns.services import senders
from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from crm.admin.base import RecordAdmin

SHOWN = 100  # of each kind of difference
_WORDS = {
    "unexplained": "Sent, it says, and we know nothing of them",
    "repeated": "Sent a second time",
    "missing": "Unknown to it, though it took them",
}


class Outcome(filters.Chosen):
    """Whether a day matched, differed, or could not be compared."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("differs", "Differs"), ("waits", "Not compared"), ("matches", "Matches")]

    def condition(self, value: Any, request: HttpRequest) -> Q:
        if value == "waits":
            return Q(compared_at=None)
        differing = Q(pk__in=LedgerDay.objects.differing().order_by().values("pk"))
        return differing if value == "differs" else ~differing & Q(compared_at__isnull=False)


@admin.register(LedgerDay)
class LedgerDayAdmin(RecordAdmin):
    """A row for each day of each provider. Nobody changes one: it says what was found."""

    audited = False
    empty_hint = "Each day is compared from eight o'clock (UTC) of the next one on."
    list_display = ["shown_day", "shown_provider", "shown_outcome", "shown_theirs", "shown_ours", "shown_compared"]
    list_filter = [Outcome.of("outcome")]
    ordering = ["-day", "-pk"]
    symbol = "balance"
    views = [("All", {}), ("Differs", {"outcome": "differs"}), ("Not compared", {"outcome": "waits"})]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("named")  # a list does not show them

    @display(description="Day (UTC)")
    def shown_day(self, row: LedgerDay) -> str:
        return f"{row.day:%-d %b %Y}"

    @display(description="Provider")
    def shown_provider(self, row: LedgerDay) -> SafeString:
        return provider(senders.label_of(row.provider))

    @display(description="Outcome")
    def shown_outcome(self, row: LedgerDay) -> SafeString:
        if row.compared_at is None:
            return cells.badge("Not compared", "warn", row.error)
        differing = row.unexplained + row.repeated + row.missing
        return cells.badge(f"{differing:,} differ", "bad") if differing else cells.badge("Matches", "good")

    @display(description="Theirs")
    def shown_theirs(self, row: LedgerDay) -> Any:
        return f"{row.theirs:,}" if row.compared_at else cells.NOTHING

    @display(description="Ours")
    def shown_ours(self, row: LedgerDay) -> Any:
        return f"{row.ours:,}" if row.compared_at else cells.NOTHING

    @display(description="Compared")
    def shown_compared(self, row: LedgerDay) -> SafeString:
        return cells.moment(row.compared_at)

    def header(self, request: HttpRequest, row: LedgerDay) -> Header:
        return Header(
            title=cells.badges(self.shown_provider(row), self.shown_day(row)),
            subtitle=row.error,
            badges=[self.shown_outcome(row)],
            facts=[
                ("Theirs", self.shown_theirs(row)),
                ("Ours", self.shown_ours(row)),
                ("Compared", cells.exact(row.compared_at)),
                ("Last tried", cells.exact(row.tried_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: LedgerDay) -> Iterable[Section]:
        missing = Message.objects.select_related("contact").in_bulk(row.named.get("missing", [])[:SHOWN])
        for kind, title in _WORDS.items():
            ids = row.named.get(kind, [])
            shown = [cells.link(one) for one in missing.values()] if kind == "missing" else ids[:SHOWN]
            if ids:
                yield Section(
                    title=title,
                    headers=["Message" if kind == "missing" else "Their reference"],
                    rows=[[one] for one in shown],
                    note=f"{SHOWN} of {len(ids):,}" if len(ids) > SHOWN else f"{len(ids):,}",
                )
