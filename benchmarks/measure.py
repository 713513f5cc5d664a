"""Fair comparisons: ours and the yardstick take turns in one run, medians and spread are shown, nothing is asserted."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. ``ours`` and ``yardstick`` are medians in ``unit``; ``spread`` is min..max of ours.

    ``ratio`` is ours to the yardstick; ``budget`` says in words what it should be.
    """

    name: str
    ours: float
    yardstick: float | None
    unit: str
    ratio: float | None
    budget: str
    spread: str


def taking_turns(
    ours: Callable[[], Any], yardstick: Callable[[], Any], *, runs: int = 7
) -> tuple[list[float], list[float]]:
    """Run both alternately, once for warmth and ``runs`` times for the record; return the seconds of each."""
    ours(), yardstick()
    mine, theirs = [], []
    for _ in range(runs):
        mine.append(seconds(ours))
        theirs.append(seconds(yardstick))
    return mine, theirs


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def backend_seconds() -> float:
    """CPU of our PostgreSQL backend so far, if it runs on this machine; nothing is known of another one's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slower(name: str, mine: list[float], theirs: list[float] | None, *, budget: str) -> Result:
    """A result in milliseconds, where less is better; the ratio is how many times slower ours is."""
    ours, yardstick = statistics.median(mine) * 1000, statistics.median(theirs) * 1000 if theirs else None
    ratio = ours / yardstick if yardstick else None
    return Result(name, ours, yardstick, "ms", ratio, budget, f"{min(mine) * 1000:.1f}..{max(mine) * 1000:.1f}")


def faster(name: str, mine: list[float], theirs: list[float] | None, *, amount: int, unit: str, budget: str) -> Result:
    """A result as a rate, where more is better; the ratio is our share of the yardstick's rate."""
    rates = sorted(amount / taken for taken in mine)
    ours = statistics.median(rates)
    yardstick = statistics.median(amount / taken for taken in theirs) if theirs else None
    ratio = ours / yardstick if yardstick else None
    return Result(name, ours, yardstick, unit, ratio, budget, f"{rates[0]:,.0f}..{rates[-1]:,.0f}")
