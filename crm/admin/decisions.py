"""The gate's receipts, in words."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from config.kernel.gate import gate, unpack
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.admin.reasons import facts_in_words, in_words, name_of
from crm.models import GateDecision


@admin.register(GateDecision)
class GateDecisionAdmin(RecordAdmin):
    """One row is one decision of the gate: who, which way, what stood against it, on which facts."""

    audited = False
    empty_hint = "The gate writes a receipt for every lease and every call."
    linked_by = ("contact",)
    list_display = ["shown_verdict", "action", "channel", "contact", "shown_codes", "at", "user"]
    list_filter = [
        filters.Choice.of("action"),
        filters.Flag.of("allowed", "verdict", yes="Allowed", no="Refused"),
        filters.Born.of("id", "When"),
    ]
    list_select_related = ["contact", "user"]
    search_fields = ["contact__search"]
    search_help_text = "Person"
    search_through = ("contact",)
    symbol = "receipt_long"
    views = [("All", {}), ("Refused", {"allowed": "no"})]

    @display(description="Verdict")
    def shown_verdict(self, row: GateDecision) -> SafeString:
        return verdict(row)

    @display(description="Because")
    def shown_codes(self, row: GateDecision) -> str:
        return ", ".join(map(name_of, row.codes))

    def header(self, request: HttpRequest, row: GateDecision) -> Header:
        return Header(
            title=cells.badges(
                row.get_action_display(), "allowed" if row.allowed else "refused", "for", cells.link(row.contact)
            ),
            subtitle=", ".join(map(name_of, row.codes)) or "Nothing stood against it",
            badges=[verdict(row)],
            facts=[
                ("Number or e-mail", phrases.line(row.endpoint)),
                ("Channel", row.get_channel_display()),
                ("When", cells.exact(row.at)),
                ("For", row.user or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: GateDecision) -> Iterable[Section]:
        yield reasons(row)
        yield Section(title="Facts it was decided on", facts=facts(row), empty="None were kept.")
        yield Section(
            title="How to replay it",
            aside=True,
            facts=[("Rules", row.ruleset), ("Zone data", row.zones), ("Receipt", str(row.pk))],
        )


def verdict(row: GateDecision) -> SafeString:
    return cells.badge("Allowed", "good") if row.allowed else cells.badge("Refused", "bad")


def reasons(row: GateDecision) -> Section:
    """What stood against it, judged again on the stored facts where today's rules are those of then."""
    blocks = gate.judge(unpack(row.facts), row.at, row.channel) if row.facts and row.ruleset == gate.version else ()
    told = {block.code: in_words(block) for block in blocks}
    lines = [told.get(code, name_of(code)) for code in row.codes]
    return Section(title="What stood against it", text=cells.lines(lines) if lines else "", empty="Nothing.")


def facts(row: GateDecision) -> list[tuple[str, Any]]:
    return facts_in_words(unpack(row.facts))
