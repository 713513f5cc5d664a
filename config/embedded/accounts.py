"""As whom PostgreSQL runs: it refuses root, and a container's only user is often root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.embedded import places
from config.embedded.binaries import Postgres
from config.embedded.places import CannotServe

IN_OWN_NAMESPACE = ("unshare", "-U", "--map-user=65534", "--map-group=65534", "--")


@dataclass(frozen=True)
class Account:
    """How to start a program that must not be root, where its programs lie and where its data may lie."""

    programs: Path
    home: Path
    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """Arguments of `subprocess` that take on the account."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> Path:
        """Make ``path`` a private directory of the account."""
        if self.uid is None or self.gid is None:
            return places.private(path)
        # Others may pass through to what is theirs, and see nothing on the way.
        places.private(path.parent).chmod(0o711)
        if not path.exists():
            path.mkdir(mode=0o700)
            os.chown(path, self.uid, self.gid)
        if path.lstat().st_uid != self.uid:
            raise CannotServe(f"{path} belongs to somebody else; remove it, or set EMBEDDED_STATE_DIR.")
        return path


def choose(found: Postgres) -> Account:
    """Take the account that PostgreSQL can run as.

    Root maps itself to nobody in a user namespace of its own: files stay root's and nothing changes hands. Where
    namespaces are forbidden (plain containers) or the checkout belongs to somebody else, an account every Linux has
    does it, with its data, and if need be a copy of the programs, in /var/tmp. A uid without an account, which
    PostgreSQL refuses as well, maps itself likewise, and has no other way.

    :raises CannotServe: there is no account that would do.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return Account(programs=found.directory, home=places.state())
    if _namespace_works(found):
        return Account(programs=found.directory, home=places.state(), prefix=IN_OWN_NAMESPACE)
    if os.geteuid() != 0:
        raise CannotServe(
            f"PostgreSQL refuses to run as uid {os.geteuid()}, which has no account (no line in /etc/passwd), and user "
            "namespaces are forbidden here: run as a user with an account, or set DATABASE_URL."
        )
    entry = _unprivileged_entry()
    home = places.private(places.shelter())
    home.chmod(0o711)
    account = Account(programs=found.directory, home=home, uid=entry.pw_uid, gid=entry.pw_gid)
    if _runs(account):
        return account
    return Account(programs=_copy_programs(found, home), home=home, uid=entry.pw_uid, gid=entry.pw_gid)


def _has_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


def _namespace_works(found: Postgres) -> bool:
    """Whether a namespace may be made, and the programs be run and the data be written from inside it."""
    if os.environ.get("EMBEDDED_NO_USERNS") or not shutil.which("unshare"):
        return False
    places.state().mkdir(parents=True, exist_ok=True)
    probes = ([found.directory / "postgres", "--version"], ["test", "-w", places.state()])
    return all(_succeeds([*IN_OWN_NAMESPACE, *map(str, probe)]) for probe in probes)


def _runs(account: Account) -> bool:
    return _succeeds([str(account.programs / "postgres"), "--version"], **account.identity)


def _succeeds(command: list[str], **identity: Any) -> bool:
    try:
        return subprocess.run(command, capture_output=True, cwd="/", check=False, **identity).returncode == 0
    except OSError:
        return False


def _unprivileged_entry() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotServe("PostgreSQL refuses to run as root and there is no account nobody; run as another user.")


def _copy_programs(found: Postgres, home: Path) -> Path:
    """Copy a wheel's programs to where the account can read them; a checkout under /root is closed to it."""
    package = found.directory.parent.parent
    if found.directory.parent.name != "pginstall":
        raise CannotServe(f"{found.directory} cannot be read by an account other than root; set PG_BIN elsewhere.")
    copy = home / f"programs-{found.version}"
    if not copy.exists():
        unfinished = home / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # The programs find their libraries by a path relative to both folders.
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.name)
        unfinished.rename(copy)
    return copy / package.name / "pginstall" / "bin"
