"""The numbers of a campaign as people read them: every node and every status has its own, also where it is nought.

Of its messages: ``written`` is the sum of ``waiting``, ``handed_over``, ``failed``, ``unsure``, ``blocked`` and
``not_sent``; ``handed_over`` is the sum of ``delivered``, ``undelivered`` and ``unconfirmed``. A channel is the sum of
its nodes. ``answered`` and ``opted_out`` count messages that somebody answered so, each once, however often they wrote;
``clicked`` those in which somebody opened a link, as far as it was no program that opens every link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from campaigns.choices import CHANNELS, DELIVERIES, SENDS, EnrollmentState, NodeType
from campaigns.models import Campaign, EnrollmentStatus, Node
from campaigns.rules.node_types import CHANNEL_OF

OF_NODE: Final = ("arrived", "passed", "held", "skipped", "blocked")
WHOLE: Final = ("total_contacts", "enriched_contacts", "emails_generated")
TAKEN: Final = ("delivered", "undelivered", "unconfirmed")  # by a provider
FAILED: Final = ("failed", "undelivered")  # of a node: refused at once, or lost later
SAID: Final = ("clicked", "answered", "opted_out")


@dataclass(frozen=True)
class Numbers:
    """``whole`` by name, ``states`` by state, ``funnel`` from the widest status, ``nodes`` each with its counts.

    ``deliveries`` by channel; those of a node are among its counts, None where it sends nothing.
    """

    whole: Mapping[str, int]
    states: Mapping[str, int]
    funnel: Sequence[tuple[EnrollmentStatus, int]]
    deliveries: Mapping[str, Mapping[str, int]]
    nodes: Sequence[tuple[Node, Mapping[str, Any]]] = field(default=())


def of_campaign(campaign: Campaign, numbers: Mapping[str, int], by_node: Mapping[UUID, Mapping[str, int]]) -> Numbers:
    """Put the sums of ``services.counting`` in order; retired statuses are told where somebody still has them."""
    told = {status: numbers.get(f"status:{status.pk}", 0) for status in EnrollmentStatus.objects.all()}
    return Numbers(
        whole={name: numbers.get(name, 0) for name in WHOLE},
        states={str(state): numbers.get(f"state:{state}", 0) for state in EnrollmentState.values},
        funnel=[(status, people) for status, people in told.items() if people or status.is_active],
        deliveries={channel.value: deliveries(channel.value, numbers, *by_node.values()) for channel in CHANNELS},
        nodes=[(node, _of_node(node, by_node.get(node.pk, {}))) for node in campaign.graph.nodes.order_by("id")],
    )


def _of_node(node: Node, counted: Mapping[str, int]) -> dict[str, Any]:
    sent = deliveries(CHANNEL_OF[NodeType(node.type)], counted) if node.type in SENDS else None
    failed = sum((sent or {}).get(name, 0) for name in FAILED)
    return {**{name: counted.get(name, 0) for name in OF_NODE}, "failed": failed, "deliveries": sent}


def deliveries(channel: str, *counted: Mapping[str, int]) -> dict[str, int]:
    """What became of the messages on ``channel``, over all that was ``counted``."""
    found = {name: sum(each.get(f"{channel}:{name}", 0) for each in counted) for name in (*DELIVERIES, *SAID)}
    written = sum(found[name] for name in DELIVERIES)
    return {"written": written, "handed_over": sum(found[name] for name in TAKEN), **found}
