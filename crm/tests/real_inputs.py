"""Real files that nobody on this project wrote; they lie beside the checkout and never inside it."""

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"


def path_of(name: str) -> Path:
    """Return the path of a real input, or skip the test where the inputs are absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the real input {name} is not beside this checkout (../shared/data)")
    return path


def rows_of(name: str) -> list[dict[str, str]]:
    path = path_of(name)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(raw.decode(errors="replace"), newline="")))


def json_of(name: str) -> Any:
    return json.loads(path_of(name).read_text())


def half_of(text: str) -> int:
    """Deal texts into two halves, 0 and 1, by their hash: rules are tuned on half 0 and judged on half 1."""
    return hashlib.sha256(text.encode()).digest()[0] % 2
