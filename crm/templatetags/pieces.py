"""The kernel's small pieces of page, for templates."""

from django import template

from config.kernel.admin import cells

register = template.Library()

register.filter("moment", cells.moment)
register.filter("exact", cells.exact)
register.filter("second", cells.second)
register.filter("duration", cells.duration)
register.filter("length", cells.length)
register.filter("number", cells.number)
register.filter("day", cells.day)
