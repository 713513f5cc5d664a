"""Which way of a split somebody takes: by their weights, and the same way every time they come."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from campaigns.rules.drawings import DrawnEdge

WHOLE = 100  # what the weights of a split add up to


def way_of(edges: Sequence[DrawnEdge], *, enrollment: UUID, node: str) -> DrawnEdge:
    """Return the edge that ``enrollment`` takes at ``node``: the same for ever, whatever else happens.

    Over many enrollments the edges are taken in proportion to their weights: the first 64 bits of a SHA-256 are as good
    as a uniform draw.
    """
    digest = hashlib.sha256(enrollment.bytes + node.encode()).digest()
    drawn = int.from_bytes(digest[:8], "big") * sum(edge.condition["weight"] for edge in edges) >> 64
    for edge in edges:
        drawn -= edge.condition["weight"]
        if drawn < 0:
            return edge
    return edges[-1]
