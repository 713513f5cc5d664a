"""`.env.example` lists what is read, and nothing else."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from config import embedded
from config.embedded import places
from config.tests.test_embedded import SERVERS

LISTED = re.compile(r"^#([A-Z][A-Z0-9_]+)=", re.MULTILINE)
SET_FROM_REDIS_URL = {"REDIS_URL"}  # config.embedded makes CACHE_URL and its sisters of it


def read_by_settings() -> set[str]:
    """The names that config/settings.py asks the environment for: `env("NAME")`, `env.flag("NAME", ...)`."""
    tree = ast.parse((places.CHECKOUT / "config" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return {call.args[0].value for call in calls if ast.unparse(call.func).partition(".")[0] == "env"}


def read_for_this_machine() -> set[str]:
    """The names of programs and places that the servers and the tests ask the environment for."""
    asked = re.compile(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"")
    files = [
        *(places.CHECKOUT / "config" / "embedded").glob("*.py"),
        *(places.CHECKOUT / "config" / "testing").glob("*"),
    ]
    found = {name for file in files if file.suffix == ".py" for name in asked.findall(file.read_text())}
    return {name for name in found if name.endswith(("_BIN", "_DIR", "CHROMIUM"))}


def test_the_example_lists_what_is_read_and_nothing_else():
    listed = LISTED.findall((places.CHECKOUT / ".env.example").read_text())

    assert sorted(listed) == sorted(read_by_settings() | SET_FROM_REDIS_URL | embedded.MACHINE)
    assert read_for_this_machine() == embedded.MACHINE


def test_tests_learn_from_the_file_where_things_lie_and_nothing_else(tmp_path):
    (tmp_path / ".env").write_text(
        f"EMBEDDED_STATE_DIR={tmp_path}/elsewhere\nPG_BIN=/opt/pg/bin\nREDIS_BIN=/opt/valkey\nCHROMIUM=/opt/browser\n"
        "DATABASE_URL=postgres://clearline@db.example.com/real\nLOG_LEVEL=DEBUG\nSECRET_KEY=tried out\n"
    )
    script = (
        "import os; from pathlib import Path; from config import embedded; from config.embedded import places\n"
        f"places.CHECKOUT = Path({str(tmp_path)!r})\n"
        "from config import testing\n"
        "print(*(f'{name}={value}' for name, value in os.environ.items()), sep='\\n')"
    )
    given = embedded.MACHINE | {*SERVERS, "LOG_LEVEL", "SECRET_KEY"}
    bare = {name: value for name, value in os.environ.items() if name not in given}
    root = Path(embedded.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=bare, capture_output=True, text=True, check=True
    )
    has = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    assert {name: has.get(name) for name in sorted(embedded.MACHINE)} == {
        "CHROMIUM": "/opt/browser",
        "EMBEDDED_STATE_DIR": f"{tmp_path}/elsewhere",
        "PG_BIN": "/opt/pg/bin",
        "REDIS_BIN": "/opt/valkey",
    }
    assert (tmp_path / "elsewhere" / "test-slots" / "0").exists()
    assert "db.example.com" not in has["DATABASE_URL"]
    assert "LOG_LEVEL" not in has
    assert has["SECRET_KEY"] != "tried out"
