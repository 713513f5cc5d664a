"""Nothing asks the system or PostgreSQL what time it is, but where it is said here why: all else is told ``at``."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from config.embedded import places

APPS = ("config", "crm", "calls", "campaigns", "integrations")
# They make or start servers and programs, and know nobody. What migrations run stands in modules.
NOT_OURS = {"tests", "migrations", "embedded", "supervisor", "testing"}

SQL = re.compile(
    r"\b(?:now|(?:clock|statement|transaction)_timestamp|timeofday)\s*\(\s*\)"
    r"|\b(?:current_(?:timestamp|date|time)|local(?:timestamp|time))\b"
    r"|'(?:now|today|tomorrow|yesterday)'\s*::|\b(?:timestamptz|timestamp|date)\s+'(?:now|today|tomorrow|yesterday)'"
    r"|\bage\s*\([^,()]*\)",
    re.IGNORECASE,
)
WRITTEN = re.compile(r"\bupdated_at\s*=\s*(?:clock|statement)_timestamp\(\)")  # when a row was: nobody decides by it
DJANGO = {"Now", "TransactionNow"}
# "date.today" and so on, whatever comes before; what a model sets by itself comes from Django's own clock.
PYTHON = {
    "datetime.now", "datetime.today", "datetime.utcnow", "date.today", "timezone.now", "timezone.localdate",
    "time.time", "time.time_ns", "time.gmtime", "time.ctime", "time.strftime",
}  # fmt: skip
BY_ITSELF = {"auto_now", "auto_now_add"}

ALLOWED = {
    ("config/kernel/clock.py", "time.time"): "it is the clock",
    ("config/kernel/clock.py", "datetime.now"): "it is the clock",
    ("config/kernel/database_clock.py", "clock_timestamp()"): "it is the clock that all have in common",
    ("config/kernel/ids.py", "time.time_ns"): "keys are born when they are made",
    ("config/kernel/partitions.py", "clock_timestamp()"): "keys are born when they are made",
    ("config/kernel/partitions.py", "now()"): "the months of a table begin with the one in which it is made",
    ("config/kernel/models.py", "Now"): "when a row was written, where it is written in bulk",
    ("config/kernel/models.py", "auto_now"): "when a row was written: nobody decides by it",
    ("calls/models/calls.py", "auto_now"): "when a row was written: nobody decides by it",
    ("crm/models/sources.py", "auto_now_add"): "for rows made by hand: an intake writes its own moment",
    ("config/kernel/audit.py", "clock_timestamp()"): "the audit says when it happened, whatever anybody was told",
    ("campaigns/services/drawn.py", "Now"): "an entry of the audit, as the triggers make them",
}


@cache
def modules() -> list[tuple[str, ast.Module]]:
    paths = [
        path.relative_to(places.CHECKOUT) for app in APPS for path in sorted((places.CHECKOUT / app).rglob("*.py"))
    ]
    return [(path.as_posix(), _read(path)) for path in paths if not NOT_OURS & set(path.parts)]


def _read(path: Path) -> ast.Module:
    return ast.parse((places.CHECKOUT / path).read_text())


def clocks(tree: ast.AST) -> Iterator[str]:
    """Yield every other clock that is read in ``tree``."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield from (found[0].lower() for found in SQL.finditer(WRITTEN.sub("", node.value)))
        elif isinstance(node, ast.ImportFrom):
            names = {one.name for one in node.names}
            yield from DJANGO & names
            yield from PYTHON & {f"{(node.module or '').rpartition('.')[2]}.{name}" for name in names}
        elif isinstance(node, ast.Attribute):
            of = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            yield from ({f"{of}.{node.attr}"} & PYTHON) | ({node.attr} & DJANGO)
        elif isinstance(node, ast.keyword):
            yield from BY_ITSELF & {node.arg}


def test_whoever_asks_another_clock_is_known_and_has_a_reason():
    asked = {(name, word) for name, tree in modules() for word in clocks(tree)}

    assert asked == set(ALLOWED), "Take `at`, or config.kernel.clock; or say here why not."


@pytest.mark.parametrize(
    "line",
    [
        "ask('SELECT 1 WHERE until < now()')", "ask('SELECT NOW ( )')", "ask(f'{x} at > CURRENT_TIMESTAMP')",
        "ask('SET updated_at = clock_timestamp(), at = statement_timestamp()')", "ask('SET updated_at = now()')",
        "ask(\"SELECT 'now'::timestamptz\")", "ask(\"SELECT timestamptz 'now'\")", "ask('WHERE day = CURRENT_DATE')",
        "ask('SELECT age(born)')", "from django.db.models.functions import Now", "functions.Now()", "timezone.now()",
        "from django.utils.timezone import now", "datetime.datetime.now(UTC)", "datetime.now", "date.today()",
        "from time import time", "time.time()", "DateTimeField(auto_now_add=True)",
    ],
)  # fmt: skip
def test_another_clock_is_found_wherever_it_hides(line):
    assert list(clocks(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "clock.now()", "'Like now().'", "def now(): 'As CURRENT_DATE.'", "ask('until now')", "ask('age(a, b)')",
        "ask('SET updated_at = clock_timestamp(), at = %(at)s')", "time.monotonic()", "timezone.localtime(at)",
    ],
)  # fmt: skip
def test_what_only_sounds_like_one_is_none(line):
    assert not list(clocks(ast.parse(line)))
