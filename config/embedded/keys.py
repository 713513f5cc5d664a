"""The secret of a development checkout: made once, kept beside its servers, never in the repository."""

import contextlib
import os
import secrets

from config.embedded import places


def development_key() -> str:
    """Return this checkout's own SECRET_KEY, making it on first use; two processes at once agree on one."""
    path = places.state() / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)  # whole or not at all, and the first one wins
        aside.unlink()
    return path.read_text().strip()
