"""What became of the messages of a campaign, node by node, as a table whose numbers add up."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.html import format_html

from campaigns.choices import SENDS, NodeType
from campaigns.models import Node
from campaigns.reports.numbers import Numbers
from campaigns.rules.node_types import CHANNEL_OF
from config.kernel.admin import cells
from config.kernel.admin.pages import Section
from crm.choices import Channel

# How deep, and what it is called: whatever stands deeper adds up to what it stands under.
SHOWN: Final = {
    "written": (0, "Written"), "waiting": (1, "Waiting"), "blocked": (1, "Blocked"), "not_sent": (1, "Not sent"),
    "failed": (1, "Failed"), "unsure": (1, "Unsure"), "handed_over": (1, "Handed over"),
    "delivered": (2, "Delivered"), "undelivered": (2, "Not delivered"), "unconfirmed": (2, "No news yet"),
    "clicked": (0, "Clicked"), "answered": (0, "Answered"), "opted_out": (0, "Opted out"),
}  # fmt: skip


def deliveries(found: Numbers) -> Section:
    """A column for each node that sends, and one for all of a channel that several nodes use."""
    columns = list(_columns(found))
    rows = [
        [
            format_html('<span class="cl-deep-{}">{}</span>', deep, label),
            *(_cell(sent[name], deep) for _, sent in columns),
        ]
        for name, (deep, label) in SHOWN.items()
    ]
    return Section(
        title="Messages", headers=["", *(head for head, _ in columns)], rows=rows if columns else [],
        empty="None of its nodes sends anything.", place=45,
    )  # fmt: skip


def _columns(found: Numbers) -> Iterator[tuple[str, Mapping[str, int]]]:
    for channel, whole in found.deliveries.items():
        label = Channel(channel).label
        senders = [(node, counted["deliveries"]) for node, counted in found.nodes if _sends(node, channel)]
        yield from ((_head(node.name or node.key, label), sent) for node, sent in senders)
        if len(senders) > 1 or (whole["written"] and not senders):
            yield _head("All", label), whole


def _head(name: str, label: str) -> str:
    return format_html('{}<span class="cl-line cl-soft">{}</span>', name, label)


def _sends(node: Node, channel: str) -> bool:
    return node.type in SENDS and CHANNEL_OF[NodeType(node.type)] == channel


def _cell(number: int, deep: int) -> Any:
    return cells.number(number) if deep else format_html("<b>{}</b>", cells.number(number))
