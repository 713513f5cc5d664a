"""What tells one migrated database from another without asking it."""

import hashlib

from config.embedded import places


def fingerprint(server: str) -> str:
    """Changes with everything that decides what a migrated database looks like, on a ``server`` of that version."""
    found = hashlib.sha256(server.encode())
    migrations = places.CHECKOUT.glob("*/migrations/**/*")
    config = places.CHECKOUT / "config"
    told = [config / "kernel" / f"{name}.py" for name in ("audit", "ids", "partitions")]  # migrations do what they say
    settings = [places.CHECKOUT / "requirements.txt", config / "settings.py", *told]
    for path in sorted([*migrations, *places.CHECKOUT.glob("*/fixtures/**/*"), *settings]):
        if path.is_file() and path.suffix != ".pyc":
            found.update(f"{path.relative_to(places.CHECKOUT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]
