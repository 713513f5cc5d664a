"""The queue at 100,000 and a million pairs, beside the reference SQL and the naive way."""

from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from benchmarks import world
from benchmarks.measure import Result, seconds, slower, taking_turns
from calls.models import TerminalSession
from calls.rules import opening
from calls.services import hints, queue
from calls.services.queue import Wanted
from crm.models import Project, ProjectContact, Touch, User

REFERENCE = """
    SELECT pc.id FROM {pairs} pc JOIN crm_project p ON p.id = pc.project_id JOIN crm_contact c ON c.id = pc.contact_id
    JOIN crm_contactpoint cp ON cp.contact_id = c.id JOIN crm_endpoint e ON e.id = cp.endpoint_id
    WHERE NOT pc.suppress_for_project AND NOT p.call_suppressed AND NOT c.do_not_call {project}
      AND e.hours_profile_id = ANY(%(open)s) AND pc.cooldown_until <= %(at)s
      AND NOT EXISTS (SELECT 1 FROM calls_terminalsession t
                      WHERE t.scope = 'pair' AND t.lifted_at IS NULL AND t.pair_id = pc.id)
      AND NOT EXISTS (SELECT 1 FROM calls_terminalsession t
                      WHERE t.scope = 'contact' AND t.lifted_at IS NULL AND t.contact_id = pc.contact_id)
      AND NOT EXISTS (SELECT 1 FROM calls_terminalsession t
                      WHERE t.scope = 'endpoint' AND t.lifted_at IS NULL AND t.endpoint_id = e.id)
      AND (SELECT count(*) FILTER (WHERE t.at > %(at)s - interval '25 hours') < 3 AND count(*) < 10 FROM crm_touch t
           WHERE t.contact_id = pc.contact_id AND t.counts AND t.at > %(at)s - interval '7 days')
    {tail}"""
BEST = "ORDER BY pc.priority DESC, pc.last_touch_at ASC NULLS FIRST, pc.id LIMIT 200"


def run(sizes: list[int]) -> list[Result]:
    return [result for size in sizes for result in _at(size)]


def _at(size: int) -> list[Result]:
    world.load(size, at=world.AT)
    with connection.cursor() as cursor:
        world.planner(cursor)
    hints.refresh_all(at=world.AT)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) crm_projectcontact")  # as autovacuum does, minutes after so many hints
    _reference_table()
    user, _ = User.objects.get_or_create(email="bench@clearline.example", defaults={"name": "B", "is_superuser": True})
    project = Project.objects.order_by("project_id").first()
    label = f"{size:,} pairs"
    return [
        _next(f"next 50 of one project, {label}", user, project, "median < 5 ms, p99 < 10 ms; <= 3x reference"),
        _next(f"next 50 of all projects, {label}", user, None, "< 25 ms"),
        _naive(f"the same, pair by pair (naive), {label}", user, project),
    ]


def _reference_table() -> None:
    """The reference keeps the cooldown on the pair and walks one priority index, as the yardstick does."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS ref_pair")
        cursor.execute(
            """CREATE TABLE ref_pair AS SELECT pc.id, pc.project_id, pc.contact_id, pc.priority, pc.last_touch_at,
               pc.suppress_for_project, coalesce(t.last + interval '24 hours', '-infinity') AS cooldown_until
               FROM crm_projectcontact pc
               LEFT JOIN (SELECT contact_id, max(at) AS last FROM crm_touch GROUP BY 1) t USING (contact_id)"""
        )
        columns = "priority DESC, last_touch_at ASC NULLS FIRST, id) INCLUDE (contact_id, cooldown_until"
        cursor.execute(f"CREATE INDEX ON ref_pair (project_id, {columns}) WHERE NOT suppress_for_project")
        cursor.execute(f"CREATE INDEX ON ref_pair ({columns}, project_id) WHERE NOT suppress_for_project")
        cursor.execute("VACUUM (ANALYZE) ref_pair")


def _next(name: str, user: User, project: Project | None, budget: str) -> Result:
    at, wanted = world.AT, Wanted(project=project)
    found: dict[str, list[UUID]] = {}

    def ours() -> None:
        found["ours"] = [one.pair_id for one in islice(queue.candidates(user=user, at=at, wanted=wanted), 50)]

    def reference() -> None:
        with connection.cursor() as cursor:
            where = "AND pc.project_id = %(project)s" if project else ""
            sql = REFERENCE.format(pairs="ref_pair", project=where, tail=BEST)
            cursor.execute(
                sql, {"at": at, "open": opening.book().open_ids(at, "call"), "project": project and project.pk}
            )
            found["reference"] = [key for (key,) in cursor.fetchall()]

    mine, theirs = taking_turns(ours, reference, runs=15)
    same = "same pairs" if found["ours"] == _one_per_contact(found["reference"]) else "OTHER PAIRS"
    return slower(f"{name} ({same})", mine, theirs, budget=budget)


def _one_per_contact(ids: list[UUID]) -> list[UUID]:
    contact = dict(ProjectContact.objects.filter(pk__in=ids).values_list("pk", "contact_id"))
    met: set[Any] = set()
    kept = []
    for key in ids:
        if contact[key] not in met:
            met.add(contact[key])
            kept.append(key)
    return kept[:50]


def _naive(name: str, user: User, project: Project) -> Result:
    """Flags in SQL, then up to six queries for each pair until fifty have passed: the design that people write first."""
    at = world.AT

    def passes(pair: ProjectContact) -> bool:
        closed = TerminalSession.objects.filter(lifted_at=None)
        touches = Touch.objects.filter(contact=pair.contact_id, counts=True)
        point = pair.contact.points.select_related("endpoint").first()
        return not (
            closed.filter(scope="pair", pair=pair).exists()
            or closed.filter(scope="contact", contact=pair.contact_id).exists()
            or (point and closed.filter(scope="endpoint", endpoint=point.endpoint_id).exists())
            or touches.filter(at__gt=at - timedelta(hours=24)).exists()
            or touches.filter(at__gt=at - timedelta(hours=25)).count() >= 3
            or touches.filter(at__gt=at - timedelta(days=7)).count() >= 10
        )

    def naive() -> None:
        flags = Q(suppress_for_project=False, contact__do_not_call=False, project__call_suppressed=False)
        pairs = ProjectContact.objects.filter(flags, project=project).select_related("contact")
        found = 0
        for pair in pairs.order_by("-priority", "id").iterator(chunk_size=500):
            found += passes(pair)
            if found == 50:
                return

    def ours() -> None:
        list(islice(queue.candidates(user=user, at=at, wanted=Wanted(project=project)), 50))

    mine, theirs = [seconds(ours) for _ in range(5)], [seconds(naive)]
    return slower(name, mine, theirs, budget=">= 500 times faster")
