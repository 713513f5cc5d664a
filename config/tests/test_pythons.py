"""Which Python ./dev makes its environment with."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from config import embedded

NAME = f"python3.{sys.version_info.minor}"


@pytest.fixture
def dev() -> dict[str, Any]:
    return runpy.run_path(str(Path(embedded.__file__).parents[2] / "dev"))


def python(place: Path, says: str) -> str:
    place.mkdir()
    (place / NAME).write_text(f"#!/bin/sh\n{says}\n")
    (place / NAME).chmod(0o755)
    return str(place / NAME)


def chosen(dev: dict[str, Any], patch: pytest.MonkeyPatch, *pythons: str) -> str:
    patch.setenv("PATH", ":".join(["/usr/bin/nowhere", *(str(Path(one).parent) for one in pythons)]))
    return str(dev["fastest_python"]())


def test_the_fastest_build_is_taken(dev: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = python(tmp_path / "a", f"echo 1e-8 {sys.version_info.minor}")
    faster = python(tmp_path / "b", f"echo 1e-9 {sys.version_info.minor}")
    slow = python(tmp_path / "c", f"echo 1e9 {sys.version_info.minor}")

    assert chosen(dev, monkeypatch, fast, faster, slow) == faster
    assert chosen(dev, monkeypatch, slow) == sys.executable
    assert chosen(dev, monkeypatch) == sys.executable


@pytest.mark.parametrize("says", ["echo 1e-9 9", "exit 1", "echo what?", "echo", "exec /nowhere/at/all"])
def test_what_is_no_python_of_ours_is_passed_over(
    dev: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    assert chosen(dev, monkeypatch, python(tmp_path / "a", says)) == sys.executable


def test_what_cannot_be_run_is_passed_over(
    dev: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = python(tmp_path / "a", f"echo 1e-9 {sys.version_info.minor}")
    Path(one).write_text("no program at all")
    assert chosen(dev, monkeypatch, one) == sys.executable
