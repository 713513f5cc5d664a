"""Keeps the hints of pairs true enough: when a pair may next be callable, and in which profile its best number lies.

A hint is a column that lets the queue walk an index instead of judging a million pairs (DESIGN 12). It is computed
here alone, in one statement per batch, from the same rows that the rules read. It may be stale: whoever leases or
dials proves the rest. ``callable_from`` is NULL where something stands that does not end by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from calls.rules.policies import DAY, WEEK, Policy
from config.kernel import prepared
from config.kernel.transactions import at_the_end, joining
from crm.models import HoursProfile, ProjectContact

BATCH, FEW = 20_000, 100
FIRST = UUID(int=0)

# The parts follow crm.rules and calls.rules: what has no end makes NULL, what ends is a term of the greatest().
# Materialized: PostgreSQL would else compute every moment twice, to compare it and to write it down.
_FRESH = """
WITH everybody AS MATERIALIZED (
    SELECT coalesce(p.cooldown, %(cooldown)s::interval) AS cooldown, coalesce(p.day_cap, %(day_cap)s) AS day_cap,
           coalesce(p.week_cap, %(week_cap)s) AS week_cap, coalesce(p.cooldown_scope, %(scope)s) = 'pair' AS by_pair,
           (SELECT h.id FROM crm_hoursprofile h WHERE h.key = '') AS unknown
    FROM (SELECT) one LEFT JOIN calls_callingpolicy p ON p.project_id IS NULL
), fresh AS MATERIALIZED (
    SELECT pc.id,
           coalesce(best.hours_profile_id, everybody.unknown) AS hours_profile_id,
           touched.newest[1] AS last_touch_at,
           CASE WHEN c.deleted_at IS NOT NULL OR p.deleted_at IS NOT NULL OR c.do_not_call OR p.call_suppressed
                     OR pc.suppress_for_project OR best.usable_from IS NULL OR closed.for_ever
                THEN NULL
                ELSE greatest(
                    %(beginning)s::timestamptz, best.usable_from, closed.until, p.next_call_eligible_at,
                    CASE WHEN cool.last_call IS NOT NULL THEN
                        least(cool.last_call + greatest(everybody.cooldown, own.cooldown),
                              CASE WHEN pc.callback_at > cool.last_call THEN pc.callback_at END) END,
                    touched.newest[least(everybody.day_cap, own.day_cap)] + %(day)s::interval,
                    touched.newest[least(everybody.week_cap, own.week_cap)] + %(week)s::interval)
           END AS callable_from,
           pc.hours_profile_id AS old_profile, pc.last_touch_at AS old_touch, pc.callable_from AS old_from
    FROM crm_projectcontact pc
    CROSS JOIN everybody
    JOIN crm_contact c ON c.id = pc.contact_id
    JOIN crm_project p ON p.id = pc.project_id
    LEFT JOIN calls_callingpolicy own ON own.project_id = pc.project_id
    LEFT JOIN LATERAL (
        SELECT array_agg(t.at) AS newest FROM (
            SELECT t.at FROM crm_touch t WHERE t.contact_id = pc.contact_id AND t.counts
            ORDER BY t.at DESC LIMIT greatest(everybody.day_cap, everybody.week_cap)
        ) t
    ) touched ON true
    LEFT JOIN LATERAL (
        SELECT t.at AS last_call FROM crm_touch t
        WHERE t.contact_id = pc.contact_id AND t.counts AND t.channel = 'call'
          AND (t.project_id = pc.project_id OR NOT everybody.by_pair
               OR coalesce(own.cooldown_scope, 'pair') <> 'pair')
          AND NOT EXISTS (SELECT 1 FROM crm_contactpoint w WHERE w.contact_id = t.contact_id
                          AND w.endpoint_id = t.endpoint_id AND w.state = 'wrong_person')
        ORDER BY t.at DESC LIMIT 1
    ) cool ON true
    LEFT JOIN LATERAL (
        SELECT bool_or(s.until IS NULL) AS for_ever, max(s.until) AS until FROM (
            SELECT t.until FROM calls_terminalsession t
            WHERE t.scope = 'contact' AND t.contact_id = pc.contact_id AND t.lifted_at IS NULL
            UNION ALL
            SELECT t.until FROM calls_terminalsession t
            WHERE t.scope = 'project' AND t.project_id = pc.project_id AND t.lifted_at IS NULL
            UNION ALL
            SELECT t.until FROM calls_terminalsession t
            WHERE t.scope = 'pair' AND t.pair_id = pc.id AND t.lifted_at IS NULL
        ) s
    ) closed ON true
    LEFT JOIN LATERAL (
        SELECT e.hours_profile_id, u.usable_from
        FROM crm_contactpoint cp
        JOIN crm_endpoint e ON e.id = cp.endpoint_id
        LEFT JOIN LATERAL (
            SELECT bool_or(s.until IS NULL) AS for_ever, max(s.until) AS until FROM calls_terminalsession s
            WHERE s.scope = 'endpoint' AND s.endpoint_id = e.id AND s.lifted_at IS NULL
        ) shut ON true
        CROSS JOIN LATERAL (
            SELECT greatest(%(beginning)s::timestamptz, e.failed_until, shut.until) AS usable_from
        ) u
        WHERE cp.contact_id = pc.contact_id AND cp.kind = 'phone' AND cp.state = 'good'
          AND shut.for_ever IS NOT TRUE
          AND NOT EXISTS (SELECT 1 FROM crm_suppression x
                          WHERE x.endpoint_id = e.id AND x.lifted_at IS NULL AND x.channel IN ('', 'call'))
        ORDER BY greatest(u.usable_from, %(at)s::timestamptz), cp.is_primary DESC, cp.verified_at DESC NULLS LAST, cp.id
        LIMIT 1
    ) best ON true
    WHERE pc.id = ANY(%(pairs)s::uuid[])
), moved AS (
    SELECT * FROM fresh
    WHERE (callable_from, hours_profile_id, last_touch_at) IS DISTINCT FROM (old_from, old_profile, old_touch)
)
"""
_STALE = f"{_FRESH} SELECT id FROM moved"  # noqa: S608 - made of our own words, as are the next
_REFRESH = f"""{_FRESH}
UPDATE crm_projectcontact pc
SET callable_from = moved.callable_from, hours_profile_id = moved.hours_profile_id, last_touch_at = moved.last_touch_at
FROM moved
WHERE moved.id = pc.id AND pc.id = ANY(%(pairs)s::uuid[])
"""  # noqa: S608 - our own words, as above
# The pairs that are named by themselves, by their contact, their project or a line of their contact.
_NAMED = """
    SELECT unnest(%(pairs)s::uuid[]) AS id
    UNION ALL SELECT p.id FROM crm_projectcontact p WHERE p.contact_id = ANY(%(contacts)s::uuid[])
    UNION ALL SELECT p.id FROM crm_projectcontact p WHERE p.project_id = ANY(%(projects)s::uuid[])
    UNION ALL SELECT p.id FROM crm_contactpoint cp JOIN crm_projectcontact p ON p.contact_id = cp.contact_id
              WHERE cp.endpoint_id = ANY(%(endpoints)s::uuid[])"""
# An array, not a join: PostgreSQL plans this once, for arrays of ten, and of ten projects it expects so many pairs that
# it would walk over all there are in the order of their ids.
_LOCKED = f"""
    SELECT pc.id, EXISTS (SELECT 1 FROM crm_hoursprofile h WHERE h.key = '') FROM crm_projectcontact pc
    WHERE pc.id = ANY(ARRAY({_NAMED})) ORDER BY pc.id LIMIT %(most)s FOR NO KEY UPDATE OF pc"""  # noqa: S608 - our own words
_FURTHER = f"SELECT DISTINCT n.id FROM ({_NAMED}) n WHERE n.id > %(after)s ORDER BY n.id"  # noqa: S608 - ours too
NOBODY: dict[str, list[UUID]] = {"pairs": [], "contacts": [], "projects": [], "endpoints": []}


def refresh(
    *,
    at: Any,
    pair_ids: Iterable[UUID] = (),
    contact_ids: Iterable[UUID] = (),
    project_ids: Iterable[UUID] = (),
    endpoint_ids: Iterable[UUID] = (),
) -> int:
    """Compute the hints of these pairs, and of every pair of these contacts, projects and lines; return how many moved.

    Inside a verb that is done once, as its last step, and nought is returned: pairs are locked after everything else
    and in the order of their ids (DESIGN 13).
    """
    named = {"pairs": pair_ids, "contacts": contact_ids, "projects": project_ids, "endpoints": endpoint_ids}
    return at_the_end(_refresh_named, [(kind, key, at) for kind, keys in named.items() for key in keys]) or 0


def _refresh_named(named: set[tuple[str, UUID, Any]]) -> int:
    if not named:
        return 0
    at = max(moment for *_, moment in named)
    keys = {kind: [key for of, key, _ in named if of == kind] for kind in NOBODY}
    moved, last = _refresh(keys, at)
    further = [key for (key,) in prepared.rows(_FURTHER, {**keys, "after": last})] if last else []
    batches = [further[start : start + BATCH] for start in range(0, len(further), BATCH)]
    return moved + sum(_refresh({**NOBODY, "pairs": batch}, at)[0] for batch in batches)


@joining
def _refresh(named: Mapping[str, list[UUID]], at: Any) -> tuple[int, UUID | None]:
    """Lock the first twenty thousand of these pairs and compute their hints; return how many moved, and the last pair
    where there may be more."""
    found = prepared.rows(_LOCKED, {**named, "most": BATCH})
    if not found:
        return 0, None
    if not found[0][1]:  # the profile of numbers of which nothing is known is made when it is first needed
        HoursProfile.objects.get_or_create(key="")
    pairs = [key for key, _ in found]
    return _run(_REFRESH, pairs, at), pairs[-1] if len(pairs) == BATCH else None


def _run(sql: str, pairs: list[UUID], at: Any) -> int:
    """Many are planned anew: a plan that is kept is one for a few."""
    if len(pairs) <= FEW:
        return prepared.run(sql, _facts(pairs, at))
    with connection.cursor() as cursor:
        cursor.execute(sql, _facts(pairs, at))
        return int(cursor.rowcount)


def _stale(pairs: Sequence[UUID], at: Any) -> list[UUID]:
    """Return which of ``pairs`` have hints that would move; locks nothing."""
    if not pairs:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_STALE, _facts(pairs, at))
        return [key for (key,) in cursor.fetchall()]


def _facts(pairs: Sequence[UUID], at: Any) -> dict[str, Any]:
    terms = Policy()  # of whom nobody has given a policy
    return {
        "pairs": list(pairs),
        "at": at,
        "beginning": "2000-01-01T00:00:00Z",
        "cooldown": terms.cooldown,
        "day": DAY,
        "day_cap": terms.day_cap,
        "week": WEEK,
        "week_cap": terms.week_cap,
        "scope": terms.scope,
    }


def refresh_all(*, at: Any) -> int:
    """Compute every pair's hints; return how many had gone stale. ``refresh_after`` says what that costs others."""
    moved = 0
    after: UUID | None = FIRST
    while after is not None:
        more, after = refresh_after(after, at=at)
        moved += more
    return moved


def refresh_after(after: UUID, *, at: Any) -> tuple[int, UUID | None]:
    """Compute the hints of the next twenty thousand pairs; return how many had gone stale, and the last pair, if any.

    Only pairs whose hints move are locked: a sweep over pairs that are right stops nobody. Pairs that never had a hint
    have no profile, not even the unknown one; they need no looking at.
    """
    pairs = ProjectContact.objects.order_by("pk").values_list("pk", "hours_profile")
    batch = list(pairs.filter(pk__gt=after)[:BATCH])
    if not batch:
        return 0, None
    stale = [pair for pair, profile in batch if profile is None]
    stale += _stale([pair for pair, profile in batch if profile is not None], at)
    return (_refresh({**NOBODY, "pairs": stale}, at)[0] if stale else 0), batch[-1][0]
