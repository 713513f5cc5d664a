"""The numbers of a campaign and of its nodes: added up in slots, so that nobody waits for somebody else's row.

Of a campaign: ``total_contacts`` (people ever enrolled, each once), ``enriched_contacts`` (of those, with a number and
an e-mail address when they were enrolled), ``emails_generated``, ``state:STATE`` and ``status:ID`` (in it now). Of a
node: ``arrived``, ``held`` (there now), ``passed``, ``skipped`` (not done: another channel was asked for), ``blocked``.

Of messages, by node (of none: with the campaign) and counted by the database itself whenever one changes, see
``models.tallies``: ``CHANNEL:PLACE`` for each of ``choices.DELIVERIES``, ``CHANNEL:clicked``, ``CHANNEL:answered`` and
``CHANNEL:opted_out``.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import orjson
from django.db.models import Sum

from campaigns.models import Campaign, CampaignCount
from campaigns.models.campaigns import LAST_SLOT
from config.kernel import prepared
from config.kernel.transactions import atomic_with_retries

SLOTS: Final = LAST_SLOT  # 0 to 15: of those who add here
Counted = tuple[UUID | None, str]  # node or None, name

_ADD = """
    INSERT INTO campaigns_campaigncount (id, campaign_id, node_id, name, slot, value)
    SELECT clearline_uuid7(), %(campaign)s, c.node, c.name, pg_backend_pid() %% %(slots)s::int, c.value
    FROM json_to_recordset(%(counts)s::json) AS c (node uuid, name text, value bigint)
    ORDER BY c.node, c.name
    ON CONFLICT (campaign_id, node_id, name, slot)
    DO UPDATE SET value = campaigns_campaigncount.value + excluded.value"""

# Rows that somebody else folds at this moment are left to them.
_FOLD = """
    WITH gone AS (
        DELETE FROM campaigns_campaigncount WHERE id IN (
            SELECT id FROM campaigns_campaigncount WHERE slot > %(last)s ORDER BY slot LIMIT %(limit)s
            FOR UPDATE SKIP LOCKED)
        RETURNING campaign_id, node_id, name, value),
    kept AS (
        INSERT INTO campaigns_campaigncount (id, campaign_id, node_id, name, slot, value)
        SELECT clearline_uuid7(), g.campaign_id, g.node_id, g.name, %(last)s, sum(g.value)
        FROM gone g GROUP BY g.campaign_id, g.node_id, g.name ORDER BY g.campaign_id, g.node_id, g.name
        ON CONFLICT (campaign_id, node_id, name, slot)
        DO UPDATE SET value = campaigns_campaigncount.value + excluded.value)
    SELECT count(*) FROM gone"""


def add(*, campaign: UUID, counts: Mapping[Counted, int]) -> None:
    """Add to these numbers, as the last thing of a transaction."""
    rows = [{"node": node, "name": name, "value": more} for (node, name), more in counts.items() if more]
    if rows:
        prepared.run(_ADD, {"campaign": campaign, "slots": SLOTS, "counts": orjson.dumps(rows).decode()})


@atomic_with_retries
def fold(*, limit: int = 20_000) -> int:
    """Add up what single transactions have counted, so that few rows are read; return how many were. No sum changes."""
    return int(prepared.rows(_FOLD, {"last": LAST_SLOT, "limit": limit})[0][0])


def numbers(campaign: Campaign) -> dict[str, int]:
    """Return every number of the campaign itself by its name."""
    return _sums(campaign).get(None, {})


def by_node(campaign: Campaign) -> dict[UUID, dict[str, int]]:
    """Return the numbers of its nodes."""
    return {node: told for node, told in _sums(campaign).items() if node is not None}


def _sums(campaign: Campaign) -> dict[UUID | None, dict[str, int]]:
    rows = CampaignCount.objects.filter(campaign=campaign).values_list("node", "name").annotate(sum=Sum("value"))
    found: dict[UUID | None, dict[str, int]] = {}
    for node, name, value in rows.order_by("node", "name"):
        found.setdefault(node, {})[name] = value
    return found
