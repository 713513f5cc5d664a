"""How many pairs each rule keeps from the queue: counted by a worker, in one pass, into a row that knows its age."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Case, Q, Value, When

from calls.models import Waterfall
from calls.rules import opening
from config.kernel import clock
from config.kernel.gate import Asked, Rule, gate
from crm.choices import Channel
from crm.models import ContactPoint, Project, ProjectContact

LOOKED_AT = timedelta(days=1)


def count_all(*, at: datetime) -> None:
    """Count over all projects, and over each project whose waterfall somebody looked at in the last day."""
    count(project=None, at=at)
    for row in Waterfall.objects.filter(project__isnull=False, asked_at__gt=at - LOOKED_AT).select_related("project"):
        count(project=row.project, at=at)


def ask(*, project: Project | None, at: datetime) -> Waterfall:
    """Return the last count; where there is none yet, leave a wish for one that the next ring of the bell grants."""
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


Combination = tuple[tuple[bool, ...], tuple[bool, ...], int]


def _combinations(project: Project | None, of_pairs: list[Any], of_points: list[Any]) -> list[Combination]:
    """Return every combination of answers with the number of pairs that have it.

    First come the pair rules; then, for each number rule, whether it alone leaves no number, and whether it leaves
    none together with those before it. PostgreSQL judges each pair and each point once, and groups.
    """
    pairs = ProjectContact.objects.filter(project=project) if project else ProjectContact.objects.all()
    points = ContactPoint.objects.reaching(Channel.CALL)
    if project:
        points = points.filter(contact__pairs__project=project)
    p = [f"p{index}" for index in range(len(of_pairs))]
    n = [f"n{index}" for index in range(len(of_points))]
    pair_sql, pair_params = _flags(pairs, dict(zip(p, (blocked for _, blocked in of_pairs), strict=True)), "contact_id")
    point_sql, point_params = _flags(
        points, dict(zip(n, (blocked for _, blocked in of_points), strict=True)), "contact_id"
    )
    alone = [f"bool_and({name}) AS a{index}" for index, name in enumerate(n)]
    chained = [f"bool_and({' OR '.join(n[: index + 1])}) AS c{index}" for index in range(len(n))]
    names = [*p, *(f"coalesce(a{i}, true)" for i in range(len(n))), *(f"coalesce(c{i}, true)" for i in range(len(n)))]
    sql = f"""
        WITH pairs AS MATERIALIZED ({pair_sql}),
             judged AS MATERIALIZED ({point_sql}),
             points AS MATERIALIZED (SELECT contact_id, {", ".join([*alone, *chained])} FROM judged GROUP BY contact_id)
        SELECT {", ".join(names)}, count(*) FROM pairs LEFT JOIN points USING (contact_id)
        GROUP BY {", ".join(str(index + 1) for index in range(len(names)))}"""  # noqa: S608 - made of our own names
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', '64MB', true)")
        cursor.execute(sql, [*pair_params, *point_params])
        rows = cursor.fetchall()
    return [(row[: len(p)], row[len(p) : -1], row[-1]) for row in rows]


def _flags(rows: Any, rules: dict[str, Q], key: str) -> tuple[str, tuple[Any, ...]]:
    told = {name: Case(When(blocked, then=Value(True)), default=False, output_field=BooleanField())
            for name, blocked in rules.items()}  # fmt: skip
    sql, params = rows.order_by().annotate(**told).values(key, *rules).query.sql_with_params()
    return sql, params


def _tally(
    combinations: list[Combination], of_pairs: list[Rule], of_points: list[Rule]
) -> tuple[list[dict[str, Any]], int]:
    size = len(of_points)
    blocks, first, left = [0] * (len(of_pairs) + size), [0] * (len(of_pairs) + size), 0
    for pair_flags, number_flags, number in combinations:
        alone, chained = number_flags[:size], number_flags[size:]
        answers = (*pair_flags, *alone)
        for index, blocked in enumerate(answers):
            blocks[index] += number if blocked else 0
        lost = next((index for index, blocked in enumerate((*pair_flags, *chained)) if blocked), None)
        if lost is None:
            left += number
        else:
            first[lost] += number
    rules = [
        {"code": rule.code, "level": rule.level.value, "blocks": blocks[index], "first": first[index]}
        for index, rule in enumerate([*of_pairs, *of_points])
    ]
    return rules, left
