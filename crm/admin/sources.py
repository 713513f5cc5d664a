"""Where records came from: the runs that took files in, and what each source last said."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
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
                ("Address", row.ip or cells.NOTHING),
                ("With", row.user_agent or cells.NOTHING),
            ],
        )

    def sections(self, request: HttpRequest, row: IntakeRun) -> Iterable[Section]:
        if row.error:
            yield Section(title="Why it stopped", text=row.error)
        yield account(row)
        yield _sides(row)
        rest = sorted((name, number) for name, number in row.counts.items() if not name.startswith("rows."))
        facts = [(_became(name), cells.number(number)) for name, number in rest]
        yield Section(title="What became of it", facts=facts, empty="Nothing yet.")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<path:object_id>/<str:which>.csv", wrap(self.side_view), name="crm_intakerun_side"),
            *super().get_urls(),
        ]

    def side_view(self, request: HttpRequest, object_id: str, which: str) -> HttpResponseBase:
        """Send the refused rows or the warnings, as far as the run has committed them."""
        row = self._seen(request, object_id)
        file = sides(row).get(which)
        if file is None or not file.here:
            raise Http404("This file is not here.")
        response = FileResponse(_head(file.path, file.size), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{which}-{row.pk}.csv"'
        return response


_BECAME = {
    "endpoints": "numbers and e-mails",
    "pairs": "people in projects",
    "points": "ways to reach somebody",
    "reviews": "to review:",
    "roles": "parts in projects",
}


def _became(name: str) -> str:
    """A counter in words: "pairs.created" is "People in projects created"."""
    kind, _, what = name.partition(".")
    return capfirst(f"{_BECAME.get(kind, kind)} {what}".replace("_", " ").strip())


def counted(row: IntakeRun, outcome: str) -> int:
    """How many rows of the file had this outcome."""
    return int(row.counts.get(f"rows.{outcome}", 0))


@dataclass(frozen=True)
class SideFile:
    """What an intake wrote beside the file: its first ``size`` bytes belong to the run."""

    title: str
    path: Path
    size: int

    @property
    def here(self) -> bool:
        """Whether it lies on this machine: another one may have read the file."""
        return self.path.is_file() and self.path.stat().st_size >= self.size


def sides(row: IntakeRun) -> dict[str, SideFile]:
    known = {
        "refused": SideFile("Refused rows, with their reasons", Path(row.refused_file), row.refused_bytes),
        "warnings": SideFile("Warnings", Path(row.warned_file), row.warned_bytes),
    }
    return {name: file for name, file in known.items() if file.size}


def _sides(row: IntakeRun) -> Section:
    found = [[file.title, filesizeformat(file.size), _where(row, name, file)] for name, file in sides(row).items()]
    return Section(title="What could not be used", rows=found, empty="Everything could be used.")


def _where(row: IntakeRun, name: str, file: SideFile) -> SafeString:
    if not file.here:
        return cells.soft(f"on the machine that read the file: {file.path}")
    url = reverse("admin:crm_intakerun_side", args=[row.pk, name])
    return format_html('<a class="cl-button" href="{}" download>Download</a>', url)


def _head(path: Path, size: int) -> Iterator[bytes]:
    """The first ``size`` bytes; what follows belongs to no committed chunk."""
    with path.open("rb") as file:
        while size and (piece := file.read(min(size, 65536))):
            size -= len(piece)
            yield piece


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
            title=str(row.contact or row.project or row.company or row.key),
            subtitle=f"{row.get_kind_display()}, as {row.source} tells it",
            facts=[
                ("Key", row.key.replace("|", " | ")),
                ("Person", cells.link(row.contact)),
                ("Project", cells.link(row.project)),
                ("Company", cells.link(row.company)),
                ("First seen", cells.exact(row.first_seen_at)),
                ("Changed", cells.exact(row.changed_at)),
            ],
        )

    def sections(self, request: HttpRequest, row: SourceRecord) -> Iterable[Section]:
        facts = list(_told(row.raw)) if isinstance(row.raw, dict) else []
        yield Section(title="As it was said", facts=facts)


def _by_key(text: str) -> Q:
    return Q(key=text.strip())


def _told(raw: dict[str, Any], about: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with the name of its place: what stands inside a company is "Company name"."""
    for name, value in raw.items():
        label = f"{about} {name}".strip().replace("_", " ").capitalize()
        if isinstance(value, dict):
            yield from _told(value, label)
        elif isinstance(value, list):
            yield label, cells.lines([_entry(one) for one in value]) if value else cells.NOTHING
        else:
            yield label, phrases.worded(value)


def _entry(value: Any) -> str:
    """One entry of a list; a number with its kind and label is a list itself."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return ", ".join(str(part).replace("_", " ") for part in parts if part not in ("", None))
