"""How the messages of a campaign are counted: by the database itself, with whatever changes them (DESIGN 22)."""

import pgtrigger

from campaigns.choices import DELIVERIES, MessageDirection

_PLACES = " ".join(
    f"WHEN state IN ({', '.join(repr(state.value) for state in states)}) THEN '{place}'"
    for place, states in DELIVERIES.items()
)
# Old rows are taken off and new ones added; what did not move adds up to nothing and is not written. There is no join,
# so that no kept plan is ever a bad one. The slot is the transaction's own: nobody waits for anybody.
_COUNT = """
    INSERT INTO campaigns_campaigncount (id, campaign_id, node_id, name, slot, value)
    SELECT clearline_uuid7(), m.campaign_id, m.node_id, m.channel || ':' || said.name,
           pg_current_xact_id()::text::bigint, sum(m.more)
    FROM (SELECT campaign_id, node_id, channel, state, clicked_at IS NOT NULL AS clicked,
                 answered_at IS NOT NULL AS answered, opted_out_at IS NOT NULL AS opted_out, sum(more) AS more
          FROM ({rows}) r WHERE campaign_id IS NOT NULL AND direction = '{out}'
          GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(more) <> 0) m,
         LATERAL (VALUES (CASE {places} END), (CASE WHEN clicked THEN 'clicked' END),
                         (CASE WHEN answered THEN 'answered' END),
                         (CASE WHEN opted_out THEN 'opted_out' END)) said (name)
    WHERE said.name IS NOT NULL
    GROUP BY m.campaign_id, m.node_id, m.channel, said.name
    HAVING sum(m.more) <> 0
    ON CONFLICT (campaign_id, node_id, name, slot)
    DO UPDATE SET value = campaigns_campaigncount.value + excluded.value;
    RETURN NULL;"""
_ROWS = """
        SELECT campaign_id, node_id, channel, direction, state, clicked_at, answered_at, opted_out_at, {more} AS more
        FROM {table}"""


def tallied() -> list[pgtrigger.Trigger]:
    """Keep the numbers of deliveries true, whoever writes messages, in the same transaction.

    Of each campaign, node and channel: how many messages there are in each of ``choices.DELIVERIES``, and how many were
    ``clicked``, ``answered`` and ``opted_out`` of.
    """
    added, gone = _ROWS.format(more="1", table="new_rows"), _ROWS.format(more="-1", table="old_rows")
    return [
        _trigger("tally_insert", pgtrigger.Insert, pgtrigger.Referencing(new="new_rows"), added),
        _trigger(
            "tally_update", pgtrigger.Update, pgtrigger.Referencing(old="old_rows", new="new_rows"),
            f"{added} UNION ALL {gone}",
        ),
    ]  # fmt: skip


def _trigger(name: str, operation: pgtrigger.Operation, tables: pgtrigger.Referencing, rows: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation, referencing=tables,
        func=_COUNT.format(rows=rows, places=_PLACES, out=MessageDirection.OUTBOUND.value),
    )  # fmt: skip
