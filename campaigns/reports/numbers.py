"""The numbers of a campaign as people read them: every node and every status has its own, also where it is nought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from campaigns.choices import EnrollmentState
from campaigns.models import Campaign, EnrollmentStatus, Node

OF_NODE: Final = ("arrived", "passed", "held", "skipped", "blocked", "failed")
WHOLE: Final = ("total_contacts", "enriched_contacts", "emails_generated")


@dataclass(frozen=True)
class Numbers:
    """``whole`` by name, ``states`` by state, ``funnel`` from the widest status, ``nodes`` each with its counts."""

    whole: Mapping[str, int]
    states: Mapping[str, int]
    funnel: Sequence[tuple[EnrollmentStatus, int]]
    nodes: Sequence[tuple[Node, Mapping[str, int]]] = field(default=())


def of_campaign(campaign: Campaign, numbers: Mapping[str, int], by_node: Mapping[UUID, Mapping[str, int]]) -> Numbers:
    """Put the sums of ``services.counting`` in order; retired statuses are told where somebody still has them."""
    told = {status: numbers.get(f"status:{status.pk}", 0) for status in EnrollmentStatus.objects.all()}
    return Numbers(
        whole={name: numbers.get(name, 0) for name in WHOLE},
        states={str(state): numbers.get(f"state:{state}", 0) for state in EnrollmentState.values},
        funnel=[(status, people) for status, people in told.items() if people or status.is_active],
        nodes=[(node, _of_node(by_node.get(node.pk, {}))) for node in campaign.graph.nodes.order_by("id")],
    )


def _of_node(counted: Mapping[str, int]) -> dict[str, Any]:
    return {name: counted.get(name, 0) for name in OF_NODE}
