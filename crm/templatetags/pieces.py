"""The kernel's small pieces of page, for templates."""

from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst

from config.kernel.admin import cells, sidebar

register = template.Library()

register.filter("moment", cells.moment)
register.filter("exact", cells.exact)
register.filter("second", cells.second)
register.filter("duration", cells.duration)
register.filter("length", cells.length)
register.filter("number", cells.number)
register.filter("day", cells.day)


@register.simple_tag(takes_context=True)
def breadcrumbs(context: template.Context) -> list[dict[str, str]]:
    """Where this page stands, in the sidebar's words: its group, its list, its row, and what is done there."""
    opts, row = context.get("opts"), context.get("original")
    title = str(context.get("title") or context.get("content_title") or "")
    if opts is None:
        return [{"title": title, "link": ""}]
    heading = sidebar.title_of(opts.label_lower, {}) or capfirst(str(opts.verbose_name_plural))
    base = f"admin:{opts.app_label}_{opts.model_name}"
    group = sidebar.group_of(opts.label_lower)
    found = [("", group if group != heading else ""), (_address(f"{base}_changelist"), heading)]
    if row is not None:
        called = str(context.get("called") or row)
        found.append((_address(f"{base}_change", row.pk), called))
        title = "" if title == called else title
    if title and title != heading:
        found.append(("", title))
    return [{"link": link, "title": words} for link, words in found if words]


def _address(name: str, *keys: Any) -> str:
    try:
        return reverse(name, args=keys)
    except NoReverseMatch:
        return ""
