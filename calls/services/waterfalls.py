"""How many pairs each rule keeps from the queue: counted by a worker, in one question, into a row that knows its age.

Every rule is asked for what it blocks, as a WHERE of its own: PostgreSQL then joins the few rows behind a rule, where
a flag on each pair would probe them a million times.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import BigIntegerField, Q, QuerySet, Value

from calls.models import Waterfall
from calls.rules import opening
from config.kernel import clock
from config.kernel.gate import Asked, Rule, gate
from crm.choices import Channel
from crm.models import ContactPoint, Project, ProjectContact

LOOKED_AT, WISH = timedelta(days=1), timedelta(hours=1)

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


@transaction.atomic
def count(*, project: Project | None, at: datetime) -> Waterfall:
    """Count now, and keep the result.

    ``blocks`` of a rule is how many pairs it blocks, whatever else does; ``first`` how many no earlier rule blocks.
    A number rule blocks a pair when it leaves none of its numbers.
    """
    began = clock.monotonic()
    asked = Asked(at=at, channel=Channel.CALL.value, wide=True)
    opening.book()
    of_pairs, of_points = gate.exclusions(asked, endpoints=False), gate.exclusions(asked, endpoints=True)
    combinations = _combinations(project, of_pairs, of_points)
    rules, left = _tally(combinations, [rule for rule, _ in of_pairs], [rule for rule, _ in of_points])
    total = sum(number for _, _, number in combinations)
    counted = {"at": at, "pairs": total, "callable": left, "rules": rules, "seconds": clock.monotonic() - began}
    row, _ = Waterfall.objects.update_or_create(
        project=project, defaults=counted, create_defaults={**counted, "asked_at": at}
    )
    return row


def _combinations(project: Project | None, of_pairs: Ruled, of_points: Ruled) -> list[Combination]:
    """Return (answers of the pair rules, answers of the number rules, how many pairs have these).

    Answers are bits. Pair rule i sets bit i. Of n number rules, rule i sets bit i of a point, and the bits n+i and
    above: there stands whether any rule *up to* that place blocks it. What all points of a person have in common are
    then the rules that leave them no number, each alone and together with those before it.
    """
    pairs, points = ProjectContact.objects.all(), ContactPoint.objects.reaching(Channel.CALL)
    if project:
        pairs, points = pairs.filter(project=project), points.filter(contact__pairs__project=project)
    size = len(of_points)
    every = (1 << 2 * size) - 1
    number_bits = [1 << place | (every >> size + place) << size + place for place in range(size)]
    every_pair, every_point = _keys(pairs), _keys(points)
    blocked_pairs = _blocked(pairs, of_pairs, [1 << place for place in range(len(of_pairs))])
    blocked_points = _blocked(points, of_points, number_bits)
    sql = f"""
        SELECT coalesce(blocked.bits, 0), coalesce(numbers.bits, {every}), count(*)
        FROM ({every_pair[0]}) pairs (id, contact_id)
        LEFT JOIN ({blocked_pairs[0]}) blocked USING (id)
        LEFT JOIN (
            SELECT contact_id, bit_and(coalesce(bits, 0)) AS bits
            FROM ({every_point[0]}) points (id, contact_id) LEFT JOIN ({blocked_points[0]}) b USING (id)
            GROUP BY contact_id
        ) numbers USING (contact_id)
        GROUP BY 1, 2"""  # noqa: S608 - made of our own names
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)")
        cursor.execute(sql, [*every_pair[1], *blocked_pairs[1], *every_point[1], *blocked_points[1]])
        found: list[Combination] = cursor.fetchall()
    return found


def _keys(rows: QuerySet[Any]) -> Sql:
    return rows.order_by().values("pk", "contact_id").query.sql_with_params()


def _blocked(rows: QuerySet[Any], rules: Ruled, bits: Sequence[int]) -> Sql:
    """Return the question for the keys of all ``rows`` that some rule blocks, with the bits of every rule that does."""
    told, params = ["SELECT NULL::uuid, 0::bigint WHERE false"], []
    for (_, blocked), value in zip(rules, bits, strict=True):
        for alternative in _alternatives(blocked):
            found = rows.filter(alternative).order_by().annotate(bits=Value(value, BigIntegerField()))
            try:
                sql, its_params = found.values("pk", "bits").query.sql_with_params()
            except EmptyResultSet:
                continue
            told.append(sql)
            params.extend(its_params)
    union = " UNION ALL ".join(told)
    return f"SELECT id, bit_or(bits) AS bits FROM ({union}) told (id, bits) GROUP BY id", tuple(params)  # noqa: S608


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
