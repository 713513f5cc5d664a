"""Small pieces of page: badges, moments, links. Color never speaks alone; every piece has its words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from config.kernel import clock

NOTHING = mark_safe('<span class="cl-nothing" aria-label="nothing">&ndash;</span>')

_STEPS = ((60, "s"), (60, "min"), (24, "h"), (365, "day"))


def badge(text: Any, tone: str = "plain", hint: str = "") -> SafeString:
    """Return ``text`` in a badge. Tones: plain, info, good, warn, bad."""
    return format_html('<span class="cl-badge cl-{}"{}>{}</span>', tone, _title(hint), text)


def badges(*found: Any) -> SafeString:
    """Return the pieces that are not empty, side by side."""
    return format_html_join(" ", "{}", ((one,) for one in found if one)) or NOTHING


def soft(text: Any) -> SafeString:
    """Return ``text`` as something said by the way."""
    return format_html('<span class="cl-soft">{}</span>', text)


def whole(text: Any) -> SafeString:
    """Return ``text`` in one line, however narrow its column is."""
    return format_html('<span class="cl-whole">{}</span>', text)


def loose(text: Any) -> SafeString:
    """Return ``text`` whose words may be broken where a table is narrow: a key, an address."""
    return format_html('<span class="cl-loose">{}</span>', text)


def link(row: Model | None, text: Any = "", *, to: str = "change") -> SafeString:
    """Return a link to the page of ``row``; nothing where there is no row."""
    return NOTHING if row is None else link_to(row._meta.label_lower, row.pk, text or str(row), to=to)


def link_to(label: str, pk: Any, text: Any, *, to: str = "change") -> SafeString:
    """The same for a row whose model (``crm.contact``) and key are known."""
    try:
        url = reverse(f"admin:{label.replace('.', '_')}_{to}", args=[pk])
    except NoReverseMatch:
        return format_html("{}", text)
    return format_html('<a class="cl-link" href="{}">{}</a>', url, text)


def local(at: datetime) -> datetime:
    """Return ``at`` in the reader's zone; at the two ends of the calendar, which not every zone has, in UTC."""
    try:
        return timezone.localtime(at)
    except OverflowError:
        return at.astimezone(UTC)


def moment(at: datetime | None, *, now: datetime | None = None) -> SafeString:
    """Return how far off ``at`` is ("3 hours ago", "in 2 days"), with the exact time of the reader's zone behind it."""
    if at is None:
        return NOTHING
    here = local(at)
    return format_html(
        '<time class="cl-moment" datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"), f"{here:%a %-d %b %Y, %H:%M:%S %Z}", distance(at, now=now),
    )  # fmt: skip


def exact(at: datetime | None) -> SafeString:
    """Return the day and minute in the reader's zone, with its name behind it."""
    if at is None:
        return NOTHING
    here = local(at)
    year = "" if here.year == local(clock.now()).year else f" {here.year}"
    return format_html(
        '<time class="cl-moment" datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"), f"{here:%a %-d %b %Y, %H:%M:%S %Z}", f"{here:%-d %b}{year}, {here:%H:%M}",
    )  # fmt: skip


def second(at: datetime) -> SafeString:
    """Return the time to the second, in the reader's zone, with the day behind it."""
    here = local(at)
    return format_html(
        '<time class="cl-moment" datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="milliseconds"), f"{here:%a %-d %b %Y, %H:%M:%S %Z}", f"{here:%-d %b, %H:%M:%S}",
    )  # fmt: skip


def distance(at: datetime, *, now: datetime | None = None) -> str:
    """Return the distance between ``at`` and now in the largest whole unit: "3 h ago", "in 2 days"."""
    seconds = (at - (now or clock.now())).total_seconds()
    amount, unit = abs(seconds), "year"
    if amount < 5:
        return "now"
    for size, name in _STEPS:
        if amount < size:
            unit = name
            break
        amount /= size
    whole = int(amount)
    words = f"{whole} {unit}{'s' if unit in {'day', 'year'} and whole != 1 else ''}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def duration(seconds: float | None) -> str:
    """Return 75 as "1:15"."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def length(span: timedelta | None) -> str:
    """Return a length of time in words: "1 day 4 hours"."""
    if span is None:
        return ""
    minutes = int(span.total_seconds() // 60)
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n) or "none"


def day(on: date | None) -> str | SafeString:
    return NOTHING if on is None else f"{on:%-d %b %Y}"


def number(value: Any) -> str | SafeString:
    return NOTHING if value is None else formats.number_format(value, use_l10n=True, force_grouping=True)


def yes(value: bool | None, text: str, tone: str = "warn") -> SafeString:
    """Return a badge where ``value`` holds, and nothing where it does not."""
    return badge(text, tone) if value else mark_safe("")


def lines(found: Sequence[Any]) -> SafeString:
    """Return one line per piece."""
    return format_html_join("", '<span class="cl-line">{}</span>', ((one,) for one in found)) or NOTHING


def _title(hint: str) -> SafeString | str:
    return format_html(' title="{}"', hint) if hint else ""
