"""Templates and contents to begin with: a call first, an event by e-mail, and an answer to whoever wrote to us."""

from datetime import datetime
from importlib.resources import files
from typing import Any

import orjson

from campaigns.models import ContentTemplate, Template
from campaigns.services import contents, exchange, templates
from config.kernel.transactions import atomic_with_retries
from crm.models import User


@atomic_with_retries
def install(*, at: datetime, by: User | None = None) -> tuple[int, int]:
    """Write the contents and publish the templates that are not there yet, by key and by name; return how many of each.

    What somebody has written since under the same key or name is left alone.
    """
    shipped: dict[str, Any] = orjson.loads(files("campaigns").joinpath("fixtures", "demo_templates.json").read_bytes())
    known = set(ContentTemplate.objects.values_list("key", flat=True))
    words = [content for content in shipped["contents"] if content["key"] not in known]
    for content in words:
        contents.put(**content, at=at, by=by)
    graphs = [
        whole for whole in shipped["templates"] if not Template.objects.filter(name__iexact=whole["name"]).exists()
    ]
    for whole in graphs:
        drawing = exchange.drawing_in({part: whole[part] for part in ("start", "nodes", "edges")})
        row = templates.create(name=whole["name"], description=whole["description"], drawing=drawing, by=by, at=at)
        templates.publish(row=row, note="As shipped", by=by, at=at)
    return len(words), len(graphs)
