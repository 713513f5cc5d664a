"""Natural keys that somebody else's record has."""

from typing import Any

from crm.services.editing import ExistsOutOfScope


def refuse_hidden(known: Any, user: Any) -> None:
    """Say nothing about rows of ``known`` that ``user`` may not see, but that the key is taken.

    :raises ExistsOutOfScope: there is one.
    """
    if known.exists() and not known.visible_to(user).exists():
        raise ExistsOutOfScope("A record with this key exists, and it is somebody else's. Ask an admin.")
