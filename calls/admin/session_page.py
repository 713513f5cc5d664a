"""The page of a call: how it went, moment by moment, and on which ground it was allowed."""

from collections.abc import Iterator
from typing import Any

from django.utils.safestring import SafeString

from calls.choices import EventKind, Sentiment, Status
from calls.models import CallEvent, CallSession, TerminalSession
from config.kernel.admin import cells
from config.kernel.admin.pages import Header, Section
from config.kernel.admin.scope import shown
from crm.admin import decisions, phrases
from crm.admin.reasons import name_of
from crm.models import GateDecision

_STATES = {
    Status.ANSWERED: "info",
    Status.BUSY: "warn",
    Status.FAILED: "bad",
    Status.VOICEMAIL: "plain",
    Status.COMPLETED: "good",
}
_TONES = {Sentiment.POSITIVE: "good", Sentiment.NEUTRAL: "info", Sentiment.NEGATIVE: "warn", Sentiment.NONE: "plain"}
_EVENTS = {
    EventKind.INITIATED: ("call_made", "plain"),
    EventKind.RINGING: ("ring_volume", "plain"),
    EventKind.ANSWERED: ("call", "info"),
    EventKind.BUSY: ("phone_disabled", "warn"),
    EventKind.FAILED: ("error", "bad"),
    EventKind.VOICEMAIL: ("voicemail", "plain"),
    EventKind.COMPLETED: ("call_end", "good"),
    EventKind.RECORDING: ("graphic_eq", "plain"),
    EventKind.OUTCOME: ("task_alt", "good"),
    EventKind.NOTE: ("sticky_note_2", "plain"),
    EventKind.CORRECTION: ("undo", "warn"),
}


def state(row: CallSession) -> SafeString:
    now = row.now
    return cells.badge(now.get_status_display(), _STATES.get(Status(now.status), "plain"))


def outcome(row: CallSession) -> SafeString:
    disposition = row.now.disposition
    if disposition is None:
        return cells.badge("No outcome yet", "warn")
    return cells.badge(disposition.name, _TONES[Sentiment(disposition.sentiment)])


def breach(row: CallSession) -> SafeString | str:
    """A call made elsewhere that the gate would not have allowed."""
    if not row.outside_gate:
        return ""
    return cells.badge("Against the rules", "bad", ", ".join(map(name_of, row.outside_gate)))


def header(row: CallSession, viewer: Any) -> Header:
    return Header(
        title=cells.badges(row.get_direction_display(), "call", "with", cells.link(shown(row.contact, viewer))),
        subtitle=cells.badges("about", cells.link(shown(row.project, viewer))) if row.project else "",
        badges=[state(row), outcome(row), *([breach(row)] if row.outside_gate else [])],  # type: ignore[list-item]  # a badge
        facts=[
            ("Begun", cells.exact(row.initiated_at)),
            ("Answered", cells.exact(row.now.answered_at)),
            ("Length", cells.duration(row.now.duration) or cells.NOTHING),
            ("Number", phrases.phone(row.number)),
            ("Rep", row.rep or cells.NOTHING),
            ("Made by", row.get_source_display()),
        ],
    )


def sections(row: CallSession, viewer: Any) -> Iterator[Section]:
    events = list(row.events.select_related("by", "disposition", "corrects__disposition").order_by("at", "id"))
    yield Section(
        title="What happened", template="admin/parts/events.html", context={"events": [_event(one) for one in events]}
    )
    if row.outside_gate:
        yield Section(
            title="Against the rules",
            text=cells.lines([name_of(code) for code in row.outside_gate]),
            note="it was made elsewhere and recorded; it counts like any other",
        )
    yield from _caused(events)
    yield from _receipt(row)
    yield Section(
        title="Details",
        aside=True,
        facts=[
            ("Id where it was made", row.call_session_id),
            ("The number itself", phrases.line(row.endpoint)),
            ("Person in a project", _pair(row, viewer)),
            ("Recorded", cells.exact(row.recorded_at)),
            ("Recording", phrases.page(row.now.recording_url, "Listen")),
        ],
    )


def _pair(row: CallSession, viewer: Any) -> SafeString:
    return cells.link(row.pair, "Open") if row.pair_id and shown(row.contact, viewer) else cells.NOTHING


def _event(one: CallEvent) -> dict[str, Any]:
    icon, tone = _EVENTS[EventKind(one.kind)]
    what = one.get_kind_display()
    if one.disposition:
        what = f"{what}: {one.disposition.name}"
    elif one.kind == EventKind.CORRECTION and one.corrects and one.corrects.disposition:
        what = f"Taken back: {one.corrects.disposition.name}"
    said = [str(one.facts[name]) for name in ("note", "reason") if one.facts.get(name)]
    if one.facts.get("duration") is not None:
        said.append(f"{cells.duration(one.facts['duration'])} long")
    return {"icon": icon, "tone": tone, "what": what, "by": one.by, "at": one.at, "said": said}


def _caused(events: list[CallEvent]) -> Iterator[Section]:
    made = TerminalSession.objects.filter(cause__in=[one.pk for one in events]).select_related("lift").order_by("at")
    rows = [
        [cells.link(one, one.get_scope_display()), one.reason, cells.exact(one.until) if one.until else "For ever",
         cells.badge("Lifted", "plain") if one.lifted_at else cells.badge("Stands", "bad")]
        for one in made
    ]  # fmt: skip
    if rows:
        yield Section(title="What it caused", headers=["Closed", "Because", "Until", "State"], rows=rows)


def _receipt(row: CallSession) -> Iterator[Section]:
    found = GateDecision.objects.filter(pk=row.decision_id).first() if row.decision_id else None
    if found is None:
        return
    yield Section(
        title="Receipt of the gate",
        note=decisions.verdict(found),
        facts=[("When", cells.exact(found.at)), ("Receipt", cells.link(found, "Open")), *decisions.facts(found)],
    )
