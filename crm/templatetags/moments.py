"""Moments on pages that are not made of pieces."""

from datetime import datetime

from django import template
from django.utils import dateformat

from config.kernel.admin import cells

register = template.Library()


@register.filter(expects_localtime=False)
def when(at: datetime | None, pattern: str) -> str:
    """Return ``at`` in the reader's zone, written like ``date`` does; at the ends of the calendar in UTC."""
    return dateformat.format(cells.local(at), pattern) if at else ""
