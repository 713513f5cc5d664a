"""What became of the messages of a campaign, node by node: numbers that add up, and that lead to what they count."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html

from campaigns.admin.links import messages_link
from campaigns.choices import DELIVERIES, SENDS, MessageDirection, NodeType
from campaigns.models import Campaign, Node
from campaigns.reports.numbers import FAILED, SAID, TAKEN, Numbers
from campaigns.rules.node_types import CHANNEL_OF
from config.kernel.admin import filters
from config.kernel.admin.pages import Section
from crm.choices import Channel

# How deep, and what it is called: whatever stands deeper adds up to what it stands under.
SHOWN: Final = {
    "written": (0, "Written"), "waiting": (1, "Waiting"), "blocked": (1, "Blocked"), "not_sent": (1, "Not sent"),
    "failed": (1, "Failed"), "unsure": (1, "Unsure"), "handed_over": (1, "Handed over"),
    "delivered": (2, "Delivered"), "undelivered": (2, "Not delivered"), "unconfirmed": (2, "No news yet"),
    "clicked": (0, "Clicked"), "answered": (0, "Answered"), "opted_out": (0, "Opted out"),
}  # fmt: skip
_LOST: Final = ("lost", "Failed or not delivered")
_SUMS: Final = {"written": [*DELIVERIES], "handed_over": TAKEN, "lost": FAILED}
_STATES: Final = {
    **DELIVERIES, **{name: [state for part in parts for state in DELIVERIES[part]] for name, parts in _SUMS.items()},
}  # fmt: skip


class Became(filters.Chosen):
    """What became of what we have written, in the words of the numbers of a campaign."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((name, label) for name, (_, label) in SHOWN.items()), _LOST]

    def condition(self, value: Any, request: HttpRequest) -> Q:
        ours = Q(direction=MessageDirection.OUTBOUND)
        return ours & (Q(**{f"{value}_at__isnull": False}) if value in SAID else Q(state__in=_STATES[value]))


def deliveries(row: Campaign, found: Numbers) -> Section:
    """A column for each node that sends, and one for all of a channel that several nodes use."""
    columns = list(_columns(found))
    rows = [
        [
            format_html('<span class="cl-deep-{}">{}</span>', deep, label),
            *(_cell(messages_link(row, sent[name], **whose, became=name), deep) for _, whose, sent in columns),
        ]
        for name, (deep, label) in SHOWN.items()
    ]
    return Section(
        title="Messages", headers=["", *(head for head, _, _ in columns)], rows=rows if columns else [],
        empty="None of its nodes sends anything.", place=45,
    )  # fmt: skip


def _columns(found: Numbers) -> Iterator[tuple[str, dict[str, Any], Mapping[str, int]]]:
    """Return of each column its head, whose messages it tells of, and their numbers."""
    for channel, whole in found.deliveries.items():
        label = Channel(channel).label
        senders = [(node, counted["deliveries"]) for node, counted in found.nodes if _sends(node, channel)]
        yield from ((_head(node.name or node.key, label), {"node": node.pk}, sent) for node, sent in senders)
        if len(senders) > 1 or (whole["written"] and not senders):
            yield _head("All", label), {"channel": channel}, whole


def _head(name: str, label: str) -> str:
    return format_html('{}<span class="cl-line cl-soft">{}</span>', name, label)


def _sends(node: Node, channel: str) -> bool:
    return node.type in SENDS and CHANNEL_OF[NodeType(node.type)] == channel


def _cell(number: Any, deep: int) -> Any:
    return number if deep else format_html("<b>{}</b>", number)
