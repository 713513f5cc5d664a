"""Twenty reps who hammer "next": the whole gate under locks beside bare SKIP LOCKED claims, from as many processes.

Each rep takes the next pair and gives it back at once, so that the world does not run dry and everybody always wants
the same best pairs. A lease is the whole of it: the walk, the proof under locks with its receipt, a commit that reaches the
disk and, giving back, one that does not wait for it, two hints to the screens. Giving back is part of the time and of the CPU, except in what is told of waiting for a
lease (p50, p95, p99). The machine may be busy, so CPU stands beside: of the process that asks and of the database's.
"""

import multiprocessing
import resource
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, connections

from benchmarks import world
from benchmarks.measure import Result, backend_seconds
from calls.models import Lease
from calls.services import hints, leasing
from calls.services.leasing import NothingCallable
from crm.models import User

PROCESSES, REPS, ROUNDS = 4, 20, 5
WARM, SECONDS = 1.0, 5.0
BUDGET = ">= 0.3 of raw claims; p95 <= 50 ms; nothing held twice"
CLAIM = """
    UPDATE bench_job SET state = 1, lease_until = now() + interval '1 minute', worker = %s
    WHERE id = ANY(ARRAY(SELECT id FROM bench_job WHERE state = 0 AND due_at <= now()
                         ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED))
    RETURNING id"""


@dataclass
class Told:
    """What one process did: seconds that each claim took, CPU seconds of its threads and of their backends, and who
    held what from when to when, by the clock that all processes share."""

    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0
    backends: float = 0.0
    held: list[tuple[UUID, float, float]] = field(default_factory=list)


def run(sizes: list[int]) -> list[Result]:
    return [result for size in sizes for result in _at(size)]


def _at(size: int) -> list[Result]:
    world.load(size, at=world.AT)
    hints.refresh_all(at=world.AT)
    Lease.objects.all().delete()
    _jobs()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) crm_projectcontact")
    reps = [
        User.objects.get_or_create(email=f"rep{n}@clearline.example", defaults={"name": f"R{n}", "is_superuser": True})[
            0
        ]
        for n in range(REPS)
    ]
    label = f"{size:,} pairs"
    return [
        _compared(f"lease the next, {REPS} reps in {PROCESSES} processes, {label}", reps, PROCESSES),
        _compared(f"lease the next, one at a time, {label}", reps[:1], 1),
    ]


def _jobs() -> None:
    """The yardstick's table: half a million jobs and the one index that a claim needs."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_job")
        cursor.execute(
            """CREATE TABLE bench_job (id bigint PRIMARY KEY, state smallint NOT NULL DEFAULT 0,
               due_at timestamptz NOT NULL, lease_until timestamptz, worker int) WITH (fillfactor = 80)"""
        )
        cursor.execute(
            "INSERT INTO bench_job SELECT g, 0, now() - random() * interval '1 day' FROM generate_series(1, 500000) g"
        )
        cursor.execute("CREATE INDEX ON bench_job (due_at, id) WHERE state = 0")
        cursor.execute("VACUUM (ANALYZE) bench_job")


def _compared(name: str, reps: list[User], processes: int) -> Result:
    """Let leases and claims take turns; the first round of each is for warmth."""
    ours, raw, told = [], [], []
    for _ in range(ROUNDS + 1):
        mine, theirs = _hammer(_lease, reps, processes), _hammer(_claim, reps, processes)
        told.append(mine)
        ours.append(len(mine.seconds) / SECONDS)
        raw.append(len(theirs.seconds) / SECONDS)
    seconds = sorted(second for each in told[1:] for second in each.seconds)
    p50, p95, p99 = (1000 * seconds[int(len(seconds) * part)] for part in (0.5, 0.95, 0.99))
    cpu, backends = (
        1000 * sum(getattr(each, part) for each in told[1:]) / len(seconds) for part in ("cpu", "backends")
    )
    twice = sum(_held_twice(each.held) for each in told)
    details = f"p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms; CPU {cpu:.1f} + {backends:.1f} ms; {twice} held twice"
    rate, yardstick = statistics.median(ours[1:]), statistics.median(raw[1:])
    spread = f"{min(ours[1:]):,.0f}..{max(ours[1:]):,.0f} against {min(raw[1:]):,.0f}..{max(raw[1:]):,.0f}"
    return Result(f"{name} ({details})", rate, yardstick, "/s", rate / yardstick, BUDGET, spread)


def _hammer(work: Callable[[User, float, Told], None], reps: list[User], processes: int) -> Told:
    """Let every rep work for ``SECONDS``, in threads of so many processes, and put together what they tell."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    together = context.Barrier(len(reps))
    shares = [reps[number::processes] for number in range(processes)]
    started = [context.Process(target=_process, args=(work, share, together, answers)) for share in shares]
    for process in started:
        process.start()
    every = [answers.get() for _ in started]
    for process in started:
        process.join()
    return Told(
        [second for told in every for second in told.seconds],
        sum(told.cpu for told in every),
        sum(told.backends for told in every),
        [held for told in every for held in told.held],
    )


def _process(work: Callable[[User, float, Told], None], reps: list[User], together: Any, answers: Any) -> None:
    told = Told()
    working = [threading.Thread(target=_rep, args=(work, rep, together, told)) for rep in reps]
    for thread in working:
        thread.start()
    for thread in working:
        thread.join()
    answers.put(told)


def _rep(work: Callable[[User, float, Told], None], rep: User, together: Any, told: Told) -> None:
    """Work a second for warmth, as a server that has run for a while; then begin together with all the others."""
    connection.ensure_connection()
    work(rep, time.monotonic() + WARM, Told())
    together.wait()
    before, backend = resource.getrusage(resource.RUSAGE_THREAD), backend_seconds()
    work(rep, time.monotonic() + SECONDS, told)
    after = resource.getrusage(resource.RUSAGE_THREAD)
    told.cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told.backends += backend_seconds() - backend
    connections.close_all()


def _lease(rep: User, end: float, told: Told) -> None:
    while (asked := time.monotonic()) < end:
        try:
            lease = leasing.take_next(user=rep, at=world.AT)
        except NothingCallable:
            continue
        got = time.monotonic()
        told.seconds.append(got - asked)
        subjects: list[Any] = [lease.pair_id, lease.contact_id, lease.endpoint_id]
        told.held += [(subject, got, time.monotonic()) for subject in subjects]
        leasing.release(user=rep, at=world.AT)


def _claim(rep: User, end: float, told: Told) -> None:
    own: Any = connection.connection
    own.prepare_threshold = 5
    with psycopg.Cursor(own) as cursor:
        while (asked := time.monotonic()) < end:
            cursor.execute(CLAIM, [rep.pk.int % 1000])
            if cursor.fetchone():
                told.seconds.append(time.monotonic() - asked)


def _held_twice(held: list[tuple[UUID, float, float]]) -> int:
    """How often somebody got a pair, a person or a number while somebody else still held it."""
    twice, until = 0, dict[UUID, float]()
    for subject, since, end in sorted(held, key=lambda each: each[1]):
        twice += since < until.get(subject, 0.0)
        until[subject] = max(end, until.get(subject, 0.0))
    return twice
