"""`./dev reset`: a fresh database, as on the first start; for development only."""

import os

from config import embedded
from config.embedded.postgres import Cluster
from config.embedded.valkey import Valkey
from config.supervisor import prepare, record


class Refused(SystemExit):
    """Nothing was dropped; ends the command with the reason."""


def reset() -> None:
    """Drop the database of this checkout, make it anew, load the sample and invite demo users.

    :raises Refused: the database or the settings are not this checkout's own, or Clearline runs.
    """
    _require_own_database()
    _require_debug()
    with record.only_one():
        embedded.ensure()
        cluster = Cluster()
        cluster.recreate()
        Valkey().flush(slot=0)
        prepare.forget()
        prepare.main()


def _require_own_database() -> None:
    if not embedded.is_embedded():
        raise Refused(
            "Nothing was dropped: DATABASE_URL names a server that this checkout did not start. "
            "Unset it to reset the embedded database, or drop that one yourself."
        )


def _require_debug() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings

    if not settings.DEBUG:
        raise Refused("Nothing was dropped: DEBUG is off, so this is not a development checkout.")
