"""Words and badges that several pages of crm share."""

import re
from typing import Any

import phonenumbers
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.kernel.admin import cells
from crm.choices import Lifecycle, PointState, Priority
from crm.models import Contact, ContactPoint, Endpoint, ProjectContact

_STAGES = {
    Lifecycle.NEW: "plain",
    Lifecycle.CLOSED_WON: "good",
    Lifecycle.CLOSED_LOST: "plain",
    Lifecycle.NURTURING: "plain",
}
_PRIORITIES = {Priority.LOW: "plain", Priority.MEDIUM: "plain", Priority.HIGH: "warn", Priority.URGENT: "bad"}
_WEB = re.compile(r"^https?://", re.IGNORECASE)


def phone(value: str) -> SafeString:
    """An E.164 number as people write it; what is none as it stands."""
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return format_html('<span class="cl-number">{}</span>', value) if value else cells.NOTHING
    national = parsed.country_code == 1
    style = phonenumbers.PhoneNumberFormat.NATIONAL if national else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return format_html('<span class="cl-number">{}</span>', phonenumbers.format_number(parsed, style))


def reach(row: Endpoint | None) -> Any:
    """A number as people write it, an address as it stands."""
    return cells.NOTHING if row is None else phone(row.value) if row.kind == "phone" else row.value


def line(row: Endpoint | None) -> SafeString:
    """The same as a link to its page."""
    return cells.link(row, reach(row))


def lifecycle(row: Contact) -> SafeString | str:
    return _badge(row.get_lifecycle_display(), _STAGES.get(Lifecycle(row.lifecycle), "info"))


def priority(row: Any) -> SafeString | str:
    return _badge(row.get_priority_display(), _PRIORITIES.get(Priority(row.priority), "plain"))


def urgency(row: Any) -> list[SafeString]:
    """The priority where it is not the usual one."""
    tone = _PRIORITIES.get(Priority(row.priority), "plain")
    return [] if row.priority == Priority.MEDIUM else [cells.badge(f"{row.get_priority_display()} priority", tone)]


def _badge(text: str, tone: str) -> SafeString | str:
    """What is usual is plain text: only what differs catches the eye."""
    return text if tone == "plain" else cells.badge(text, tone)


def roles(row: ProjectContact) -> SafeString | str:
    """Somebody's parts in a project: "general contractor, owner"."""
    return ", ".join(role.replace("_", " ") for role in row.roles) or cells.NOTHING


def flags(row: Contact) -> list[SafeString]:
    """What must not be overlooked about a person, in words."""
    return [
        cells.badge(text, "bad")
        for holds, text in (
            (row.deleted_at, "Deleted"),
            (row.do_not_call, "Do not call"),
            (row.do_not_text, "Do not text"),
            (row.do_not_email, "Do not e-mail"),
        )
        if holds
    ]


def quality(score: int) -> SafeString:
    tone = "good" if score >= 75 else "warn" if score >= 40 else "bad"
    return cells.badge(f"{score}%", tone, "How complete the record is")


def endpoint_states(row: Endpoint, *, now: Any) -> list[SafeString]:
    found = []
    if row.suppressed_at:
        found.append(cells.badge("Suppressed", "bad"))
    if row.failed_until and row.failed_until > now:
        found.append(cells.badge(f"Rests until {row.failed_until:%-d %b}", "warn"))
    return found


def point_states(row: ContactPoint, *, now: Any) -> SafeString:
    """Whether a number or address can be used for this person, in words."""
    found = endpoint_states(row.endpoint, now=now) if row.endpoint else []
    if row.state == PointState.WRONG_PERSON:
        found.append(cells.badge("Wrong person", "bad"))
    if not found:
        found.append(cells.badge("Good", "good"))
    return cells.badges(*found)


def page(url: str, text: str = "") -> SafeString:
    """A link to a page elsewhere; anything but http stays text."""
    if not _WEB.match(url):
        return format_html("{}", url) if url else cells.NOTHING
    shown = text or _WEB.sub("", url).rstrip("/")
    return format_html('<a class="cl-link" href="{}" rel="noopener noreferrer" target="_blank">{}</a>', url, shown)


def worded(value: Any) -> Any:
    """A value out of somebody's JSON, for reading."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if value not in (None, "") else cells.NOTHING
