"""How many pairs each rule keeps from the queue: counted by a worker, in one question, into a row that knows its age.

Every rule is asked for what it blocks, as a WHERE of its own: PostgreSQL then joins the few rows behind a rule, where
a flag on each pair would probe them a million times.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, Q, QuerySet, Value

from calls.models import Waterfall
from calls.rules import opening
from config.kernel import clock
from config.kernel.gate import Asked, Rule, gate
from config.kernel.replica import may_be_old
from crm.choices import Channel
from crm.models import ContactPoint, Project, ProjectContact

LOOKED_AT, WISH = timedelta(days=1), timedelta(hours=1)

# Sums fit into memory. PostgreSQL believes that they have few groups, and would sort all rows instead.
_SETTINGS = ", ".join(
    f"set_config('{name}', '{value}', true)"
    for name, value in {"work_mem": "64MB", "jit": "off", "enable_sort": "off"}.items()
)

Ruled = Sequence[tuple[Rule, Q]]
Sql = tuple[str, tuple[Any, ...]]
Combination = tuple[int, int, int]


def count_all(*, at: datetime) -> None:
    """Count over all projects, and over each project whose waterfall somebody looked at in the last day."""
    count(project=None, at=at)
    for row in Waterfall.objects.filter(project__isnull=False, asked_at__gt=at - LOOKED_AT).select_related("project"):
        count(project=row.project, at=at)


def ask(*, project: Project | None, at: datetime) -> Waterfall:
    """Return the last count, and leave a wish, once an hour, that the next ring of the bell grants."""
    row = Waterfall.objects.filter(project=project).first()
    if row is None or row.asked_at < at - WISH:
        row, _ = Waterfall.objects.update_or_create(project=project, defaults={"asked_at": at})
    return row


def count(*, project: Project | None, at: datetime) -> Waterfall:
    """Count now, from the replica where there is one, and keep the result.

    ``blocks`` of a rule is how many pairs it blocks, whatever else does; ``first`` how many no earlier rule blocks.
    A number rule blocks a pair when it leaves none of its numbers.
    """
    began = clock.monotonic()
    counted = {"at": at, **_count(project, at), "seconds": clock.monotonic() - began}
    row, _ = Waterfall.objects.update_or_create(
        project=project, defaults=counted, create_defaults={**counted, "asked_at": at}
    )
    return row


@may_be_old
def _count(project: Project | None, at: datetime) -> dict[str, Any]:
    asked = Asked(at=at, channel=Channel.CALL.value, wide=True)
    opening.book()
    of_pairs, of_points = gate.exclusions(asked, endpoints=False), gate.exclusions(asked, endpoints=True)
    combinations = _combinations(project, of_pairs, of_points)
    rules, left = _tally(combinations, [rule for rule, _ in of_pairs], [rule for rule, _ in of_points])
    return {"pairs": sum(number for _, _, number in combinations), "callable": left, "rules": rules}


def _combinations(project: Project | None, of_pairs: Ruled, of_points: Ruled) -> list[Combination]:
    """Return (answers of the pair rules, answers of the number rules, how many pairs have these).

    Answers are bits. Pair rule i sets bit i. Of n number rules, rule i sets bit i of a point, and the bits n+i and
    above: there stands whether any rule *up to* that place blocks it. What all points of a person have in common are
    then the rules that leave them no number, each alone and together with those before it.
    """
    pairs, points = ProjectContact.objects.all(), ContactPoint.objects.reaching(Channel.CALL)
    if project:
        pairs = pairs.filter(project=project)
        points = points.filter(contact__in=pairs.order_by().values("contact"))
    size, followed = len(of_points), _followers(of_pairs, of_points)
    every = (1 << 2 * size) - 1
    asked = [(blocked, 1 << i) for i, (_, blocked) in enumerate(of_pairs) if i not in followed]
    asked_of_points = [(blocked, 1 << i | (every >> size + i) << size + i) for i, (_, blocked) in enumerate(of_points)]
    parts = {
        "every_pair": _keys(pairs),
        "every_point": _keys(points),
        "blocked_points": _blocked(points, asked_of_points, ["pk", "contact_id"]),
        "blocked_pairs": _blocked(pairs, asked, ["pk"]),
    }
    sql = _COMBINATIONS.format(every=every, **{name: text for name, (text, _) in parts.items()})
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_SETTINGS}")
        cursor.execute(sql, [param for _, params in parts.values() for param in params])
        *found, (_, _, total) = cursor.fetchall()
    found = [(_with_followers(pair, number, followed), number, times) for pair, number, times in found]
    return [*found, (0, 0, total - sum(times for _, _, times in found))]


# Whoever has a point that nothing blocks loses nothing to the number rules: only the others are looked at, and only
# pairs that lose anything at all. The last row is how many pairs there are.
_COMBINATIONS = """
    WITH pairs (id, contact_id) AS NOT MATERIALIZED ({every_pair}),
         points (id, contact_id) AS NOT MATERIALIZED ({every_point}),
         bad AS MATERIALIZED (
             SELECT id, contact_id, bit_or(bits) AS bits FROM ({blocked_points}) told (id, contact_id, bits)
             GROUP BY 1, 2),
         numberless AS (
             SELECT pairs.id, 0::bigint, coalesce(numbers.bits, {every}) FROM pairs
             LEFT JOIN (SELECT contact_id, bit_and(bits) AS bits FROM bad GROUP BY 1) numbers USING (contact_id)
             WHERE NOT EXISTS (SELECT 1 FROM points LEFT JOIN bad USING (id)
                               WHERE bad.id IS NULL AND points.contact_id = pairs.contact_id)),
         told (id, pair_bits, number_bits) AS (
             SELECT id, bits, 0::bigint FROM ({blocked_pairs}) blocked (id, bits)
             UNION ALL SELECT * FROM numberless)
    SELECT pair_bits, number_bits, count(*)
    FROM (SELECT bit_or(pair_bits) AS pair_bits, bit_or(number_bits) AS number_bits FROM told GROUP BY id) each
    GROUP BY 1, 2
    UNION ALL SELECT NULL, NULL, count(*) FROM pairs"""


def _followers(of_pairs: Ruled, of_points: Ruled) -> dict[int, int]:
    """Return the places of pair rules that need not be asked, each with the place of the number rule that it follows:
    it blocks those to whom that one leaves no number."""
    places = {rule.code: place for place, (rule, _) in enumerate(of_points)}
    follows = ((index, getattr(rule, "follows", "")) for index, (rule, _) in enumerate(of_pairs))
    return {index: places[code] for index, code in follows if code in places}


def _with_followers(pair_bits: int, number_bits: int, followed: Mapping[int, int]) -> int:
    for index, place in followed.items():
        pair_bits |= (number_bits >> place & 1) << index
    return pair_bits


def _keys(rows: QuerySet[Any]) -> Sql:
    return rows.order_by().values("pk", "contact_id").query.sql_with_params()


def _blocked(rows: QuerySet[Any], rules: Sequence[tuple[Q, int]], keys: Sequence[str]) -> Sql:
    """Return the question for the ``keys`` of all ``rows`` that some rule blocks, with the bits of each that does."""
    told, params = [], []
    for blocked, value in rules:
        for alternative in _alternatives(blocked):
            found = rows.filter(alternative).order_by().annotate(bits=Value(value, BigIntegerField()))
            try:
                sql, its_params = found.values(*keys, "bits").query.sql_with_params()
            except EmptyResultSet:
                continue
            told.append(sql)
            params.extend(its_params)
    return " UNION ALL ".join(told or [f"SELECT {'NULL::uuid, ' * len(keys)} 0::bigint WHERE false"]), tuple(params)


def _alternatives(condition: Q) -> Iterator[Q]:
    """Yield conditions of which at least one holds where ``condition`` does: "a or b" and "(a or b) and c" in parts.

    An OR between two tables makes PostgreSQL join all rows of both before it can say no; its parts find theirs alone.
    """
    parts = [part if isinstance(part, Q) else Q(part) for part in condition.children]
    splits = [part for part in parts if part.connector == Q.OR and len(part.children) > 1 and not part.negated]
    if condition.negated:
        yield condition
    elif condition.connector == Q.OR and len(parts) > 1:
        for part in parts:
            yield from _alternatives(part)
    elif splits:
        others = [part for part in parts if part is not splits[0]]
        for choice in splits[0].children:
            yield Q(choice, *others)
    else:
        yield condition


def _tally(
    combinations: Sequence[Combination], of_pairs: Sequence[Rule], of_points: Sequence[Rule]
) -> tuple[list[dict[str, Any]], int]:
    pair_rules, number_rules = len(of_pairs), len(of_points)
    blocks, first, left = [0] * (pair_rules + number_rules), [0] * (pair_rules + number_rules), 0
    for pair_bits, number_bits, number in combinations:
        together = number_bits >> number_rules
        alone = pair_bits | (number_bits ^ together << number_rules) << pair_rules
        for index in _places(alone):
            blocks[index] += number
        lost = next(_places(pair_bits | together << pair_rules), None)
        if lost is None:
            left += number
        else:
            first[lost] += number
    rules = [
        {"code": rule.code, "level": rule.level.value, "blocks": blocks[index], "first": first[index]}
        for index, rule in enumerate([*of_pairs, *of_points])
    ]
    return rules, left


def _places(bits: int) -> Iterator[int]:
    """Yield the places of the bits that are set, the lowest first."""
    return (place for place in range(bits.bit_length()) if bits >> place & 1)
