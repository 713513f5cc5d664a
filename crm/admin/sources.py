"""Where records came from: the runs that took files in, and what each source last said."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from config.kernel.admin import cells, filters
from config.kernel.admin.pages import Header, Section
from crm.admin import phrases
from crm.admin.base import RecordAdmin
from crm.models import IntakeRun, SourceRecord

OUTCOMES = ("created", "updated", "unchanged", "refused")
_TONES = {"running": "info", "done": "good", "failed": "bad"}


@admin.register(IntakeRun)
class IntakeRunAdmin(RecordAdmin):
    """Files that were taken in: an account that balances, and what could not be used, for download."""

    audited = False
    empty_hint = "Take a file in with ./dev ingest FILE: CSV, TSV, JSON or JSONL, packed or not."
    list_display = [
        "shown_name", "shown_state", "feed", "rows_done", "shown_created", "shown_updated", "shown_unchanged",
        "shown_refused", "shown_began",
    ]  # fmt: skip
    list_filter = [filters.Choice.of("state"), filters.Born.of("id", "Begun")]
    symbol = "upload_file"

    @display(description="File")
    def shown_name(self, row: IntakeRun) -> str:
        return row.file_name or row.source

    @display(description="State")
    def shown_state(self, row: IntakeRun) -> SafeString:
        return cells.badge(row.get_state_display(), _TONES.get(row.state, "plain"))

    @display(description="Created")
    def shown_created(self, row: IntakeRun) -> Any:
        return cells.number(counted(row, "created"))

    @display(description="Updated")
    def shown_updated(self, row: IntakeRun) -> Any:
        return cells.number(counted(row, "updated"))

    @display(description="Unchanged")
    def shown_unchanged(self, row: IntakeRun) -> Any:
        return cells.number(counted(row, "unchanged"))

    @display(description="Refused")
    def shown_refused(self, row: IntakeRun) -> Any:
        refused = counted(row, "refused")
        return cells.badge(f"{refused:,}", "warn") if refused else "0"

    @display(description="Begun")
    def shown_began(self, row: IntakeRun) -> SafeString:
        return cells.moment(row.created_at)

    def header(self, request: HttpRequest, row: IntakeRun) -> Header:
        return Header(
            title=self.shown_name(row),
            subtitle=f"Feed {row.feed}, version {row.feed_version}",
            badges=[self.shown_state(row)],
            facts=[
                ("Rows read", cells.number(row.rows_done)),
                ("Begun", cells.exact(row.created_at)),
                ("Finished", cells.exact(row.finished_at)),
                ("By", row.by or "Command line"),
            ],
        )

    def sections(self, request: HttpRequest, row: IntakeRun) -> Iterable[Section]:
        if row.error:
            yield Section(title="Why it stopped", text=row.error)
        yield account(row)
        rest = [(name, value) for name, value in sorted(row.counts.items()) if name not in OUTCOMES]
        yield Section(title="What became of it", facts=[pair for name, value in rest for pair in _flat(name, value)])


def counted(row: IntakeRun, outcome: str) -> int:
    """How many rows of the file had this outcome."""
    rows = row.counts.get("rows", row.counts)
    return int(rows.get(outcome, 0)) if isinstance(rows, dict) else 0


def account(row: IntakeRun) -> Section:
    """Rows in = created + updated + unchanged + refused, and whether that is so."""
    parts = [(outcome, counted(row, outcome)) for outcome in OUTCOMES]
    total = sum(number for _, number in parts)
    balanced = total == row.rows_done
    return Section(
        title="Account",
        headers=["Rows", "Number", "Share"],
        rows=[
            *[[name.capitalize(), cells.number(number), _share(number, row.rows_done)] for name, number in parts],
            [
                format_html("<strong>{}</strong>", "Read"),
                format_html("<strong>{}</strong>", cells.number(row.rows_done)),
                "",
            ],
        ],
        note=cells.badge("Balances", "good") if balanced else cells.badge(f"Off by {row.rows_done - total:,}", "bad"),
    )


def _share(number: int, total: int) -> str:
    return f"{number / total:.1%}" if total else ""


def _flat(name: str, value: Any) -> list[tuple[str, Any]]:
    label = name.replace("_", " ").capitalize()
    if isinstance(value, dict):
        return [
            (f"{label}: {inner.replace('_', ' ')}", phrases.worded(number)) for inner, number in sorted(value.items())
        ]
    return [(label, cells.number(value) if isinstance(value, int) else phrases.worded(value))]


@admin.register(SourceRecord)
class SourceRecordAdmin(RecordAdmin):
    """What a source last said about one record: the same again touches nothing."""

    audited = False
    empty_hint = "They come with a file."
    linked_by = ("contact", "project", "company")
    owners = ("contact__owner", "project__owner")
    list_display = ["key", "source", "kind", "contact", "project", "company", "changed_at"]
    list_filter = [filters.Choice.of("kind"), filters.Born.of("id", "First seen")]
    list_select_related = ["contact", "project", "company"]
    search_exactly = staticmethod(lambda text: _by_key(text))
    search_fields = ["key"]
    search_help_text = "The whole key"
    symbol = "dataset"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("raw")

    def header(self, request: HttpRequest, row: SourceRecord) -> Header:
        return Header(
            title=row.key,
            subtitle=f"{row.get_kind_display()} from {row.source}",
            facts=[
                ("Person", cells.link(row.contact)),
                ("Project", cells.link(row.project)),
                ("Company", cells.link(row.company)),
                ("First seen", cells.exact(row.first_seen_at)),
                ("Changed", cells.exact(row.changed_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: SourceRecord) -> Iterable[Section]:
        facts = [(name, _raw(value)) for name, value in row.raw.items()] if isinstance(row.raw, dict) else []
        yield Section(title="As it was said", facts=facts)


def _by_key(text: str) -> Q:
    return Q(key=text.strip())


def _raw(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else phrases.worded(value)
