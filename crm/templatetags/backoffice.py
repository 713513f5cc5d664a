"""How lists and sections are written: once per column, not once per cell, because a page has a thousand cells."""

from collections.abc import Callable, Iterator
from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.kernel.admin import cells
from config.kernel.admin.lists import Listing
from config.kernel.admin.scope import shown
from crm.choices import COLUMN_WORDS

register = template.Library()

Write = Callable[[Any], Any]


@register.simple_tag
def list_headers(cl: Listing) -> list[dict[str, Any]]:
    """The columns with their names; those that can be sorted with the address that does it and how they are sorted."""
    sorted_by = cl.get_ordering_field_columns()
    found = []
    for number, name in enumerate(cl.list_display):
        if name == "action_checkbox":
            continue
        label, attr = label_for_field(name, cl.model, model_admin=cl.model_admin, return_attr=True)
        label = COLUMN_WORDS.get(name, label)
        sortable = name in (cl.sortable_by or ()) and bool(attr is None or getattr(attr, "admin_order_field", None))
        way = sorted_by.get(number)
        order = f"-{number}" if way == "asc" else str(number)
        found.append(
            {
                "name": name,
                "label": str(label)[:1].upper() + str(label)[1:],
                "url": cl.get_query_string({ORDER_VAR: order}) if sortable else "",
                "sorted": {"asc": "ascending", "desc": "descending"}.get(way or "", "") if sortable else "",
            }
        )
    return found


@register.simple_tag(takes_context=True)
def list_rows(context: template.Context, cl: Listing) -> Iterator[dict[str, Any]]:
    """The cells of every row, the first of them a link to the row's page."""
    names = [name for name in cl.list_display if name != "action_checkbox"]
    columns = [(name, _writer(cl, name)) for name in names]
    keep = {"preserved_filters": cl.preserved_filters, "opts": cl.opts}
    for row in cl.result_list:
        url = add_preserved_filters(keep, cl.url_for_result(row))
        first, *others = ((name, write(row)) for name, write in columns)
        yield {"pk": str(row.pk), "row": row, "url": url, "first": first, "cells": others}


@register.simple_tag
def page_url(cl: Listing, number: int) -> str:
    return str(cl.get_query_string({PAGE_VAR: number}))


@register.simple_tag
def view_tabs(cl: Listing) -> list[dict[str, Any]]:
    """The list's ready-made questions; the one that is asked now is marked."""
    asked = {name: value for name, value in cl.params.items() if name not in {ORDER_VAR, PAGE_VAR, "q"} and value}
    base = reverse(f"admin:{cl.opts.app_label}_{cl.opts.model_name}_changelist")
    return [
        {
            "title": title,
            "url": f"{base}?{'&'.join(f'{name}={value}' for name, value in asks.items())}" if asks else base,
            "active": asks == asked,
        }
        for title, asks in getattr(cl.model_admin, "views", ())
    ]


def _writer(cl: Listing, name: str) -> Write:
    """How the column ``name`` is written, found out once for all rows."""
    method = getattr(cl.model_admin, name, None)
    if callable(method):
        return lambda row: _shown(_own(cl, method(row)))
    try:
        field = cl.lookup_opts.get_field(name)
    except FieldDoesNotExist:
        return lambda row: _shown(_called(getattr(row, name)))
    return _of_relation(cl, name) if field.is_relation else _of_field(field)


def _of_relation(cl: Listing, name: str) -> Write:
    return lambda row: _shown(_own(cl, getattr(row, name)))


def _own(cl: Listing, value: Any) -> Any:
    """Another row, or each of several, is named only to who may see it."""
    if isinstance(value, list) and all(isinstance(one, models.Model) for one in value):
        return " and ".join(str(one) for one in value if shown(one, cl.user))
    return shown(value, cl.user) if isinstance(value, models.Model) else value


def _of_field(field: Any) -> Write:
    name = field.name
    if field.flatchoices:
        texts = dict(field.flatchoices)
        return lambda row: _shown(texts.get(getattr(row, name), ""))
    if isinstance(field, models.BooleanField):
        return lambda row: "Yes" if getattr(row, name) else cells.NOTHING
    if isinstance(field, models.DateTimeField):
        return lambda row: cells.moment(getattr(row, name))
    if isinstance(field, models.DateField):
        return lambda row: cells.day(getattr(row, name))
    return lambda row: _shown(getattr(row, name))


def _called(value: Any) -> Any:
    return value() if callable(value) else value


def _shown(value: Any) -> SafeString | str:
    if value is None or value == "" or value == []:
        return cells.NOTHING
    if isinstance(value, SafeString):
        return value
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return cells.number(value)
    return format_html("{}", value)
