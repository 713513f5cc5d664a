"""The waterfall and the sweep of the hints at 100,000 and a million pairs, beside the set-based count.

Both are a worker's business. The machine may be busy, so seconds of CPU stand beside the milliseconds.
"""

import resource
import statistics
from collections.abc import Callable
from typing import Any

from django.db import connection

from benchmarks import world
from benchmarks.measure import Result, backend_seconds, seconds, slower, taking_turns
from calls.rules import opening
from calls.services import hints, waterfalls
from config.kernel.gate import Asked
from crm.choices import Channel
from crm.models import Project, ProjectContact

BUDGET = "<= 1.3x the set-based count; by a worker"
COUNT = """
    WITH often AS MATERIALIZED (SELECT contact_id FROM crm_touch WHERE counts AND at > %(at)s - interval '7 days' GROUP BY 1
             HAVING count(*) FILTER (WHERE at > %(at)s - interval '25 hours') >= 3 OR count(*) >= 10),
         called AS MATERIALIZED (SELECT DISTINCT contact_id FROM crm_touch WHERE counts AND at > %(at)s - interval '24 hours')
    SELECT count(*) FROM crm_projectcontact pc
    JOIN crm_project p ON p.id = pc.project_id JOIN crm_contact c ON c.id = pc.contact_id
    JOIN crm_contactpoint cp ON cp.contact_id = c.id JOIN crm_endpoint e ON e.id = cp.endpoint_id
    WHERE NOT pc.suppress_for_project AND NOT p.call_suppressed AND NOT c.do_not_call AND e.hours_profile_id = ANY(%(open)s)
      AND NOT EXISTS (SELECT 1 FROM calls_terminalsession t
                      WHERE t.scope = 'pair' AND t.lifted_at IS NULL AND t.pair_id = pc.id)
      AND NOT EXISTS (SELECT 1 FROM calls_terminalsession t
                      WHERE t.scope = 'contact' AND t.lifted_at IS NULL AND t.contact_id = pc.contact_id)
      AND NOT EXISTS (SELECT 1 FROM calls_terminalsession t
                      WHERE t.scope = 'endpoint' AND t.lifted_at IS NULL AND t.endpoint_id = e.id)
      AND NOT EXISTS (SELECT 1 FROM often o WHERE o.contact_id = pc.contact_id)
      AND NOT EXISTS (SELECT 1 FROM called o WHERE o.contact_id = pc.contact_id) {project}"""


def run(sizes: list[int]) -> list[Result]:
    return [result for size in sizes for result in _at(size)]


def _at(size: int) -> list[Result]:
    world.load(size, at=world.AT)
    with connection.cursor() as cursor:
        world.planner(cursor)
    label = f"{size:,} pairs"
    return [
        _waterfall(f"waterfall of all pairs, {label}", None),
        _waterfall(f"waterfall of one project, {label}", Project.objects.order_by("project_id").first()),
        *_hints(label),
    ]


def _waterfall(name: str, project: Project | None) -> Result:
    """Ours takes turns with the count of callable pairs alone; both must find the same number of them, and so must the
    set face of the gate as the queue asks it."""
    found: dict[str, Any] = {}

    def ours() -> None:
        found["ours"] = waterfalls.count(project=project, at=world.AT).callable

    def count() -> None:
        where = "AND pc.project_id = %(project)s" if project else ""
        asked = {"at": world.AT, "open": opening.book().open_ids(world.AT, "call"), "project": project and project.pk}
        with connection.cursor() as cursor:
            cursor.execute(COUNT.format(project=where), asked)
            found["count"] = cursor.fetchone()[0]

    mine, theirs = taking_turns(ours, count, runs=5)
    asked = Asked(at=world.AT, channel=Channel.CALL.value, wide=True)
    pairs = ProjectContact.objects.filter(project=project) if project else ProjectContact.objects.all()
    gate = pairs.callable(asked).count()
    same = "same number" if found["ours"] == found["count"] == gate else f"OTHER NUMBER: {found}, gate {gate}"
    said = f"{same}; {_cpu(ours):.1f} s of CPU in the database against {_cpu(count):.1f}; this process {_memory()} MB"
    return slower(f"{name} ({said})", mine, theirs, budget=BUDGET)


def _hints(label: str) -> list[Result]:
    """All hints are missing at first; then all are right, and the sweep moves none of them."""
    moved: list[int] = []

    def sweep() -> None:
        moved.append(hints.refresh_all(at=world.AT))

    first = [seconds(sweep)]
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) crm_projectcontact")
    again = [seconds(sweep) for _ in range(3)]
    return [
        slower(f"hints of all pairs, the first time ({moved[0]:,} moved), {label}", first, None, budget="by a worker"),
        slower(f"sweep over right hints ({moved[-1]:,} moved; this process {_memory()} MB), {label}", again, None,
               budget="by a worker; locks nothing"),
    ]  # fmt: skip


def _cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of the database, all in one process: what parallel workers spend would not be seen."""
    spent = []
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        for _ in range(3):
            before = backend_seconds()
            work()
            spent.append(backend_seconds() - before)
        cursor.execute("RESET max_parallel_workers_per_gather")
    return statistics.median(spent)


def _memory() -> int:
    """The most memory that this process ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
