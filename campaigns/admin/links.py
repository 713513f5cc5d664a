"""Numbers of a campaign that lead to what they count."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html

from campaigns.models import Campaign
from config.kernel.admin import cells


def people(row: Campaign, **asked: Any) -> str:
    """Return the address of its people, or of those who are ``asked`` for."""
    return _list("enrollment", row, asked)


def people_link(row: Campaign, number: int, **asked: Any) -> Any:
    """A number of people that leads to them."""
    return _linked(number, people(row, **asked))


def messages_link(row: Campaign, number: int, **asked: Any) -> Any:
    """A number of messages that leads to them."""
    return _linked(number, _list("message", row, asked))


def _list(model: str, row: Campaign, asked: dict[str, Any]) -> str:
    return f"{reverse(f'admin:campaigns_{model}_changelist')}?{urlencode({'campaign': row.pk, **asked})}"


def _linked(number: int, url: str) -> Any:
    return format_html('<a class="cl-link" href="{}">{}</a>', url, cells.number(number)) if number else cells.number(0)
