"""Facts about many approaches in one statement, so that a decision costs the same few questions whatever it needs."""

from collections.abc import Sequence
from typing import Any

from config.kernel import prepared
from config.kernel.gate import Approach, Fact

_APPROACHES = """
    unnest(%(contacts)s::uuid[], %(projects)s::uuid[], %(pairs)s::uuid[], %(endpoints)s::uuid[])
    WITH ORDINALITY AS a (contact_id, project_id, pair_id, endpoint_id, place)"""


def gather(sql: str, approaches: Sequence[Approach], **more: Any) -> list[dict[str, Fact]]:
    """Return one dictionary per approach, in their order: the row that ``sql`` gives for it, by name of column.

    ``{approaches}`` in ``sql`` stands for a table ``a`` of them, which it has to order by ``a.place``; every approach
    must keep its row (LEFT JOIN). ``more`` are its other parameters.
    """
    if not approaches:
        return []
    params = {
        "contacts": [approach.contact_id for approach in approaches],
        "projects": [approach.project_id for approach in approaches],
        "pairs": [approach.pair_id for approach in approaches],
        "endpoints": [approach.endpoint_id for approach in approaches],
        **more,
    }
    return prepared.named(sql.replace("{approaches}", _APPROACHES), params)
