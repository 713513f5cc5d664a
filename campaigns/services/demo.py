"""Templates and contents to begin with: a call first, an event or prices by e-mail, an answer to whoever wrote."""

from datetime import datetime
from importlib.resources import files
from typing import Any, Final

import orjson

from campaigns.models import ContentTemplate, SendingAccount, Template
from campaigns.providers import sender_on
from campaigns.services import accounts, contents, exchange, templates
from config.kernel.transactions import atomic_with_retries
from crm.choices import Channel
from crm.models import User

# Addresses that reach nobody (RFC 2606; 555-01XX is reserved for fiction)
ADDRESSES: Final = {
    Channel.SMS: "+15125550100",
    Channel.EMAIL: "hello@clearline.example",
    Channel.VOICEMAIL: "+15125550101",
}


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
        drawing = exchange.drawing_in(
            {part: whole[part] for part in ("start", "on_reply", "nodes", "edges") if part in whole}
        )
        row = templates.create(name=whole["name"], description=whole["description"], drawing=drawing, by=by, at=at)
        templates.publish(row=row, note="As shipped", by=by, at=at)
    return len(words), len(graphs)


@atomic_with_retries
def install_accounts(*, at: datetime, by: User | None = None) -> int:
    """Set up an account on every channel that the simulated carrier serves and nobody sends on yet; return how many."""
    served = [channel for channel in ADDRESSES if sender_on(channel).label.startswith("Simulated")]
    free = [channel for channel in served if not SendingAccount.objects.filter(channel=channel).exists()]
    for channel in free:
        name = f"Simulated {channel.label}"
        accounts.create(
            channel=channel, provider=channel.value, address=ADDRESSES[channel], by=by, at=at, name=name,
            per_second=20, per_day=20_000,
        )  # fmt: skip
    return len(free)
