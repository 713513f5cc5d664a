"""The secret of a development checkout: made once, kept beside its servers, never in the repository."""

import os
import secrets

from config.embedded import places


def development_key() -> str:
    """Return this checkout's own SECRET_KEY, making it on first use; two processes at once agree on one."""
    path = places.state() / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip() or secrets.token_urlsafe(50)
    with os.fdopen(handle, "w") as file:
        file.write(key := secrets.token_urlsafe(50))
    return key
