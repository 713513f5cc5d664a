"""Reading `.env`: one `NAME=value` a line, quotes optional, `#` begins a comment line."""

import os
from pathlib import Path


def load(path: Path, *, only: frozenset[str] | None = None) -> None:
    """Give the process the variables of the file that it does not have yet; no file, nothing happens.

    With ``only``, those and no others.
    """
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#") and (only is None or name.strip() in only):
            os.environ.setdefault(name.strip(), _unquoted(value.strip()))


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
