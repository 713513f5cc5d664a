"""What became of the messages of a campaign, node by node, as a table whose numbers add up."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.html import format_html

from campaigns.choices import SENDS, NodeType
from campaigns.models import Node
from campaigns.reports.numbers import Numbers
from campaigns.rules.node_types import CHANNEL_OF
from config.kernel.admin import cells
from config.kernel.admin.pages import Section
from crm.choices import Channel

SHOWN: Final = {
    "written": "Written", "waiting": "Waiting", "blocked": "Blocked", "not_sent": "Not sent", "failed": "Failed",
    "unsure": "Unsure", "handed_over": "Handed over", "unconfirmed": "No news yet", "delivered": "Delivered",
    "undelivered": "Not delivered", "answered": "Answered", "opted_out": "Opted out",
}  # fmt: skip
HOW: Final = (
    "Whatever was written waits, is blocked, not sent, failed, unsure or handed over; of what was handed over there is "
    "no news yet, or it was delivered or not."
)


def deliveries(found: Numbers) -> Section:
    """A row for each node that sends, and one for all of a channel that several nodes use."""
    rows = []
    for channel, whole in found.deliveries.items():
        label = Channel(channel).label
        senders = [(node, counted["deliveries"]) for node, counted in found.nodes if _sends(node, channel)]
        rows += [[node.name or node.key, label, *_cells(sent, "{}")] for node, sent in senders]
        if len(senders) > 1 or (whole["written"] and not senders):
            rows.append([format_html("<b>All by {}</b>", label), "", *_cells(whole, "<b>{}</b>")])
    return Section(
        title="Messages", headers=["Node", "Channel", *SHOWN.values()], rows=rows, text=HOW if rows else "",
        empty="None of its nodes sends anything.", place=45,
    )  # fmt: skip


def _sends(node: Node, channel: str) -> bool:
    return node.type in SENDS and CHANNEL_OF[NodeType(node.type)] == channel


def _cells(sent: Mapping[str, int], how: str) -> list[Any]:
    return [format_html(how, cells.number(sent[name])) for name in SHOWN]
